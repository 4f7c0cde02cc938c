// SPDX-License-Identifier: Apache-2.0
// Calendar arithmetic by <chrono>; the formatting is by hand because libstdc++ 12 has no std::format for it.
#include "timestamps.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace koppel::provider_sim {
namespace {

using namespace std::chrono;

struct civil {
  int year;
  unsigned month, day;
  int hour, minute, second;
};

civil to_civil(sys_seconds at) {
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{at - day};
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

std::string date_and_clock(sys_seconds at) {
  const auto c = to_civil(at);
  std::array<char, 80> text;
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", c.year, c.month, c.day,
                                   c.hour, c.minute, c.second);
  return {text.data(), static_cast<std::size_t>(length)};
}

/// Reads exactly `digits` digits off the front of `text`.
std::optional<int> take(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<minutes> take_offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes{0};
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hour = take(text, 2);
  skip(text, ':');
  const auto minute = take(text, 2);
  if (!hour || !minute || !text.empty() || *hour > 23 || *minute > 59) return std::nullopt;
  return minutes{sign * (*hour * 60 + *minute)};
}

}  // namespace

std::string record_time(sys_seconds at) { return date_and_clock(at) + "+00:00"; }

std::string date_only(sys_days day) { return date_and_clock(day).substr(0, 10); }

std::string reset_time(instant at, bool utc_seconds) {
  // Rounded up: a client that waits until the second shown must find the window moved.
  if (utc_seconds) return record_time(ceil<seconds>(at));
  const auto local = at + 1h;
  const auto whole = floor<seconds>(local);
  std::array<char, 32> fraction;
  std::snprintf(fraction.data(), fraction.size(), ".%03d+0100", static_cast<int>((local - whole).count()));
  return date_and_clock(whole) + fraction.data();
}

std::string http_date(instant at) {
  static constexpr const char* day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto c = to_civil(floor<seconds>(at));
  std::array<char, 96> text;
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                day_names[weekday{floor<days>(at)}.c_encoding()], c.day, month_names[c.month - 1], c.year, c.hour,
                c.minute, c.second);
  return text.data();
}

std::optional<parsed_time> parse_time(std::string_view text) {
  const auto y = take(text, 4);
  if (!y || !skip(text, '-')) return std::nullopt;
  const auto mo = take(text, 2);
  if (!mo || !skip(text, '-')) return std::nullopt;
  const auto d = take(text, 2);
  if (!d || !(skip(text, 'T') || skip(text, ' '))) return std::nullopt;
  const auto h = take(text, 2);
  if (!h || !skip(text, ':')) return std::nullopt;
  const auto mi = take(text, 2);
  if (!mi || !skip(text, ':')) return std::nullopt;
  const auto s = take(text, 2);
  if (!s || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;

  parsed_time result;
  milliseconds fraction{0};
  if (skip(text, '.')) {
    result.has_fraction = true;
    int scale = 100;
    while (auto digit = take(text, 1)) {
      fraction += milliseconds{*digit * scale};
      scale /= 10;
    }
  }
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  const auto offset = take_offset(text);
  if (!date.ok() || !offset) return std::nullopt;
  result.at = sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s} + fraction - *offset;
  return result;
}

}  // namespace koppel::provider_sim
