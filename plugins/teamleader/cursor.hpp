// SPDX-License-Identifier: Apache-2.0
// Where to read next in a list that is sorted by `updated_at`. Pure. The host keeps the cursor between pages and
// between runs; to it the cursor is bytes.
//
// Asked for everything since 12:00:00, page 1, the API lists rows up to 12:07:30. The next request asks for everything
// since 12:07:29, page 1: the list may have changed meanwhile, and page 2 of the old one would skip what slid out of
// it. Only where a whole page of rows shares one second does the time not move, and page 2 is asked for.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::teamleader {

/// Rows changed since then (nothing: all rows), and which page of those.
struct position {
  std::optional<sdk::time_point> since;
  std::int64_t page = 1;
};

/// "2016-02-05T16:44:32+00:00 3": since, and the page.
std::string to_cursor(const position& at);
/// Nothing if this is not a cursor of ours.
std::optional<position> from_cursor(std::string_view cursor);

/// Where a run begins. `stored` is its cursor, nothing if there is none that can be read.
position first_position(const sdk::sync& run, const std::optional<position>& stored);

/// `since` moves with the newest row (sdk::next_since); where it cannot move, the page number does.
position after(const position& at, std::optional<sdk::time_point> newest, bool last_page);

}  // namespace koppel::teamleader
