// SPDX-License-Identifier: Apache-2.0
// What connectors share that read a list page by page: the words of a cursor, the newest time of a page, and what an
// answer must not do, lest rows be skipped or a read never end.
#pragma once

#include <koppel/sdk/job.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

// ---- cursors that are words with a space between two

/// "2016-02-05T16:44:32+00:00": whole seconds, and the offset that some providers insist on.
std::string format_seconds(time_point when);
/// "2016-02-05T16:44:32.000Z": three digits of fraction, always.
std::string format_milliseconds(time_point when);

/// A time as a word; "none" where there is none.
std::string cursor_word(std::optional<time_point> when, std::string (*format)(time_point) = format_time);

/// Takes the words of a cursor from its front. What cannot be read makes it unsound, and stays so.
class cursor_words {
 public:
  explicit cursor_words(std::string_view text) : rest_(text) {}

  std::string_view word();
  /// `parse` is given what is not "none".
  std::optional<time_point> time(std::optional<time_point> (*parse)(std::string_view) = parse_time);
  std::int64_t number(std::int64_t least);
  std::string_view rest() const { return rest_; }
  bool sound() const { return sound_; }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

/// The cursor as `read` understands it; nothing, told if it is not empty, where it is none of ours.
template <class Position>
std::optional<Position> stored_position(sync& run, std::optional<Position> (*read)(std::string_view cursor)) {
  auto out = read(run.cursor());
  if (!out && !run.cursor().empty()) run.log("warn", "an unreadable cursor; reading from the beginning");
  return out;
}

// ---- lists that say whether they go on

/// A page of a list: its rows, whether there are more behind it, and what stands for those.
struct list_page {
  json_items rows;
  bool more = false;
  std::string next{};
};
/// Where answers have that: a member, and two paths.
struct list_paths {
  std::string_view rows, more, next;
};
/// Empty for 204 (nothing) and 304 (nothing new), which have no body. Throws job_failure (bug) for an answer without
/// the list, or one that does not say whether it goes on.
list_page page_of(const response& answer, const list_paths& at, std::string_view who);

// ---- lists of what was asked for by id

/// "1,2,3": as many providers take several values of one parameter.
std::string joined(const std::vector<std::string>& words, std::string_view between = ",");
/// The rows that `map` makes records of. The others are left out: read by itself, each says what it is.
std::vector<record> records_of(const json_items& rows, const std::function<record(const json&)>& map);

// ---- lists that are sorted by a time of change

/// Where a run that is not resumed asks for changes from: so much before `since`. A time in the future is of a clock
/// that was wrong, and counts as now.
time_point with_overlap(const job& run, time_point since, std::chrono::milliseconds overlap);

/// The times at `path`, of the rows that have one.
std::vector<time_point> times_of(const json_items& rows, std::string_view path);

/// The newest of them. One from the future does not count: a cursor there would hide all that changes until then.
std::optional<time_point> newest_of(const std::vector<time_point>& times, time_point now);
/// In whole seconds.
std::optional<time_point> newest_second(const json_items& rows, std::string_view path, time_point now);

/// Where a list of seconds goes on: one second before the newest row, so that nothing that shares its second is lost,
/// whether or not the provider's filter includes its own moment. Nothing where that is no progress: a whole page shares
/// one second.
std::optional<time_point> next_since(std::optional<time_point> since, std::optional<time_point> newest);

/// Where to go on in such a list that has page tokens besides, and since when its deletions are to be asked for. Page
/// numbers shift when rows change, and tokens end; so each page's newest time is where the next request begins: what
/// changes meanwhile moves to the end, and comes again. Only where a whole page shares one second does the time not
/// move, and the token goes on; a token that is refused costs that second again.
struct timed_position {
  std::optional<time_point> since{};   ///< rows changed since then; nothing: all rows
  std::optional<time_point> walked{};  ///< when the run began that knew of all deletions before; by our clock
  std::string token{};                 ///< a page after the first of those rows

  /// "2024-05-01T10:00:00+00:00 none c8582xx9e7c7": since, walked, and the token ("-": none).
  std::string cursor() const;
  /// On with the next second; or, where the time does not move, with the token.
  timed_position after(std::optional<time_point> newest, std::string_view next_token) const;
};
/// Nothing if this is not such a cursor.
std::optional<timed_position> read_timed_position(std::string_view cursor);
/// Where a run begins; `stored` is its cursor, nothing if there is none that can be read. What is not resumed begins
/// `overlap` earlier: rows change late, are listed late, and our clock and the provider's differ.
timed_position first_timed_position(const sync& run, const std::optional<timed_position>& stored,
                                    std::chrono::milliseconds overlap);

// ---- what an answer must not do; `who` is the provider. They throw job_failure (bug).

/// List rows in another order than that of `path`: the cursor would skip those that come late.
void demand_sorted(const json_items& rows, std::string_view path, std::string_view who);

/// Ignore the filter by a time of change.
void demand_since(const json_items& rows, std::string_view path, std::optional<time_point> since,
                  std::string_view filter, std::string_view who);

/// Either, in a page that is not the last: the next one begins at the newest time of this.
void demand_sorted_since(const json_items& rows, std::string_view path, std::optional<time_point> since,
                         std::string_view filter, std::string_view who);

/// Show the same page twice. A page is known by its first and its last row.
class page_memory {
 public:
  page_memory(std::string_view id_path, std::string_view who) : id_path_(id_path), who_(who) {}
  /// `may_repeat`: the same was asked for, or nothing can tell that it was not.
  void take(const json_items& rows, bool may_repeat);

 private:
  std::string id_path_, who_, before_;
};

}  // namespace koppel::sdk
