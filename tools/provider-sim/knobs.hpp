// SPDX-License-Identifier: Apache-2.0
// What Teamleader's documents leave open, as switches. Every default is the documented or the likelier behaviour; each
// one can be set on the command line and, while the simulator runs, through POST /knobs.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace koppel::provider_sim {

struct knobs {
  bool updated_since_exclusive = false;  ///< a record of exactly that second is left out
  bool list_active_only = false;         ///< lists without filter.status leave deactivated records out
  bool denial_drops_state = false;       ///< `state` is not echoed when access is denied
  bool old_access_survives = false;      ///< a refresh leaves the previous access token alive until it expires
  bool plain_code_errors = false;        ///< {"error":...} instead of the envelope when a code is refused
  bool retry_after = false;              ///< 429 carries Retry-After
  bool reset_header_utc = false;         ///< X-RateLimit-Reset as +00:00 without milliseconds
  bool webhook_disorder = false;         ///< deliveries of one change are shuffled, every tenth comes twice
  int webhook_retries = 0;
  std::size_t rate_limit = 200;
  std::chrono::seconds rate_window{60};
  std::chrono::seconds access_life{3600};  ///< of the access tokens that are issued from now on

  boost::json::object to_json() const;

  /// Sets what `changes` names. Returns what is wrong with it, in which case nothing was set.
  std::optional<std::string> apply(const boost::json::object& changes);
};

}  // namespace koppel::provider_sim
