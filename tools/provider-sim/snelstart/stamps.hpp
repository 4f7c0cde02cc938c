// SPDX-License-Identifier: Apache-2.0
// SnelStart's times: a clock's reading, with a fraction of any length and without a zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http_message.hpp"

namespace koppel::provider_sim::snelstart {

/// What a clock on the wall shows at `at`, where that clock hangs: "amsterdam" or "utc".
instant clock_reading(instant at, std::string_view zone);

/// 2018-08-07T06:24:48.12
std::string stamp_text(instant reading);

/// The inside of datetime'...': a date, or a date and a time with a fraction or none; nothing if a zone follows.
std::optional<instant> parse_stamp(std::string_view text);

}  // namespace koppel::provider_sim::snelstart
