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
/// Each subject's newest event as of a moment, then what came after it. The default asks for a new one; a consumer that
/// was cut in the middle of a walk goes on with what its last delivery said.
struct from_snapshot {
  position of;              ///< the moment: the head when the walk began. Without an epoch: not known yet
  std::uint64_t after = 0;  ///< walked up to here
  bool operator==(const from_snapshot&) const = default;
};
using start_at = std::variant<from_start, from_now, from_snapshot, position>;

}  // namespace koppel::bus
