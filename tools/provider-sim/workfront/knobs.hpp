// SPDX-License-Identifier: Apache-2.0
// What Workfront's documents leave open, or an administrator sets, as switches. Every default is the documented or the
// likelier behaviour.
#pragma once

#include <chrono>
#include <string>

#include "knob_list.hpp"

namespace koppel::provider_sim::workfront {

struct knobs {
  bool keep_refresh_token = false;
  bool refresh_ends_session = false;
  bool state_dropped = false;
  bool not_admin = false;
  bool customer_forbidden = false;
  bool dot_dates = false;
  bool null_update_dates = false;
  bool stable_order = false;
  bool event_disorder = false;
  std::int64_t expires_in = 0;              ///< as it is told, whatever is true
  std::chrono::seconds session_life{3600};  ///< of the sessions that begin from now on
  std::chrono::seconds refresh_life{0};     ///< of the refresh tokens issued from now on; 0: no end
  std::chrono::seconds refresh_idle{0};  ///< a refresh token that is not presented for so long is dead; 0: no such end
  int session_error_status = 401;
  int argument_error_status = 400;
  int missing_status = 404;
  int removed_status = 410;
  int oldest_version = 16;
  int newest_version = 22;
  std::chrono::minutes utc_offset{60};
  std::size_t concurrency_limit = 10;
  std::chrono::milliseconds work{0};    ///< that every API request takes
  std::chrono::seconds retry_after{0};  ///< on 429; 0: no such header
  bool event_https_only = false;
  bool event_validation = false;            ///< a new URL gets an empty message
  bool event_token_plain = false;           ///< without "Bearer"
  bool delete_in_new_state = false;         ///< a DELETE tells of the record in newState
  std::string subscription_version = "v2";  ///< of new ones
  std::string events_listed = "wire";       ///< or as in the documents
  int event_attempts = 11;
  std::chrono::milliseconds event_retry{84800};
  std::chrono::milliseconds event_patience{5'000};
  std::size_t messages_before_judged = 100;     ///< then a URL is disabled where over 70 % failed
  std::size_t failures_until_disabled = 2'000;  ///< in a row

  /// By name; refers to this object.
  knob_list list();
};

}  // namespace koppel::provider_sim::workfront
