// SPDX-License-Identifier: Apache-2.0
// Pieces of work on their way to disk, without a thread: several in one transaction, with a savepoint each, answered
// after the commit was synced. Whoever owns it says when a commit is made: the ledger's thread does so whenever there
// is work, the simulation when its disk is ready.
#pragma once

#include <deque>
#include <functional>
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
  result<void> outcome{};
};

/// Positions that consumers made durable: name to seq.
using consumer_positions = std::map<std::string, std::uint64_t>;

class committer {
 public:
  struct callbacks {
    std::function<void(failure)> on_fatal;              ///< a sync or the disk failed: the process must end
    std::function<void(std::uint64_t head)> on_commit;  ///< events were added
    /// After each commit: how far the database has come.
    std::function<void(const high_water&)> on_durable = [](const high_water&) {};
    /// Asked while another program holds the database: true ends the waiting.
    std::function<bool()> stop_waiting = [] { return false; };
  };
  /// `db` is open for writing, see open_database; the epoch and the head are read from it. Throws sqlite_error.
  committer(std::unique_ptr<database> db, sealer seals, const runtime::clock& clock, callbacks c);

  const std::string& epoch() const { return events_.epoch(); }

  /// Makes one commit, answers whom it served and takes them off `jobs`; what it had no room for stays. After a failure
  /// of the disk all are answered with it, now and from then on.
  void commit(std::deque<job>& jobs, const consumer_positions& positions);

 private:
  bool begin();
  std::size_t perform_all(std::deque<job>& jobs, const consumer_positions& positions);
  void perform(job& j, sql_transaction& tx);
  void checkpoint();
  void give_up(failure why);

  const std::unique_ptr<database> db_;
  const sealer seals_;
  const runtime::clock& clock_;
  const callbacks callbacks_;
  event_buffer events_;
  std::optional<failure> failed_;
};

}  // namespace koppel::ledger
