// SPDX-License-Identifier: Apache-2.0
// Where to read next in Workfront's lists. Pure. The host keeps the cursor between pages and between runs.
//
// A full run walks through all rows by ID, which no edit moves; `lastUpdateDate` will not do, for rows that were never
// edited may have none. Only deletions move rows, towards the front. So each page begins at the last row of the one
// before: where its first ID lies beyond that row's, rows slid past us, and the walk steps back. It ends with a page
// that shows nothing but the row we know.
// The runs between walk twice, by date: what was edited since, then what was created since (the never edited ones).
// Both filters include their own moment, so the window moves to the newest date of each page, and by offset only within
// one. Windows only ever move to dates that Workfront gave: its clock counts, not ours.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::workfront {

/// Workfront gives 2000 rows a page; but an answer that the host carries has 8 MiB, and custom fields make rows large.
/// So a run begins with a small page, and the next one has as many rows as half an answer holds, by this one's measure.
inline constexpr std::size_t first_page = 100, largest_page = 500;
std::size_t next_page(std::size_t rows, std::size_t bytes);

enum class walk { all, edited, created };

struct position {
  walk in = walk::all;
  std::int64_t first = 0;                          ///< `$$FIRST`
  std::optional<sdk::time_point> edited, created;  ///< all that was edited, and created, before then has been read
  std::string last_id;                             ///< of `all`: the highest ID that was read
};

/// The field by which a walk filters and sorts; "ID" for `all`, which filters by nothing.
std::string_view field_of(walk in);

/// "edited 0 2024-05-01T10:00:00Z 2024-04-30T08:00:00.250Z ": walk, offset, both dates, the last ID.
std::string to_cursor(const position& at);
/// Nothing if this is not a cursor of ours.
std::optional<position> from_cursor(std::string_view cursor);

/// Where a run begins. `stored` is its cursor, nothing if there is none that can be read.
position first_position(const sdk::sync& run, const std::optional<position>& stored);

/// Where the next page begins, or the next run if this page, of which `limit` rows were asked for, was `end`. Throws
/// job_failure (bug) if Workfront did not sort or filter as it was asked to, for then pages skip rows.
struct turn {
  position next;
  bool end = false;
};
turn after(const position& at, const sdk::json_items& rows, std::size_t limit, sdk::time_point now);

}  // namespace koppel::workfront
