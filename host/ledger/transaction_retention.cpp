// SPDX-License-Identifier: Apache-2.0
// Which events may go is written down when they are replaced; trimming takes them out of their batches once the horizon
// has passed them. A batch that loses events is written anew with its checksum, an empty one is deleted. The newest
// event of all is never before the horizon, so the counter of events always has its batch. Runs go with the events of
// their time.

#include <koppel/bus/limits.hpp>
#include <set>
#include <vector>

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr int batches_per_slice = 64;
constexpr std::uint64_t runs_per_slice = 1000;

}  // namespace

void sql_transaction::may_go(std::uint64_t seq) {
  if (seq != 0) query(db_, "INSERT OR IGNORE INTO expendable_events(seq) VALUES(?)", seq).run();
}

void sql_transaction::keep_as(const std::string& connection_id, const std::string& name, std::uint64_t seq) {
  std::uint64_t replaced = 0;
  {
    query q(db_, "SELECT seq FROM newest_events WHERE connection_id = ? AND kept_as = ?", connection_id, name);
    if (q.step()) replaced = static_cast<std::uint64_t>(q.integer(0));
  }
  query(db_, "INSERT OR REPLACE INTO newest_events(connection_id, kept_as, seq) VALUES(?, ?, ?)", connection_id, name,
        seq)
      .run();
  // It may still be the newest of another name.
  if (!query(db_, "SELECT 1 FROM newest_events WHERE connection_id = ? AND seq = ?", connection_id, replaced).step())
    may_go(replaced);
}

history_size sql_transaction::history() {
  query q(db_,
          "SELECT (SELECT value FROM meta WHERE key = 'horizon'), (SELECT value FROM meta WHERE key = "
          "'history_bytes')");
  q.step();
  return {static_cast<std::uint64_t>(q.integer(0)), static_cast<std::uint64_t>(q.integer(1))};
}

/// What was noted while the clock was ahead counts as noted now, or no pass would be due until then. The least of it:
/// where the clock is behind instead, more would make old what is young as soon as it is right again.
void sql_transaction::cap_history_marks() {
  const auto now = milliseconds(now_);
  query(db_,
        "INSERT OR REPLACE INTO history_marks(at, head) SELECT ?, min(head) FROM history_marks WHERE at >= ? "
        "HAVING max(at) > ?",
        now, now, now)
      .run();
  query(db_, "DELETE FROM history_marks WHERE at > ?", now).run();
}

std::chrono::milliseconds sql_transaction::begin_trimming(const core::retention_limits& limits) {
  cap_history_marks();
  std::optional<core::instant> last;
  core::history_facts facts;
  facts.horizon = history().horizon;
  {
    query q(db_,
            "SELECT (SELECT max(at) FROM history_marks), (SELECT max(head) FROM history_marks WHERE at <= ?), "
            "(SELECT max(head) FROM history_marks WHERE at <= ?), "
            "(SELECT min(acked_seq) FROM consumers WHERE acked_at >= ?)",
            milliseconds(now_ - limits.keep), milliseconds(now_ - limits.hold), milliseconds(now_ - limits.hold));
    q.step();
    last = instant_in(q, 0);
    facts.head_at_keep = static_cast<std::uint64_t>(q.integer(1));
    facts.head_at_hold = static_cast<std::uint64_t>(q.integer(2));
    if (!q.null(3)) facts.slowest = static_cast<std::uint64_t>(q.integer(3));
  }
  if (const auto wait = core::until_pass(limits, last, now_); wait > wait.zero()) return wait;
  query(db_, "INSERT OR REPLACE INTO history_marks(at, head) VALUES(?, ?)", milliseconds(now_), head()).run();
  query(db_, "DELETE FROM history_marks WHERE at < (SELECT max(at) FROM history_marks WHERE at <= ?)",
        milliseconds(now_ - limits.hold))
      .run();
  query(db_, "UPDATE meta SET value = ? WHERE key = 'horizon'", core::next_horizon(facts)).run();
  return {};
}

