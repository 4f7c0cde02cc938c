// SPDX-License-Identifier: Apache-2.0
// What SnelStart's documents leave open, as switches, and the figures of a subscription. Every default is the
// documented or the likelier behaviour; each can be set on the command line and, while the simulator runs, through POST
// /knobs.
#pragma once

#include <chrono>
#include <string>

#include "knob_list.hpp"

namespace koppel::provider_sim::snelstart {

struct knobs {
  std::string subscription_key = "8f14e45fceea167a5a36dedd4bea2543";  ///< the partner's, one for all administrations
  std::string app_short_name = "testo-pro-plus";                      ///< in activation links
  std::string webhook_url;                                            ///< registered for the app; empty: none is
  std::string coupling_casing = "pascal";
  bool removal_names_key = false;
  std::string zone = "amsterdam";
  bool shuffle_lists = false;
  bool hide_inactive = false;
  bool unknown_is_400 = false;
  bool withdrawal_ends_tokens = false;
  bool hour_is_quota = false;
  bool retry_after = true;
  std::size_t minute_limit = 100;
  std::size_t hour_limit = 1000;
  std::chrono::seconds access_life{3599};  ///< of the access tokens that are issued from now on

  /// By name; refers to this object.
  knob_list list();
};

}  // namespace koppel::provider_sim::snelstart
