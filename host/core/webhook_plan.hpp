// SPDX-License-Identifier: Apache-2.0
// When a connection's webhooks are to be registered at the provider, again or for the first time. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "host/core/time.hpp"

namespace koppel::core {

struct registration_facts {
  enum class state { none, registered, refused, failing } now = state::none;
  bool elsewhere = false;  ///< what is registered is an address of another public URL
  std::optional<instant> registered_at, ends_at, tried_at;
  std::uint32_t failures = 0;  ///< in a row
};

/// None: now. Registered: half way to the end that the provider named, else once a day, to see that it is still there.
/// Failing: a minute later, doubled each time, an hour at most. Refused: once a day; a grant may be given more rights.
instant registration_due(const registration_facts& f, instant now);

}  // namespace koppel::core