result<trim_outcome> sql_transaction::trim(std::uint64_t after) {
  trim_outcome out;
  out.up_to = after;
  const auto horizon = history().horizon;
  std::size_t bytes = 0;
  for (int batches = 0;; ++batches) {
    std::uint64_t next = 0;
    {
      query q(db_, "SELECT min(seq) FROM expendable_events WHERE seq > ? AND seq < ?", out.up_to, horizon);
      q.step();
      if (q.null(0)) return out;
      next = static_cast<std::uint64_t>(q.integer(0));
    }
    if (batches == batches_per_slice || bytes >= bus::limits::batch_bytes) {
      out.more = true;
      return out;
    }
    result<bus::stored_batch> batch = bus::stored_batch{};
    {
      query q(db_,
              "SELECT first_seq, last_seq, checksum, bytes FROM event_batches WHERE first_seq <= ? "
              "ORDER BY first_seq DESC LIMIT 1",
              next);
      if (!q.step() || static_cast<std::uint64_t>(q.integer(1)) < next) {
        out.up_to = next;
        out.damage = "The event " + std::to_string(next) + " is missing.";
        continue;
      }
      out.up_to = static_cast<std::uint64_t>(q.integer(1));
      batch = batch_in(q, events_.epoch());
    }
    // A damaged batch must not get a good checksum.
    const auto trimmed = batch ? trim_batch(*batch, horizon, out) : result<void>(batch.error());
    if (!trimmed) out.damage = trimmed.error().detail;
    bytes += batch ? batch->bytes.size() : 0;
  }
}

run_trimming sql_transaction::trim_runs(run_trimming t, const core::retention_limits& limits) {
  const auto old = milliseconds(now_ - limits.keep), now = milliseconds(now_);
  std::vector<std::uint64_t> go;
  std::uint64_t rows = 0;
  bool some_old = false, some_young = false;
  {
    query q(
        db_,
        "SELECT number, connection_id, stream, state IN ('running', 'interrupted', 'releasing'), ended_at FROM runs "
        "WHERE number > ? ORDER BY number LIMIT ?",
        t.up_to, runs_per_slice);
    while (q.step()) {
      ++rows;
      t.up_to = static_cast<std::uint64_t>(q.integer(0));
      if (q.integer(3) != 0) continue;
      const auto ended = q.integer(4);
      auto& newest = t.newest[{q.text(1), q.text(2)}];
      if (newest != 0) go.push_back(newest);
      newest = ended < old ? t.up_to : 0;
      some_old = some_old || ended < old;
      some_young = some_young || (ended >= old && ended <= now);
    }
  }
  for (const auto number : go) query(db_, "DELETE FROM runs WHERE number = ?", number).run();
  t.runs += go.size();
  // Behind the first that are young all are, but for those that ended under a clock that was wrong.
  t.more = rows == runs_per_slice && (some_old || !some_young);
  return t;
}

result<void> sql_transaction::trim_batch(const bus::stored_batch& batch, std::uint64_t horizon, trim_outcome& out) {
  std::set<std::uint64_t> may_go;
  {
    query q(db_, "SELECT seq FROM expendable_events WHERE seq BETWEEN ? AND ? AND seq < ?", batch.first_seq,
            batch.last_seq, horizon);
    while (q.step()) may_go.insert(static_cast<std::uint64_t>(q.integer(0)));
  }
  bus::stored_batch kept{batch.first_seq, batch.first_seq, {}};
  std::uint64_t events = 0;
  for (std::string_view rest = batch.bytes; !rest.empty();) {
    const auto event = bus::peek(rest);
    if (!event) return event.error();
    rest.remove_prefix(event->raw.size());
    if (may_go.contains(event->seq)) {
      ++events;
      continue;
    }
    kept.bytes.append(event->raw);
    kept.last_seq = event->seq;  // so that the position at a batch's end has an id wherever it can
  }
  rewrite(db_, events_.epoch(), batch, kept);
  query(db_, "DELETE FROM expendable_events WHERE seq BETWEEN ? AND ? AND seq < ?", batch.first_seq, batch.last_seq,
        horizon)
      .run();
  out.events += events;
  out.bytes += batch.bytes.size() - kept.bytes.size();
  return {};
}

}  // namespace koppel::ledger
