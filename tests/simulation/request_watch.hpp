// SPDX-License-Identifier: Apache-2.0
// Watches what the host asks of the provider, for what must not be: a refresh token presented twice without need, two
// presentations at one time, the same request repeated by two layers. Knows what the host was told, and when it died.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/net/http.hpp"
#include "tests/simulation/provider.hpp"
#include "tests/simulation/world.hpp"

namespace koppel::simulation {

class request_watch {
 public:
  request_watch(world& w, const provider& p) : world_(w), provider_(p) {}

  /// A request leaves the host in its boot number `boot`; returns a number for it.
  std::uint64_t began(std::uint64_t boot, const net::request& r);
  /// The host was told how it went.
  void ended(std::uint64_t request, const result<net::response>& outcome);
  /// Whoever asked is there no more.
  void abandoned(std::uint64_t request);

  void host_died(std::uint64_t boot);
  /// Requests may repeat from here on without being retried: jobs of a dead runner are done again, somebody asked for a
  /// read, the clock was set.
  void begin_anew() { groups_.clear(); }

  /// A refresh token may be on its way to the provider.
  bool any_on_the_way() const;
  std::uint64_t presentations() const { return presentations_; }

 private:
  enum class fate {
    under_way,
    unknown,   ///< cut, timed out, unreadable, in trouble, or nobody was left to be told
    not_sent,  ///< or refused for its frequency: certainly not used
    kept,      ///< answered with an access token alone: the refresh token goes on
    definite,  ///< the host knows
  };
  struct presentation {
    std::uint64_t request = 0, boot = 0;
    runtime::steady_time began{}, ended{};
    fate became = fate::under_way;
  };
  /// Attempts at one request that follow each other closely.
  struct group {
    int failures = 0;
    runtime::steady_time again_after{};  ///< a later attempt is the schedule's
  };
  void present(std::uint64_t request, std::uint64_t boot, const std::string& token);
  void attempt(const std::string& key);

  world& world_;
  const provider& provider_;
  std::uint64_t next_ = 1, presentations_ = 0;
  std::map<std::string, std::vector<presentation>> by_token_;
  std::map<std::uint64_t, std::string> token_of_, key_of_;  ///< of requests under way
  std::map<std::string, group> groups_;
  std::map<std::uint64_t, runtime::steady_time> died_;  ///< boots, and when they did
};

}  // namespace koppel::simulation
