// SPDX-License-Identifier: Apache-2.0
// RFC 3339 in and out. g++ 12 has the calendar of <chrono> but neither its parse nor its format.
#include <koppel/sdk/time.hpp>

#include <cstdio>

namespace koppel::sdk {
namespace {

/// Takes what it recognises from the front of a text.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool digits(std::size_t count, int& into) {
    if (rest_.size() < count) return false;
    into = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return false;
      into = into * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  bool one_of(std::string_view choice) {
    if (rest_.empty() || choice.find(rest_.front()) == choice.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Any number of digits, of which three count.
  bool fraction(int& milliseconds) {
    int seen = 0;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), ++seen)
      if (seen < 3) milliseconds = milliseconds * 10 + (rest_.front() - '0');
    for (int i = seen; i < 3; ++i) milliseconds *= 10;
    return seen > 0;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
};

}  // namespace

std::optional<time_point> parse_time(std::string_view text) {
  using namespace std::chrono;
  scanner in(text);
  int y = 0, mon = 0, d = 0, h = 0, min = 0, s = 0, ms = 0;
  if (!in.digits(4, y) || !in.one_of("-") || !in.digits(2, mon) || !in.one_of("-") || !in.digits(2, d)) return {};
  if (!in.one_of("Tt ") || !in.digits(2, h) || !in.one_of(":") || !in.digits(2, min)) return {};
  if (!in.one_of(":") || !in.digits(2, s)) return {};
  if (in.one_of(".:") && !in.fraction(ms)) return {};

  const year_month_day date{year{y}, month{static_cast<unsigned>(mon)}, day{static_cast<unsigned>(d)}};
  if (!date.ok() || h > 23 || min > 59 || s > 60) return {};
  const time_point local = sys_days{date} + hours{h} + minutes{min} + seconds{s} + milliseconds{ms};

  if (in.one_of("Zz")) return in.at_end() ? std::optional(local) : std::nullopt;
  const bool ahead = in.one_of("+");
  int offset_h = 0, offset_min = 0;
  if (!ahead && !in.one_of("-")) return {};
  if (!in.digits(2, offset_h)) return {};
  in.one_of(":");
  if (!in.digits(2, offset_min) || !in.at_end() || offset_h > 23 || offset_min > 59) return {};
  const auto offset = hours{offset_h} + minutes{offset_min};
  return ahead ? local - offset : local + offset;
}

std::string format_time(time_point when) {
  using namespace std::chrono;
  const auto days_since = floor<days>(when);
  const year_month_day date{days_since};
  const hh_mm_ss clock{when - days_since};
  char text[40];
  int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                           static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                           static_cast<int>(clock.seconds().count()));
  std::string out(text, static_cast<std::size_t>(size));
  if (const int ms = static_cast<int>(clock.subseconds().count()); ms != 0) {
    size = std::snprintf(text, sizeof text, ".%03d", ms);
    out.append(text, static_cast<std::size_t>(size));
  }
  return out + 'Z';
}

}  // namespace koppel::sdk
