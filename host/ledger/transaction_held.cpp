// SPDX-License-Identifier: Apache-2.0
// Records that a run did not see, and deletions that the guard holds: what is shown of them, what somebody decides, and
// the run that publishes what was confirmed. They are written and lifted with the records (transaction_records.cpp).

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr std::uint64_t records_per_search = 10'000;

/// What people call the record; empty where it has no name, or cannot be read.
std::string name_in(std::string_view body) {
  const auto stored = core::stored_record::decode(body);
  if (!stored) return {};
  bus::event fields;
  fields.data = core::fields_of(*stored);
  const auto data = bus::data_as_json(fields);
  if (!data) return {};
  const auto text = [&](const char* field) -> std::string {
    const auto* value = data->if_contains(field);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  if (auto name = text("name"); !name.empty()) return name;
  if (auto name = text("full_name"); !name.empty()) return name;
  const auto first = text("first_name"), last = text("last_name");
  return first + (first.empty() || last.empty() ? "" : " ") + last;
}

}  // namespace

suspect_search sql_transaction::suspects(const run& r, const std::string& after, std::size_t limit) {
  suspect_search out;
  out.up_to = after;
  std::int64_t number = 0, set = 0;
  {
    query q(db_,
            "SELECT runs.number, coalesce(record_sets.number, 0) FROM runs LEFT JOIN record_sets ON "
            "record_sets.connection_id = runs.connection_id AND record_sets.entity = runs.entity WHERE runs.id = ?",
            r.id);
    if (!q.step()) return out;
    number = q.integer(0);
    set = q.integer(1);
  }
  const bool some_held = query(db_, "SELECT 1 FROM held_deletions WHERE set_number = ? LIMIT 1", set).step();
  const auto is_held = [&](const std::string& id) {
    return query(db_, "SELECT 1 FROM held_deletions WHERE set_number = ? AND id = ?", set, id).step();
  };
  // What it saw and what is deleted is left out here and not in SQL: the database would walk all of them to find none.
  query q(db_, "SELECT id, deleted, seen_run FROM records WHERE set_number = ? AND id > ? ORDER BY id LIMIT ?", set,
          after, records_per_search + 1);
  for (std::uint64_t looked_at = 0; q.step(); ++looked_at) {
    out.more = looked_at == records_per_search || out.ids.size() == limit;
    if (out.more) break;
    const bool suspect = q.integer(1) == 0 && q.integer(2) != number && !(some_held && is_held(q.text(0)));
    if (suspect) out.ids.push_back(q.text(0));
    if (suspect || looked_at + 1 == records_per_search) out.up_to = q.text(0);
  }
  return out;
}

std::uint64_t sql_transaction::known_records(const std::string& connection_id, const std::string& entity) {
  query q(db_, "SELECT known FROM record_sets WHERE connection_id = ? AND entity = ?", connection_id, entity);
  return q.step() ? static_cast<std::uint64_t>(q.integer(0)) : 0;
}

std::uint64_t sql_transaction::held_deletions(const std::string& connection_id, const std::string& entity) {
  query q(db_,
          "SELECT count(*) FROM held_deletions WHERE state = 'held' AND set_number = (SELECT number FROM record_sets "
          "WHERE connection_id = ? AND entity = ?)",
          connection_id, entity);
  q.step();
  return static_cast<std::uint64_t>(q.integer(0));
}

std::vector<held_stream> sql_transaction::held_streams() {
  std::vector<held_stream> out;
  {
    query q(db_,
            "SELECT connection_id, entity, stream, known, sum(state = 'held'), sum(state = 'rejected'), "
            "coalesce(max(CASE state WHEN 'held' THEN held_deletions.number END), max(held_deletions.number)), "
            "coalesce(min(CASE state WHEN 'held' THEN held_at END), min(held_at)) "
            "FROM held_deletions JOIN record_sets ON record_sets.number = set_number WHERE state <> 'confirmed' "
            "GROUP BY set_number, stream ORDER BY set_number, stream");
    while (q.step()) {
      held_stream s;
      s.connection_id = q.text(0);
      s.entity = q.text(1);
      s.stream = q.text(2);
      s.known = static_cast<std::uint64_t>(q.integer(3));
      s.held = static_cast<std::uint64_t>(q.integer(4));
      s.rejected = static_cast<std::uint64_t>(q.integer(5));
      s.mark = static_cast<std::uint64_t>(q.integer(6));
      s.since = instant_from(q.integer(7));
      out.push_back(std::move(s));
    }
  }
  for (auto& s : out) {
    // The run may be forgotten by now.
    query q(db_,
            "SELECT run_id, coalesce((SELECT deleted FROM runs WHERE id = run_id), 0) FROM held_deletions "
            "WHERE number = ?",
            s.mark);
    if (!q.step()) continue;
    s.run_id = q.text(0);
    s.published = static_cast<std::uint64_t>(q.integer(1));
  }
  return out;
}

