// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <algorithm>
#include <charconv>

namespace koppel::teamleader {
namespace {

using namespace koppel::sdk;
using std::chrono::seconds;

constexpr std::string_view none_yet = "none";

/// A run ends with the second before the newest row it saw as its cursor. It may have missed rows that are a little
/// older: Teamleader lists one late, or one slides to a page that was read already, because rows before it are edited
/// while a crowded second is read by page number. So the next run begins this much before the cursor.
constexpr std::chrono::minutes overlap{5};

}  // namespace

std::string wire_time(time_point when) {
  auto text = format_time(std::chrono::floor<seconds>(when));
  return text.substr(0, text.size() - 1) + "+00:00";
}

std::string to_cursor(const position& at) {
  return (at.since ? wire_time(*at.since) : std::string(none_yet)) + ' ' + std::to_string(at.page);
}

std::optional<position> from_cursor(std::string_view cursor) {
  const auto space = std::min(cursor.find(' '), cursor.size());
  const auto number = cursor.substr(std::min(space + 1, cursor.size()));
  position out{parse_time(cursor.substr(0, space)), 0};
  std::from_chars(number.data(), number.data() + number.size(), out.page);
  const bool sound = (out.since || cursor.substr(0, space) == none_yet) && out.page > 0;
  return sound ? std::optional(out) : std::nullopt;
}

position first_position(const sync& run, const std::optional<position>& stored) {
  // The first run of all, or an unreadable cursor: everything, which costs time and harms nothing.
  if (!stored) return {};
  // An interrupted run: exactly where it broke off.
  if (run.resumed()) return *stored;
  // The host wants everything, or no row ever had a time.
  if (run.full() || !stored->since) return {};
  // What changed since the last run; a cursor in the future is of a clock that was wrong, or of an older version.
  return {std::min(*stored->since, run.now()) - overlap, 1};
}

std::optional<time_point> newest_of(const json_items& rows, time_point now) {
  std::optional<time_point> newest;
  for (const auto& row : rows)
    if (const auto when = parse_time(row["updated_at"].text().value_or("")); when && *when <= now)
      newest = std::max(newest, when);
  if (newest) newest = std::chrono::floor<seconds>(*newest);
  return newest;
}

position after(const position& at, std::optional<time_point> newest, bool last_page) {
  if (newest && (!at.since || *newest - seconds(1) > *at.since)) return {*newest - seconds(1), 1};
  return {at.since, last_page ? 1 : at.page + 1};
}

}  // namespace koppel::teamleader
