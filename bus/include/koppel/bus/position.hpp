// SPDX-License-Identifier: Apache-2.0
// Where a consumer wants to begin.
#pragma once

#include <koppel/bus/event.hpp>
#include <variant>

namespace koppel::bus {

struct from_start {
  bool operator==(const from_start&) const = default;
};
/// Only what is committed after the host has heard of us.
struct from_now {
  bool operator==(const from_now&) const = default;
};
using start_at = std::variant<from_start, from_now, position>;

}  // namespace koppel::bus
