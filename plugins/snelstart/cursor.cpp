// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <algorithm>

namespace koppel::snelstart {
namespace {

using namespace koppel::sdk;

constexpr std::chrono::hours furthest_zone{14};
constexpr std::chrono::hours overlap{24};
constexpr std::size_t page_overlap = 100;
/// Windows begin and end at multiples of this, and overlap by one: coarser than any precision in which the other side
/// may compare (SQL Server's datetime: 3.3 ms), so that rounding opens no gap between two.
using unit = std::chrono::duration<std::int64_t, std::centi>;

/// SnelStart's stamps have no zone; all are read as if they were UTC.
std::optional<time_point> parse_stamp(std::string_view text) {
  const auto naive = parse_time(std::string(text) + 'Z');
  return naive ? naive : parse_time(text);
}

std::string stamp_text(time_point when) {
  const auto text = format_time(when);
  return text.substr(0, text.size() - 1);
}

std::string literal(time_point when) { return "datetime'" + stamp_text(when) + '\''; }

}  // namespace

std::string to_cursor(const position& at) { return cursor_word(at.after, stamp_text) + ' ' + std::to_string(at.skip); }

std::optional<position> from_cursor(std::string_view cursor) {
  cursor_words words(cursor);
  position out;
  out.after = words.time(parse_stamp);
  out.skip = static_cast<std::size_t>(words.number(0));
  return words.sound() && (out.after || out.skip == 0) ? std::optional(out) : std::nullopt;
}

walk::walk(const sync& run, const std::optional<position>& stored) : latest_(run.now() + furthest_zone) {
  // The first run of all, an unreadable cursor, no row that ever had a stamp, or the host wants everything.
  if (!stored || !stored->after || (run.full() && !run.resumed())) return;
  newest_ = std::min(*stored->after, latest_);
  low_ = run.resumed() ? *stored->after : *newest_ - overlap;
  if (run.resumed() && stored->skip > 0) {
    skip_ = stored->skip;
    highs_ = {*low_ + unit(2)};
  }
}

std::string walk::filter() const {
  std::string out;
  if (low_) out = "ModifiedOn gt " + literal(*low_);
  if (!highs_.empty()) out += (low_ ? " and ModifiedOn lt " : "ModifiedOn lt ") + literal(highs_.back());
  return out;
}

bool walk::take(const json_items& rows) {
  std::vector<time_point> stamps;
  for (const auto& row : rows)
    if (const auto when = parse_stamp(row["modifiedOn"].text().value_or(""))) stamps.push_back(*when);
  for (const auto when : stamps)
    if (when <= latest_) newest_ = std::max(newest_, std::optional(when));
  if (rows.size() < page_size) {
    skip_ = 0;
    first_id_.clear();
    done_ = highs_.empty();
    if (done_) return true;
    low_ = highs_.back() - unit(1);
    highs_.pop_back();
    return true;
  }
  if (split(std::move(stamps))) return false;
  auto first_id = rows[0]["id"].dump();
  if (first_id == first_id_) throw job_failure(verdict::bug, "SnelStart repeated a page");
  first_id_ = std::move(first_id);
  skip_ += page_size - page_overlap;
  return true;
}

/// False if the window is as narrow as it gets.
bool walk::split(std::vector<time_point> stamps) {
  if (stamps.empty()) throw job_failure(verdict::bug, "a page of relations without modifiedOn");
  constexpr std::chrono::seconds slack{1};
  const auto [least, most] = std::minmax_element(stamps.begin(), stamps.end());
  if ((low_ && *least < *low_ - slack) || (!highs_.empty() && *most > highs_.back() + slack))
    throw job_failure(verdict::bug, "SnelStart ignored the filter on ModifiedOn");

  const auto lowest = low_ ? *low_ + unit(2) : time_point::min();
  const auto highest = highs_.empty() ? time_point::max() : highs_.back() - unit(1);
  if (lowest > highest) return false;
  const auto middle = stamps.begin() + static_cast<std::ptrdiff_t>(stamps.size() / 2);
  std::nth_element(stamps.begin(), middle, stamps.end());
  const time_point after_middle = std::chrono::floor<unit>(*middle) + unit(1);
  highs_.push_back(std::clamp(after_middle, lowest, highest));
  return true;
}

position walk::at() const { return done_ ? position{newest_, 0} : position{low_, skip_}; }

}  // namespace koppel::snelstart
