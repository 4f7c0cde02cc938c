// SPDX-License-Identifier: Apache-2.0
// Time as core sees it: an argument, never a call. Wall-clock instants in milliseconds; RFC 3339 at the edges.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::core {

using instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// "2026-01-31T12:00:00.000Z"
std::string to_rfc3339(instant t);

/// Reads ISO 8601 / RFC 3339 with or without fraction, with "Z", "+01:00" or "+0100"; nothing else.
std::optional<instant> from_iso8601(std::string_view text);

}  // namespace koppel::core
