// SPDX-License-Identifier: Apache-2.0
// Runs and streams. One run of a stream is open at a time (the schema says so); one that was interrupted is gone on
// with, from its own cursor. The stream's cursor is where the next incremental run begins: a full run moves it only
// when it completes, for the middle of a full read is no place to look for changes from.

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

bool is_state(const std::string& s) {
  return s == "running" || s == "completed" || s == "failed" || s == "interrupted";
}

}  // namespace

run run_in(const query& q) {
  run r;
  r.id = q.text(1);
  r.connection_id = q.text(2);
  r.stream = q.text(3);
  r.entity = q.text(4);
  r.mode = run_mode_from(q.text(5));
  r.cause = q.text(6);
  r.state = q.text(7);
  r.resumed = q.integer(8) != 0;
  r.complete = q.integer(9) != 0;
  r.initial = q.integer(10) != 0;
  r.read = static_cast<std::uint64_t>(q.integer(11));
  r.upserted = static_cast<std::uint64_t>(q.integer(12));
  r.deleted = static_cast<std::uint64_t>(q.integer(13));
  r.unchanged = static_cast<std::uint64_t>(q.integer(14));
  r.set_aside = static_cast<std::uint64_t>(q.integer(15));
  r.cursor = q.bytes(16);
  r.cursor_version = static_cast<std::uint32_t>(q.integer(17));
  r.error = q.text(18);
  r.started_at = instant_from(q.integer(19));
  r.ended_at = instant_from(q.integer(20));
  r.held = static_cast<std::uint64_t>(q.integer(21));
  return r;
}

result<void> sql_transaction::check_present(const std::string& connection_id) {
  query q(db_, "SELECT 1 FROM connections WHERE id = ? AND removed_at IS NULL", connection_id);
  if (q.step()) return {};
  return failure{errc::not_found, "The connection " + connection_id + " was removed."};
}

result<run> sql_transaction::begin_run(const connection& c, const std::string& stream, const std::string& entity,
                                       run_mode mode, const std::string& cause) {
  if (auto present = check_present(c.id); !present) return present.error();
  query(db_,
        "INSERT INTO streams(connection_id, stream, cursor, cursor_version, last_attempt_at, failures, last_error) "
        "VALUES(?, ?, x'', 0, ?, 0, '') ON CONFLICT DO UPDATE SET last_attempt_at = excluded.last_attempt_at",
        c.id, stream, milliseconds(now_))
      .run();
  {
    query open(db_,
               "SELECT * FROM runs WHERE connection_id = ? AND stream = ? "
               "AND state IN ('running', 'interrupted')",
               c.id, stream);
    if (open.step()) {
      run r = run_in(open);
      r.state = "running";
      r.resumed = true;
      r.error.clear();
      r.ended_at = {};
      if (auto stored = store_run(r); !stored) return stored.error();
      return r;
    }
  }
  const auto known = find_stream(c.id, stream);
  run r;
  r.id = new_id("run");
  r.connection_id = c.id;
  r.stream = stream;
  r.entity = entity;
  r.mode = mode;
  r.cause = cause;
  r.state = "running";
  r.initial = mode == run_mode::full && !known->last_full_at;
  r.started_at = now_;
  if (mode == run_mode::incremental) {
    r.cursor = known->cursor;
    r.cursor_version = known->cursor_version;
  }
  insert_run(r);
  return r;
}

void sql_transaction::insert_run(const run& r) {
  query(db_,
        "INSERT INTO runs(id, connection_id, stream, entity, mode, cause, state, resumed, complete, initial, read, "
        "upserted, "
        "deleted, unchanged, set_aside, cursor, cursor_version, error, started_at, ended_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0, 0, 0, 0, ?, ?, '', ?, 0)",
        r.id, r.connection_id, r.stream, r.entity, to_string(r.mode), r.cause, r.state, r.initial, blob{r.cursor},
        r.cursor_version, milliseconds(r.started_at))
      .run();
}

result<void> sql_transaction::store_run(const run& r) {
  const int changed =
      query(db_,
            "UPDATE runs SET state = ?, resumed = ?, complete = ?, read = ?, upserted = ?, deleted = ?, unchanged = ?, "
            "set_aside = ?, cursor = ?, cursor_version = ?, error = ?, ended_at = ?, held = ? WHERE id = ?",
            r.state, r.resumed, r.complete, r.read, r.upserted, r.deleted, r.unchanged, r.set_aside, blob{r.cursor},
            r.cursor_version, r.error, milliseconds(r.ended_at), r.held, r.id)
          .run();
  if (changed == 0) return failure{errc::not_found, "There is no run " + r.id + "."};
  return {};
}

