// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <algorithm>

namespace koppel::teamleader {
namespace {

using namespace koppel::sdk;

/// A run ends with the second before the newest row it saw as its cursor. It may have missed rows that are a little
/// older: Teamleader lists one late, or one slides to a page that was read already, because rows before it are edited
/// while a crowded second is read by page number. So the next run begins this much before the cursor.
constexpr std::chrono::minutes overlap{5};

}  // namespace

std::string to_cursor(const position& at) {
  return cursor_word(at.since, format_seconds) + ' ' + std::to_string(at.page);
}

std::optional<position> from_cursor(std::string_view cursor) {
  cursor_words words(cursor);
  position out;
  out.since = words.time();
  out.page = words.number(1);
  return words.sound() ? std::optional(out) : std::nullopt;
}

position first_position(const sync& run, const std::optional<position>& stored) {
  // The first run of all, or an unreadable cursor: everything, which costs time and harms nothing.
  if (!stored) return {};
  // An interrupted run: exactly where it broke off.
  if (run.resumed()) return *stored;
  // The host wants everything, or no row ever had a time.
  if (run.full() || !stored->since) return {};
  // What changed since the last run.
  return {with_overlap(run, *stored->since, overlap), 1};
}

position after(const position& at, std::optional<time_point> newest, bool last_page) {
  if (const auto since = next_since(at.since, newest)) return {since, 1};
  return {at.since, last_page ? 1 : at.page + 1};
}

}  // namespace koppel::teamleader
