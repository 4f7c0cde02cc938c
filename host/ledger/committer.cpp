// SPDX-License-Identifier: Apache-2.0

#include "host/ledger/committer.hpp"

#include <koppel/fault_point.hpp>

#include <algorithm>
#include <utility>

#include "host/ledger/schema.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr std::size_t works_per_commit = 256;
constexpr std::size_t event_bytes_per_commit = std::size_t{8} << 20;
constexpr int pages_before_checkpoint = 1000;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

event_buffer events_of(database& db) {
  query q(db, "SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'head')");
  q.step();
  return {q.text(0), static_cast<std::uint64_t>(q.integer(1))};
}

}  // namespace

committer::committer(std::unique_ptr<database> db, sealer seals, const runtime::clock& clock, callbacks c,
                     kept_room kept)
    : db_(std::move(db)),
      seals_(std::move(seals)),
      clock_(clock),
      callbacks_(std::move(c)),
      kept_(kept),
      events_(events_of(*db_)) {
  try {
    recovered_pages_ = static_cast<std::uint64_t>(db_->checkpoint());
  } catch (const sqlite_error& e) {
    if (!is_full(e.fault)) throw;
    refused_ = true;
  }
}

void committer::commit(std::deque<job>& jobs, const consumer_positions& positions) {
  KOPPEL_FAULT_POINT("ledger.before_begin");
  for (const auto& [consumer, seq] : positions) positions_[consumer] = std::max(positions_[consumer], seq);
  std::size_t ran = 0;
  bool announced = false;
  const auto head = events_.head();
  if (!failed_) {
    try {
      try {
        perform_all(jobs, ran);
      } catch (const sqlite_error& e) {
        if (!is_full(e.fault)) throw;
        refused_ = true;
        say(true);
        perform_urgent(jobs, ran);
      }
      announced = events_.head() != head;
      events_.written();
      callbacks_.on_durable(high_water_of(*db_));
    } catch (const sqlite_error& e) {
      give_up(failure_of(e.fault, "The ledger cannot be written"));
    } catch (const std::exception& e) {
      give_up({errc::corrupt, std::string("The ledger met what must not be: ") + e.what() + "."});
    }
  }
  // After a failure nobody knows what reached the disk: every one of them hears of it.
  if (failed_) ran = jobs.size();
  for (; ran > 0; --ran) {
    auto first = std::move(jobs.front());
    jobs.pop_front();
    first.done(failed_ ? result<void>(*failed_) : std::move(first.outcome));
  }
  KOPPEL_FAULT_POINT("ledger.before_announce");
  if (announced) callbacks_.on_commit(events_.head());
  if (!failed_) checkpoint();
}

/// Waits for a foreign lock as long as it takes; false if told to stop meanwhile.
bool committer::begin() {
  constexpr int busy = 5;  // SQLITE_BUSY
  for (;;) {
    try {
      query(*db_, "BEGIN IMMEDIATE").run();
      return true;
    } catch (const sqlite_error& e) {
      if ((e.fault.code & 0xFF) != busy) throw;
      if (callbacks_.stop_waiting()) return false;
    }
  }
}

/// `ran`: how many of them the commit holds, or would have held.
void committer::perform_all(std::deque<job>& jobs, std::size_t& ran) {
  if (!begin()) {
    for (auto& j : jobs) j.outcome = failure{errc::io, "Another program held the database until the host stopped."};
    ran = jobs.size();
    return;
  }
  look_at_space();
  sql_transaction tx(*db_, seals_, events_, clock_.now(), space_.full ? result<void>(no_room()) : result<void>());
  for (auto& j : jobs) {
    if (ran == works_per_commit || events_.bytes() > event_bytes_per_commit) break;
    ++ran;
    perform(j, tx);
  }
  if (!space_.full)
    for (const auto& [consumer, seq] : positions_) tx.store_position(consumer, seq);
  events_.write(*db_);
  constexpr int disk_error = 10;  // SQLITE_IOERR
  if (KOPPEL_FAULT_FAILS("ledger.before_commit")) throw sqlite_error({disk_error, "ordered by a test"});
  query(*db_, "COMMIT").run();
  KOPPEL_FAULT_POINT("ledger.after_commit");
  if (!space_.full) positions_.clear();
}

