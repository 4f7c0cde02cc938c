// SPDX-License-Identifier: Apache-2.0
// Where to read next in a list sorted by `Modified_Time`, and since when deletions are to be asked for. Pure; to the
// host the cursor is bytes.
//
// Neither of Zoho's ways to page is safe alone: page numbers end after 2,000 rows and shift when rows change, a page
// token lives 24 hours and ends after 100,000. So each page's newest `Modified_Time` is where the next request begins
// (If-Modified-Since, first page): what changes meanwhile moves to the end, and comes again. Only where a whole page
// shares one second does the time not move, and the token goes on; a token that is refused costs that second again.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::zoho {

/// Rows change late, are listed late, and our clock and Zoho's differ: a run begins this much before the last one's
/// end.
inline constexpr std::chrono::minutes overlap{10};

struct position {
  std::optional<sdk::time_point> since;   ///< rows changed since then; nothing: all rows
  std::optional<sdk::time_point> walked;  ///< when the run began that knew of all deletions before; by our clock
  std::string token;                      ///< a page after the first of those rows
};

/// "2024-05-01T10:00:00+00:00 none c8582xx9e7c7": since, walked, and the token ("-": none).
std::string to_cursor(const position& at);
/// Nothing if this is not a cursor of ours.
std::optional<position> from_cursor(std::string_view cursor);

/// Where a run begins; `stored` is its cursor, nothing if there is none that can be read.
position first_position(const sdk::sync& run, const std::optional<position>& stored);

/// On with the next second; or, where the time does not move, with the token.
position after(const position& at, std::optional<sdk::time_point> newest, std::string_view next_token);

}  // namespace koppel::zoho
