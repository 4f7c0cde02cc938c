// SPDX-License-Identifier: Apache-2.0
// When a connection's webhooks are to be registered at the provider, again or for the first time, and where something
// of them may be. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/core/time.hpp"

namespace koppel::core {

/// The public URLs at which a connection's webhooks may be registered. One is here before the provider is asked for
/// anything, and until it has said that nothing is left there: how a registration ended says neither.
struct webhook_places {
  std::string current;              ///< empty: there is none
  std::vector<std::string> former;  ///< what is there is to be removed

  bool any() const { return !current.empty() || !former.empty(); }
  /// Those of before first.
  std::vector<std::string> all() const;
  /// From now on this one is current; what was becomes a former one.
  void move_to(const std::string& url);
  /// Nothing is left there.
  void clear(const std::string& url);
  bool operator==(const webhook_places&) const = default;
};

struct registration_facts {
  enum class state { none, registered, refused, failing } now = state::none;
  bool elsewhere = false;    ///< what is registered is an address of another public URL
  bool left_behind = false;  ///< at a former one something could not be removed
  std::optional<instant> registered_at, ends_at, tried_at;
  std::uint32_t failures = 0;  ///< in a row
};

/// None: now. Registered: half way to the end that the provider named, else once a day, to see that it is still there.
/// Failing, or something is left behind: a minute later, doubled each time, an hour at most. Refused: once a day; a
/// grant may be given more rights.
instant registration_due(const registration_facts& f, instant now);

}  // namespace koppel::core
