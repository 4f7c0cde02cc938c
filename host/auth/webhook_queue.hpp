// SPDX-License-Identifier: Apache-2.0
// The webhook addresses of apps. What comes is in the ledger before it is answered, since nobody sends it again, and is
// worked off from there: in order for each reference, several references at a time, after a restart too. Bounded by
// what may be pending for an app and by what is kept of the past. Main strand only.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "host/auth/auth_service.hpp"
#include "host/runtime/condition.hpp"

namespace koppel::auth {

class webhook_queue {
 public:
  struct limits {
    std::size_t pending = 256;  ///< for one app; beyond it: 503
    std::size_t kept = 500;     ///< of one app's, settled
    std::chrono::hours kept_for{24 * 30};
    std::size_t at_once = 8;                       ///< references that are worked off
    std::chrono::milliseconds first_pause{5'000};  ///< after a provider that cannot be reached; then twice that, ...
    std::chrono::milliseconds longest_pause{300'000};
    std::chrono::hours patience{24};  ///< from then on it is given up
  };

  webhook_queue(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
                auth_service& auth, const runtime::clock& clock, limits l);
  webhook_queue(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
                auth_service& auth, const runtime::clock& clock)
      : webhook_queue(supervisor, ledger, plugins, auth, clock, limits{}) {}

  /// Returns the HTTP status: 200 once it is durable; 404, the same for every address that is none; 400 for what nobody
  /// can read, which is kept and shown too; 503 where there is no room, in the queue or on the disk.
  runtime::awaitable<int> receive(std::string provider, std::string secret, std::string body);

  /// Until cancelled or told to stop.
  runtime::awaitable<void> work_off();
  void stop();

 private:
  using lane = std::pair<std::string, std::string>;  ///< app and reference
  struct pause {
    core::instant since{};  ///< of the first of these failures
    int failures = 0;
    core::instant until{};
  };
  runtime::awaitable<void> work_one(ledger::webhook w);
  /// One that came while its plugin was away: where it stands in line is known from now on.
  auth_service::webhook_outcome read_late(const ledger::webhook& w, const core::secret& body) const;
  runtime::awaitable<result<>> settle(const ledger::webhook& w, auth_service::webhook_outcome became);
  core::instant start_what_is_due(std::vector<ledger::webhook> next);

  runtime::supervisor& supervisor_;
  ledger::ledger& ledger_;
  plugins::plugin_host& plugins_;
  auth_service& auth_;
  const runtime::clock& clock_;
  const limits limits_;
  runtime::condition changed_;
  bool news_ = false;  ///< something came, or ended, since the queue was last looked at
  bool stopping_ = false;
  std::set<lane> busy_;
  std::map<lane, pause> pauses_;
};

}  // namespace koppel::auth
