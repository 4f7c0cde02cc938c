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