void sql_transaction::store_cursor(const run& r) {
  query(db_, "UPDATE streams SET cursor = ?, cursor_version = ? WHERE connection_id = ? AND stream = ?", blob{r.cursor},
        r.cursor_version, r.connection_id, r.stream)
      .run();
}

result<void> sql_transaction::end_run(const run& r) {
  if (!is_state(r.state)) return failure{errc::not_found, "A run cannot end as " + r.state + "."};
  if (auto present = check_present(r.connection_id); !present) return present;
  run ended = r;
  if (ended.state != "running" && ended.ended_at == core::instant{}) ended.ended_at = now_;
  if (auto stored = store_run(ended); !stored) return stored;
  if (ended.state == "completed") {
    store_cursor(ended);
    query(
        db_,
        "UPDATE streams SET last_success_at = ?, failures = 0, last_error = '' WHERE connection_id = ? AND stream = ?",
        milliseconds(ended.ended_at), r.connection_id, r.stream)
        .run();
    if (ended.mode == run_mode::full) {
      const char* concluded =
          "UPDATE streams SET last_full_at = ?, inconclusive = 0 WHERE connection_id = ? AND stream = ?";
      const char* not_concluded =
          "UPDATE streams SET last_inconclusive_at = ?, inconclusive = inconclusive + 1 "
          "WHERE connection_id = ? AND stream = ?";
      query(db_, ended.complete || ended.saw_all ? concluded : not_concluded, milliseconds(ended.ended_at),
            r.connection_id, r.stream)
          .run();
    }
  } else if (ended.state == "failed" || !ended.error.empty()) {
    query(db_, "UPDATE streams SET failures = failures + 1, last_error = ? WHERE connection_id = ? AND stream = ?",
          ended.error, r.connection_id, r.stream)
        .run();
  }
  return {};
}

std::vector<run> sql_transaction::runs(std::size_t newest, const run_filter& of) {
  std::vector<run> out;
  // The order of the join is fixed by CROSS: from the newest run backwards, or through the index of a few connections.
  const char* anybodys =
      "SELECT runs.* FROM runs CROSS JOIN connections ON connections.id = runs.connection_id "
      "WHERE removed_at IS NULL ORDER BY runs.number DESC LIMIT ?1";
  const char* theirs =
      "SELECT runs.* FROM connections CROSS JOIN runs ON runs.connection_id = connections.id "
      "WHERE removed_at IS NULL AND (?1 = '' OR provider = ?1) AND (?2 = '' OR name = ?2) "
      "AND (?4 IS NULL OR customer = ?4) "
      "ORDER BY runs.number DESC LIMIT ?3";
  const bool any = of.provider.empty() && of.connection.empty() && !of.customer;
  const auto collect = [&out](query&& q) {
    while (q.step()) out.push_back(run_in(q));
  };
  if (any)
    collect(query(db_, anybodys, std::uint64_t{newest}));
  else
    collect(query(db_, theirs, of.provider, of.connection, std::uint64_t{newest}, of.customer));
  return out;
}

std::vector<run> sql_transaction::open_runs() {
  std::vector<run> out;
  query q(db_, "SELECT * FROM runs WHERE state IN ('running', 'interrupted') ORDER BY number");
  while (q.step()) out.push_back(run_in(q));
  return out;
}

std::optional<stream_state> sql_transaction::find_stream(const std::string& connection_id, const std::string& stream) {
  query q(db_,
          "SELECT cursor, cursor_version, last_full_at, last_success_at, last_attempt_at, failures, last_error, "
          "inconclusive, last_inconclusive_at FROM streams WHERE connection_id = ? AND stream = ?",
          connection_id, stream);
  if (!q.step()) return std::nullopt;
  stream_state s;
  s.connection_id = connection_id;
  s.stream = stream;
  s.cursor = q.bytes(0);
  s.cursor_version = static_cast<std::uint32_t>(q.integer(1));
  s.last_full_at = instant_in(q, 2);
  s.last_success_at = instant_in(q, 3);
  s.last_attempt_at = instant_in(q, 4);
  s.failures = static_cast<std::uint32_t>(q.integer(5));
  s.last_error = q.text(6);
  s.inconclusive = static_cast<std::uint32_t>(q.integer(7));
  s.last_inconclusive_at = instant_in(q, 8);
  return s;
}

std::vector<stream_state> sql_transaction::streams(const std::string& connection_id) {
  query q(db_, "SELECT stream FROM streams WHERE connection_id = ?", connection_id);
  std::vector<stream_state> all;
  while (q.step()) all.push_back(*find_stream(connection_id, q.text(0)));
  return all;
}

}  // namespace koppel::ledger
