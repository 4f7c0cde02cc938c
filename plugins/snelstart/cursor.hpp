// SPDX-License-Identifier: Apache-2.0
// Where to read next in a list that has no order. Pure. To the host the cursor is bytes.
//
// `relaties` can be filtered by `ModifiedOn`, not sorted, and a page by number misses rows as soon as one before it
// goes away. So a walk asks for windows of `ModifiedOn`, oldest first, each so narrow that one answer holds all of it:
// an answer of fewer rows than were asked for is the whole window, whatever its order. One that is full says where to
// split: at the middle of its rows, and the earlier half is asked for. A row that is edited meanwhile moves to a later
// window, which is still to come; one that is deleted takes no other along. The cursor is the end of the last whole
// window, so a run that is cut goes on there.
//
// Only rows of one instant cannot be split (an import of thousands). They are read by number, in pages that overlap, so
// that as many may go away between two requests as the overlap holds.
//
// The stamps have no zone and may be a wall clock, which goes back an hour in autumn. They are compared with each other
// and nothing else, and a run between full ones reads the last day again.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::snelstart {

inline constexpr std::size_t page_size = 500;  // the most the API gives

/// Every row up to `after` has been read (nothing: none has), and `skip` rows of the instant that follows.
struct position {
  std::optional<sdk::time_point> after;
  std::size_t skip = 0;
};

/// "2026-03-02T09:14:31.850 400": after, in SnelStart's own time, and skip.
std::string to_cursor(const position& at);
/// Nothing if this is not a cursor of ours.
std::optional<position> from_cursor(std::string_view cursor);

class walk {
 public:
  /// Where a run begins. `stored` is its cursor, nothing if there is none that can be read.
  walk(const sdk::sync& run, const std::optional<position>& stored);

  bool done() const { return done_; }
  std::string filter() const;  ///< for $filter; empty: all rows
  std::size_t skip() const { return skip_; }
  /// Takes the answer to that. True: its rows are to be published, false: the same is asked for again in parts.
  /// Throws job_failure (bug) where SnelStart ignores what it was asked, lest we never end.
  bool take(const sdk::json_items& rows);
  /// Up to where all has been read; after the last window: the newest stamp.
  position at() const;

 private:
  bool split(std::vector<sdk::time_point> stamps);

  std::optional<sdk::time_point> low_;  // the window lies between these two, neither of them in it;
  std::vector<sdk::time_point> highs_;  // the last one is this window's end, the others those of the windows after it
  std::size_t skip_ = 0;
  std::string first_id_;  // of the page before, where rows are read by number
  std::optional<sdk::time_point> newest_;
  sdk::time_point latest_;  // a stamp beyond it is of no zone: a cursor there would hide all until then
  bool done_ = false;
};

}  // namespace koppel::snelstart
