// SPDX-License-Identifier: Apache-2.0
// How fast a provider may be asked: one `quota` per bucket of a manifest's [[limit]]. It counts for itself, in a
// sliding window; what the provider announces wins: its limit replaces the manifest's, its remaining and its refusals
// stop us (docs/limits.md). Pure: the caller says what time it is. Requests of one bucket go through `ask` one at a
// time; who of several connections goes first is the caller's fairness.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/manifest.hpp"
#include "host/core/time.hpp"

namespace koppel::core {

class quota {
 public:
  explicit quota(limit_rule rule);

  /// Nothing: a request may go now (then call `sent`). Else when to ask again, always later than `now`, at most an
  /// hour.
  std::optional<instant> ask(instant now);

  void sent(instant now);

  /// Each `sent` is followed by one of these two. Header names in any case.
  void observe(instant now, int status, const std::vector<std::pair<std::string, std::string>>& headers);
  void unanswered(instant now);

  /// Nothing is counted, awaited or announced: all that forgetting this bucket loses is a limit that the provider's
  /// next answer tells again.
  bool idle(instant now);

  const limit_rule& rule() const { return rule_; }
  /// What the provider says its limit is, or the manifest's.
  std::uint32_t limit() const { return limit_; }

 private:
  /// What the provider said is left, less what we have sent since.
  struct announcement {
    std::int64_t left = 0;
    instant reset;         ///< until then nothing is added to it
    bool guessed = false;  ///< ours, after the provider said that there was none
  };
  void forget_past(instant now);
  void answered(instant now);
  bool take_announcement(instant now, std::string_view remaining, std::string_view reset, std::string_view date);
  std::chrono::milliseconds pace() const;
  std::chrono::milliseconds until_reset(instant now, std::string_view reset, std::string_view date) const;

  limit_rule rule_;
  std::uint32_t limit_;
  std::deque<instant> window_;  ///< when what still counts was answered; what is under way counts besides
  std::uint32_t under_way_ = 0;
  std::optional<announcement> announced_;
  instant blocked_until_{};  ///< by a 429 or 503
  int refusals_in_a_row_ = 0;
};

/// What distinguishes the buckets of one plugin.
struct bucket_scope {
  std::string plugin;
  std::string client;   ///< the OAuth client id, or what stands for it
  std::string account;  ///< empty while unknown: then the connection stands for it
  std::string connection;
};

/// All buckets of the host. Main strand only.
class bucket_table {
 public:
  /// The bucket of this rule that a request in `scope` counts towards. Lives until `forget_idle`; a changed rule (a
  /// plugin was upgraded) begins a new one.
  quota& of(const limit_rule& rule, const bucket_scope& scope);
  void forget_idle(instant now);
  std::size_t size() const { return buckets_.size(); }

 private:
  std::map<std::string, quota> buckets_;
};

}  // namespace koppel::core
