// SPDX-License-Identifier: Apache-2.0
// Which records have been hinted at and are to be read: a set for each connection and stream, not a queue. A record
// that is hinted at again while it waits is read once; while it is being read, once more afterwards. Each hint knows
// the rows of the journal that brought it, and a row is settled when all of its hints are. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/time.hpp"

namespace koppel::core {

class hint_board {
 public:
  using row = std::int64_t;
  struct lane {
    std::string connection, stream;
    auto operator<=>(const lane&) const = default;
  };
  struct hint {
    lane of;
    std::string id;  ///< empty: the whole stream
  };
  /// What is to be read now: some records, or the stream as a whole.
  struct batch {
    lane of;
    std::vector<std::string> ids;
    bool whole = false;
    row first = 0;  ///< the oldest of the rows that asked for it
  };
  struct crowd {
    std::vector<row> settled;  ///< rows that need not be kept any longer
    row keeper = 0;            ///< the row that stands for them: it means the whole stream from now on
  };

  /// All the hints of one row.
  void add(row r, const std::vector<hint>& hints);

  /// The batch that has waited longest, of lanes that are not being read and may be (`usable` says so of a
  /// connection); nothing where there is none. From then on its lane is being read. `most_ids` is for lanes that did
  /// not fail of late: after each failure in a row half as many are taken.
  template <class Usable>
  std::optional<batch> take(instant now, std::size_t most_ids, const Usable& usable) {
    lane_state* best = nullptr;
    const lane* name = nullptr;
    for (auto& [of, l] : lanes_) {
      if (l.busy || !l.waits() || l.not_before > now || (best && best->since <= l.since) || !usable(of.connection))
        continue;
      best = &l;
      name = &of;
    }
    if (!best) return std::nullopt;
    return start(*name, *best, most_ids);
  }
  /// When the first lane that pauses may go on; nothing where none does.
  std::optional<instant> next(instant now) const;

  /// The lane's batch was read. Returns the rows that are settled by that.
  std::vector<row> done(const lane& of);
  /// It was not: its hints wait again, and none of the lane before `not_before`.
  void again(const lane& of, instant not_before);
  /// It cannot be read id by id: the stream has to be read instead.
  void again_whole(const lane& of, instant not_before);
  /// The lane's batch was read, but beside a run that may commit an older answer after it: to be read once more, when
  /// `unpark` says that the run is over. Other hints of the lane go on.
  void park(const lane& of);
  void unpark(const lane& of);
  /// How often in a row the lane has not been read.
  int failures(const lane& of) const;

  /// More rows wait for the lane than `most`.
  bool crowded(const lane& of, std::size_t most) const;
  /// Makes what waits of the lane one wish, to read the whole stream.
  crowd collapse(const lane& of);

  /// Lanes of the connection go on at once.
  void hurry(const std::string& connection);
  /// The connection is gone; so are its rows.
  void forget(const std::string& connection);

  bool knows(row r) const { return rows_.contains(r); }
  bool empty() const { return rows_.empty(); }
  std::size_t waiting() const { return rows_.size(); }
  /// A batch of the lane is being read, as a whole.
  bool reads_whole(const lane& of) const;

 private:
  using wishes = std::map<std::string, std::vector<row>>;  ///< by id; empty: the whole stream
  struct lane_state {
    wishes waiting, reading, parked;
    std::size_t rows = 0;  ///< of `waiting` and `parked`, as they came
    std::uint64_t since = 0;
    instant not_before{};
    int failures = 0;
    bool busy = false;
    bool waits() const { return !waiting.empty(); }
  };
  batch start(const lane& of, lane_state& l, std::size_t most_ids);
  static void move_to(wishes& to, wishes& from);
  void put_back(const lane& of, instant not_before, bool whole);
  void tidy(const lane& of);
  /// The row has one hint less to wait for.
  void settle(row r, std::vector<row>& settled);

  std::map<lane, lane_state> lanes_;
  std::map<row, std::size_t> rows_;  ///< how many of its hints are not settled
  std::uint64_t clock_ = 0;
};

}  // namespace koppel::core