/// After a commit for which the disk had no room: what can wait is refused, what cannot is done, each in a commit of
/// its own, so that one that finds no room takes no other with it.
void committer::perform_urgent(std::deque<job>& jobs, std::size_t ran) {
  take_back();
  const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(ran);
  std::for_each(jobs.begin(), end, [&](job& j) { j.outcome = no_room(); });
  for (auto j = jobs.begin(); j != end; ++j) {
    if (j->how != urgency::cannot_wait) continue;
    if (!begin()) return;
    try {
      sql_transaction tx(*db_, seals_, events_, clock_.now(), no_room());
      perform(*j, tx);
      events_.write(*db_);
      query(*db_, "COMMIT").run();
      events_.written();
    } catch (const sqlite_error& e) {
      if (!is_full(e.fault)) throw;
      take_back();
      j->outcome = no_room();
    }
  }
}

void committer::take_back() {
  db_->roll_back();
  events_.take_back_to(0);
}

/// Runs one piece of work in a savepoint of its own. What SQLite says of the work alone (a constraint) is its failure;
/// what it says of the disk goes up.
void committer::perform(job& j, sql_transaction& tx) {
  const auto mark = events_.mark();
  const auto changes = db_->changes();
  query(*db_, "SAVEPOINT work").run();
  try {
    j.outcome = j.work(tx);
    const bool changed = db_->changes() != changes || events_.mark() != mark;
    if (space_.full && changed && j.how == urgency::can_wait && j.outcome) j.outcome = no_room();
  } catch (const sqlite_error& e) {
    if (is_fatal(e.fault) || is_full(e.fault)) throw;
    j.outcome = failure_of(e.fault, "The database refused");
  } catch (const broken_row& e) {
    j.outcome = failure{errc::corrupt, std::string("A stored row is damaged: ") + e.what() + "."};
  }
  if (!j.outcome) {
    events_.take_back_to(mark);
    query(*db_, "ROLLBACK TO work").run();
  }
  query(*db_, "RELEASE work").run();
}

/// The log's reserve is filled up, if that can be done; the disk is full while it cannot. Within the transaction:
/// behind the newest commit there is nothing that another writer, someone's shell, has just put there.
void committer::look_at_space() {
  space_.free_bytes = callbacks_.free_bytes();
  const bool enough = space_.free_bytes >= kept_.on_disk;
  // Where a write was refused although bytes are free, the log has to grow before that is believed again; not before
  // there are enough, or it would take each that becomes free.
  const bool reserved = db_->reserve_log(kept_.in_log, refused_ && enough ? mebibyte : 0);
  const bool full = !reserved || !enough;
  if (!full) refused_ = false;
  say(full);
}

void committer::say(bool full) {
  if (full == space_.full) return;
  space_.full = full;
  space_.since = full ? clock_.now() : core::instant{};
  space_.kept_bytes = kept_.on_disk;
  callbacks_.on_space(space_);
}

failure committer::no_room() const {
  return {errc::disk_full,
          "There is no room on the disk of the data folder: " + std::to_string(space_.free_bytes / mebibyte) +
              " MiB are free, " + std::to_string(kept_.on_disk / mebibyte) +
              " MiB are kept for what cannot wait. Nothing was stored. Make room, and it goes on by "
              "itself."};
}

void committer::checkpoint() {
  try {
    if (db_->log_pages() < pages_before_checkpoint || refused_) return;
    KOPPEL_FAULT_POINT("ledger.before_checkpoint");
    db_->checkpoint();
    KOPPEL_FAULT_POINT("ledger.after_checkpoint");
  } catch (const sqlite_error& e) {
    if (!is_full(e.fault))
      return give_up(failure_of(e.fault, "The write-ahead log cannot be copied into the database"));
    // What is in the log stays there.
    refused_ = true;
    say(true);
  }
}

void committer::give_up(failure why) {
  failed_ = why;
  callbacks_.on_fatal(std::move(why));
}

}  // namespace koppel::ledger
