// SPDX-License-Identifier: Apache-2.0
// What Zoho's documents leave open, or say in several ways, as switches and numbers. Every default is the documented or
// the likelier behaviour.
#pragma once

#include <chrono>
#include <string>

#include "knob_list.hpp"

namespace koppel::provider_sim::zoho {

struct knobs {
  bool throttle_with_400 = false;
  bool no_multi_dc = false;
  bool no_scope_in_answer = false;
  bool modified_since_exclusive = false;
  bool unknown_id_is_400 = false;
  bool all_users_has_deleted = false;
  bool notify_https_only = false;
  bool channel_id_as_number = false;
  std::string api_domain;                        ///< of token answers, in place of the account's own
  std::string hidden_module = "none";            ///< as if this organisation did not have it
  std::string channel_again = "replace";         ///< what a second POST of a channel does
  std::string notification_operations = "past";  ///< insert and update, or the events' own names
  std::size_t ids_per_notification = 10;         ///< at most
  int notification_retries = 0;
  std::chrono::seconds channel_life{3'600};            ///< where none, or one that is too long, is asked for
  std::chrono::seconds longest_channel_life{604'800};  ///< that may be asked for
  std::chrono::seconds code_life{60};
  std::chrono::seconds access_life{3600};
  std::chrono::seconds page_token_life{86'400};
  std::size_t live_access_tokens = 10;  ///< per refresh token; the next one kills the oldest
  std::size_t tokens_per_window = 10;   ///< per refresh token, in ten minutes
  std::size_t refresh_tokens = 20;      ///< per user and client; the next one kills the oldest
  std::size_t credits = 50'000;         ///< per organisation, in 24 hours
  std::size_t concurrency_limit = 10;   ///< requests of a client for an organisation at a time
  std::chrono::milliseconds work{0};    ///< that every API request takes
  std::chrono::minutes utc_offset{120};

  /// By name; refers to this object.
  knob_list list();
};

}  // namespace koppel::provider_sim::zoho
