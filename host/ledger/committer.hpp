// SPDX-License-Identifier: Apache-2.0
// Pieces of work on their way to disk, without a thread: several in one transaction, with a savepoint each, answered
// after the commit was synced. Whoever owns it says when a commit is made: the ledger's thread does so whenever there
// is work, the simulation when its disk is ready.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/ledger/database.hpp"
#include "host/ledger/event_log.hpp"
#include "host/ledger/high_water.hpp"
#include "host/ledger/ledger.hpp"
#include "host/ledger/sealing.hpp"

namespace koppel::ledger {

class sql_transaction;

/// A piece of work and whom to tell how it went.
struct job {
  std::function<result<void>(transaction&)> work;
  std::function<void(result<void>)> done;
  urgency how = urgency::can_wait;
  result<void> outcome{};
};

/// Positions that consumers made durable: name to seq.
using consumer_positions = std::map<std::string, std::uint64_t>;

/// Room for what cannot wait (docs/state.md, "A full disk").
struct kept_room {
  std::uint64_t on_disk = std::uint64_t{64} << 20;  ///< with less free, the disk counts as full
  std::uint64_t in_log = std::uint64_t{4} << 20;    ///< the log's own, ahead of what is written
};

class committer {
 public:
  struct callbacks {
    std::function<void(failure)> on_fatal;              ///< a sync or the disk failed: the process must end
    std::function<void(std::uint64_t head)> on_commit;  ///< events were added
    /// After each commit: how far the database has come.
    std::function<void(const high_water&)> on_durable = [](const high_water&) {};
    /// Asked while another program holds the database: true ends the waiting.
    std::function<bool()> stop_waiting = [] { return false; };
    /// Bytes free on the disk.
    std::function<std::uint64_t()> free_bytes = [] { return std::numeric_limits<std::uint64_t>::max(); };
    /// The disk became full, or there is room again.
    std::function<void(const disk_space&)> on_space = [](const disk_space&) {};
  };
  /// `db` is open for writing, see open_database; the epoch and the head are read from it. Throws sqlite_error.
  committer(std::unique_ptr<database> db, sealer seals, const runtime::clock& clock, callbacks c, kept_room kept = {});

  const std::string& epoch() const { return events_.epoch(); }
  std::uint64_t recovered_pages() const { return recovered_pages_; }

  /// Makes one commit, answers whom it served and takes them off `jobs`; what it had no room for stays. After a failure
  /// of the disk all are answered with it, now and from then on.
  void commit(std::deque<job>& jobs, const consumer_positions& positions);

 private:
  bool begin();
  void perform_all(std::deque<job>& jobs, std::size_t& ran);
  void perform(job& j, sql_transaction& tx);
  void perform_urgent(std::deque<job>& jobs, std::size_t ran);
  void take_back();
  void look_at_space();
  void say(bool full);
  failure no_room() const;
  void checkpoint();
  void give_up(failure why);

  const std::unique_ptr<database> db_;
  const sealer seals_;
  const runtime::clock& clock_;
  const callbacks callbacks_;
  const kept_room kept_;
  event_buffer events_;
  consumer_positions positions_;  ///< not stored yet
  std::optional<failure> failed_;
  disk_space space_;
  bool refused_ = false;  ///< the disk said that it is full, whatever it counts as free
  std::uint64_t recovered_pages_ = 0;
};

}  // namespace koppel::ledger
