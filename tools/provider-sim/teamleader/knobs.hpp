// SPDX-License-Identifier: Apache-2.0
// What Teamleader's documents leave open, as switches. Every default is the documented or the likelier behaviour; each
// one can be set on the command line and, while the simulator runs, through POST /knobs.
#pragma once

#include <chrono>
#include <string>

#include "knob_list.hpp"

namespace koppel::provider_sim::teamleader {

struct knobs {
  bool updated_since_exclusive = false;
  bool list_active_only = false;
  bool denial_drops_state = false;
  bool old_access_survives = false;
  bool plain_code_errors = false;
  std::string code_error = "invalid_grant";  ///< title of the refusal of a code
  bool retry_after = false;
  bool reset_header_utc = false;
  bool webhook_disorder = false;
  bool webhook_https_only = false;
  bool webhook_extra_members = false;
  std::string webhook_again = "merge";  ///< what a second registration of a url and type does
  std::size_t webhook_limit = 0;        ///< urls per client and account; 0: no limit
  int webhook_retries = 0;
  std::chrono::milliseconds webhook_retry_pause{200};
  std::chrono::milliseconds webhook_patience{5'000};
  std::size_t rate_limit = 200;
  std::chrono::seconds rate_window{60};
  std::chrono::seconds access_life{3600};  ///< of the access tokens that are issued from now on

  /// By name; refers to this object.
  knob_list list();
};

}  // namespace koppel::provider_sim::teamleader
