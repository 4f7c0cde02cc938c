// SPDX-License-Identifier: Apache-2.0

#include "host/ledger/committer.hpp"

#include <utility>

#include "host/ledger/schema.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr std::size_t works_per_commit = 256;
constexpr std::size_t event_bytes_per_commit = std::size_t{8} << 20;
constexpr int pages_before_checkpoint = 1000;

event_buffer events_of(database& db) {
  query q(db, "SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'head')");
  q.step();
  return {q.text(0), static_cast<std::uint64_t>(q.integer(1))};
}

}  // namespace

committer::committer(std::unique_ptr<database> db, sealer seals, const runtime::clock& clock, callbacks c)
    : db_(std::move(db)), seals_(std::move(seals)), clock_(clock), callbacks_(std::move(c)), events_(events_of(*db_)) {}

void committer::commit(std::deque<job>& jobs, const consumer_positions& positions) {
  std::size_t ran = 0;
  bool announced = false;
  if (!failed_) {
    try {
      ran = perform_all(jobs, positions);
      announced = !events_.empty();
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

/// Returns how many of them the commit holds.
std::size_t committer::perform_all(std::deque<job>& jobs, const consumer_positions& positions) {
  if (!begin()) {
    for (auto& j : jobs) j.outcome = failure{errc::io, "Another program held the database until the host stopped."};
    return jobs.size();
  }
  std::size_t ran = 0;
  sql_transaction tx(*db_, seals_, events_, clock_.now());
  for (auto& j : jobs) {
    if (ran == works_per_commit || events_.bytes() > event_bytes_per_commit) break;
    perform(j, tx);
    ++ran;
  }
  for (const auto& [consumer, seq] : positions) tx.store_position(consumer, seq);
  events_.write(*db_);
  query(*db_, "COMMIT").run();
  return ran;
}

/// Runs one piece of work in a savepoint of its own. What SQLite says of the work alone (a constraint) is its failure;
/// what it says of the disk goes up.
void committer::perform(job& j, sql_transaction& tx) {
  const auto mark = events_.mark();
  query(*db_, "SAVEPOINT work").run();
  try {
    j.outcome = j.work(tx);
  } catch (const sqlite_error& e) {
    if (is_fatal(e.fault)) throw;
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

void committer::checkpoint() {
  try {
    if (db_->log_pages() >= pages_before_checkpoint) db_->checkpoint();
  } catch (const sqlite_error& e) {
    give_up(failure_of(e.fault, "The write-ahead log cannot be copied into the database"));
  }
}

void committer::give_up(failure why) {
  failed_ = why;
  callbacks_.on_fatal(std::move(why));
}

}  // namespace koppel::ledger
