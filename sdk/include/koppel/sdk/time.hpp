// SPDX-License-Identifier: Apache-2.0
// Points in time as providers write them and as consumers read them. A plugin has no clock but `job::now`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::sdk {

using time_point = std::chrono::sys_time<std::chrono::milliseconds>;

/// Reads RFC 3339 and its usual variations: with or without a fraction, after a point or (Workfront) a colon; `Z`,
/// `+01:00` or `+0100`. Digits of the fraction beyond milliseconds are cut. Nothing for anything else, impossible dates
/// included.
std::optional<time_point> parse_time(std::string_view text);

/// "2016-02-04T16:44:33Z", with three digits of fraction only where there is one.
std::string format_time(time_point when);

}  // namespace koppel::sdk