std::optional<held_stream> sql_transaction::find_held(const std::string& connection_id, const std::string& stream) {
  for (auto& s : held_streams())
    if (s.connection_id == connection_id && s.stream == stream) return std::move(s);
  return std::nullopt;
}

std::vector<held_record> sql_transaction::held_records(const std::string& connection_id, const std::string& stream,
                                                       std::size_t limit) {
  std::vector<held_record> out;
  query q(db_,
          "SELECT held_deletions.id, held_at, state, coalesce(bytes, x'') FROM record_sets "
          "JOIN held_deletions ON held_deletions.set_number = record_sets.number "
          "LEFT JOIN records ON records.set_number = record_sets.number AND records.id = held_deletions.id "
          "LEFT JOIN record_bodies ON record_bodies.number = records.body "
          "WHERE connection_id = ? AND stream = ? AND state <> 'confirmed' "
          "ORDER BY state, held_deletions.number LIMIT ?",
          connection_id, stream, std::uint64_t{limit});
  while (q.step()) out.push_back({q.text(0), name_in(q.bytes(3)), instant_from(q.integer(1)), q.text(2) == "rejected"});
  return out;
}

std::uint64_t sql_transaction::decide_held(const std::string& connection_id, const std::string& stream,
                                           std::uint64_t mark, held_decision decision) {
  const auto of = find_held(connection_id, stream);
  if (!of || (decision == held_decision::reject && of->held == 0)) return 0;
  const std::string from = of->held > 0 ? "held" : "rejected";
  const std::string to = decision == held_decision::confirm ? "confirmed" : "rejected";
  const int decided =
      query(db_,
            "UPDATE held_deletions SET state = ? WHERE set_number = (SELECT number FROM record_sets WHERE "
            "connection_id = ? AND entity = ?) AND stream = ? AND state = ? AND number <= ?",
            to, connection_id, of->entity, stream, from, mark)
          .run();
  return static_cast<std::uint64_t>(decided);
}

std::vector<std::pair<std::string, std::string>> sql_transaction::streams_to_release() {
  std::vector<std::pair<std::string, std::string>> out;
  query q(db_,
          "SELECT connection_id, stream FROM held_deletions JOIN record_sets ON record_sets.number = set_number "
          "WHERE state = 'confirmed' UNION SELECT connection_id, stream FROM runs WHERE state = 'releasing'");
  while (q.step()) out.emplace_back(q.text(0), q.text(1));
  return out;
}

result<std::optional<run>> sql_transaction::begin_release(const connection& c, const std::string& stream) {
  if (auto present = check_present(c.id); !present) return present.error();
  {
    query q(db_, "SELECT * FROM runs WHERE connection_id = ? AND stream = ? AND state = 'releasing'", c.id, stream);
    if (q.step()) {
      auto r = run_in(q);
      r.resumed = true;
      return std::optional<run>(std::move(r));
    }
  }
  run r;
  {
    query q(db_,
            "SELECT entity FROM held_deletions JOIN record_sets ON record_sets.number = set_number "
            "WHERE connection_id = ? AND stream = ? AND state = 'confirmed' LIMIT 1",
            c.id, stream);
    if (!q.step()) return std::optional<run>();
    r.entity = q.text(0);
  }
  r.id = new_id("run");
  r.connection_id = c.id;
  r.stream = stream;
  r.mode = run_mode::incremental;
  r.cause = "manual";
  r.state = "releasing";
  r.started_at = now_;
  insert_run(r);
  return std::optional<run>(std::move(r));
}

result<void> sql_transaction::end_release(const run& r) { return store_run(r); }

}  // namespace koppel::ledger
