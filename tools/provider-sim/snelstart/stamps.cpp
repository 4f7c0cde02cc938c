// SPDX-License-Identifier: Apache-2.0
// Summer time by the rule of 2002/84 instead of a zone database: from the last Sunday of March to that of October, each
// at 1:00 UTC.
#include "snelstart/stamps.hpp"

#include "timestamps.hpp"

namespace koppel::provider_sim::snelstart {

using namespace std::chrono;

instant clock_reading(instant at, std::string_view zone) {
  if (zone == "utc") return at;
  const auto in_year = year_month_day{floor<days>(at)}.year();
  const instant begins = sys_days{in_year / March / Sunday[last]} + hours{1};
  const instant ends = sys_days{in_year / October / Sunday[last]} + hours{1};
  return at + hours{at >= begins && at < ends ? 2 : 1};
}

std::string stamp_text(instant reading) {
  const auto second = floor<seconds>(reading);
  auto text = record_time(second).substr(0, 19);
  if (const auto ms = (reading - second).count(); ms != 0) {
    auto fraction = std::to_string(1000 + ms).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += '.' + fraction;
  }
  return text;
}

std::optional<instant> parse_stamp(std::string_view text) {
  const auto parsed = parse_time(std::string(text) + (text.size() == 10 ? "T00:00:00Z" : "Z"));
  return parsed ? std::optional(parsed->at) : std::nullopt;
}

}  // namespace koppel::provider_sim::snelstart
