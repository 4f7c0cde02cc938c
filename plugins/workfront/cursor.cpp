// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <algorithm>

namespace koppel::workfront {
namespace {

using namespace koppel::sdk;

constexpr std::string_view names[] = {"all", "edited", "created"};

/// A run begins this much before its cursor: Workfront may list an edit late, and rows of a crowded moment may slide to
/// a page that was read already.
constexpr std::chrono::minutes overlap{5};

turn after_all(position at, const json_items& rows, time_point now) {
  // All that was read by now was read no earlier than the newest date here: what is edited later is dated later.
  if (at.first == 0 && at.last_id.empty())
    at.edited = at.created =
        std::max(newest_of(times_of(rows, "/lastUpdateDate"), now), newest_of(times_of(rows, "/entryDate"), now));
  std::vector<std::string> ids;
  for (const auto& row : rows)
    if (const auto id = row["ID"].text(); id && !id->empty()) ids.emplace_back(*id);
  if (!std::is_sorted(ids.begin(), ids.end())) throw job_failure(verdict::bug, "Workfront ignored ID_Sort");

  const auto size = static_cast<std::int64_t>(rows.size());
  const bool slid = at.first > 0 && (size == 0 || (!ids.empty() && ids.front() > at.last_id));
  const bool more = size > 1 || (!ids.empty() && ids.back() > at.last_id);
  if (slid)
    at.first = std::max<std::int64_t>(0, at.first - static_cast<std::int64_t>(largest_page / 2));
  else if (!more)
    return {{walk::edited, 0, at.edited, at.created, {}}, true};
  else
    at.first += size - 1;
  if (!slid && !ids.empty()) at.last_id = std::max(at.last_id, ids.back());
  return {at, false};
}

turn after_dated(position at, const json_items& rows, std::size_t limit, time_point now) {
  auto& since = at.in == walk::edited ? at.edited : at.created;
  const auto field = std::string(field_of(at.in));
  const auto dates = times_of(rows, '/' + field);
  const bool last_page = rows.size() < limit;
  if (std::any_of(dates.begin(), dates.end(), [&](time_point when) { return when < since; }))
    throw job_failure(verdict::bug, "Workfront ignored the filter by " + field);
  if (!last_page) demand_sorted(rows, '/' + field, "Workfront");

  const auto newest = newest_of(dates, now);
  const bool moves = newest > since;
  at.first = moves || last_page ? 0 : at.first + static_cast<std::int64_t>(rows.size());
  if (moves) since = newest;
  const bool end = last_page && at.in == walk::created;
  if (last_page) at.in = end ? walk::edited : walk::created;
  return {at, end};
}

}  // namespace

std::string_view field_of(walk in) {
  return in == walk::all ? "ID" : in == walk::edited ? "lastUpdateDate" : "entryDate";
}

std::string to_cursor(const position& at) {
  return std::string(names[static_cast<int>(at.in)]) + ' ' + std::to_string(at.first) + ' ' + cursor_word(at.edited) +
         ' ' + cursor_word(at.created) + ' ' + at.last_id;
}

std::optional<position> from_cursor(std::string_view cursor) {
  cursor_words words(cursor);
  const auto* name = std::find(std::begin(names), std::end(names), words.word());
  position out{static_cast<walk>(name - names)};
  out.first = words.number(0);
  out.edited = words.time();
  out.created = words.time();
  out.last_id = words.rest();
  return words.sound() && name != std::end(names) ? std::optional(out) : std::nullopt;
}

position first_position(const sync& run, const std::optional<position>& stored) {
  if (!stored) return {};
  // A read that met no row at all has no dates to go on from.
  if (run.resumed()) return stored->in == walk::all || (stored->edited && stored->created) ? *stored : position{};
  // The host wants everything; or no row had a date by which to ask for changes.
  if (run.full() || !stored->edited || !stored->created) return {};
  // A walk through everything that was given up: its rows must be read before changes are enough.
  if (stored->in == walk::all) return *stored;
  return {
      walk::edited, 0, with_overlap(run, *stored->edited, overlap), with_overlap(run, *stored->created, overlap), {}};
}

std::size_t next_page(std::size_t rows, std::size_t bytes) {
  constexpr std::size_t half_an_answer = 4 << 20, least = 10;
  return std::clamp(half_an_answer * rows / std::max<std::size_t>(bytes, 1), least, largest_page);
}

turn after(const position& at, const json_items& rows, std::size_t limit, time_point now) {
  return at.in == walk::all ? after_all(at, rows, now) : after_dated(at, rows, limit, now);
}

}  // namespace koppel::workfront
