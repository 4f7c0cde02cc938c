// SPDX-License-Identifier: Apache-2.0
// The time formats of Teamleader: seconds in UTC for records, two shapes for X-RateLimit-Reset, RFC 3339 on the way in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http_message.hpp"

namespace koppel::provider_sim {

/// 2016-02-04T16:44:33+00:00, as in every record.
std::string record_time(std::chrono::sys_seconds at);

/// 2016-02-04, for birth dates.
std::string date_only(std::chrono::sys_days day);

/// 2021-06-15T10:51:23.035+0100 (the documented shape) or, with `utc_seconds`, 2026-02-08T11:09:08+00:00 (as observed).
std::string reset_time(instant at, bool utc_seconds);

/// Tue, 15 Jun 2021 09:51:23 GMT, for the Date header.
std::string http_date(instant at);

struct parsed_time {
  instant at;
  bool has_fraction = false;
};

/// RFC 3339 with `Z`, `+hh:mm` or `+hhmm`; nothing if it is anything else.
std::optional<parsed_time> parse_time(std::string_view text);

}  // namespace koppel::provider_sim
