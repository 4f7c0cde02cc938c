// SPDX-License-Identifier: Apache-2.0
// Pages of records: compared by digest, merged, stored and announced. A record that is as it was costs two look-ups and
// no decoding; its row of a full run is marked as seen.

#include <sodium.h>
#include <koppel/bus/event_types.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "host/ledger/map_writer.hpp"
#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

namespace types = bus::event_types;

constexpr std::size_t digest_bytes = 16;
constexpr std::size_t released_at_once = 200;

/// The row of a record that is known.
struct known_row {
  std::int64_t body = 0;
  bool deleted = false;
  std::int64_t seen_run = 0;
  std::uint64_t seq = 0;  ///< of its newest event
  std::string digests;    ///< one after the other, in the order of the stored facets' names
};

/// 16 bytes of BLAKE2b over the parts, each with its length.
std::string digest_over(std::initializer_list<std::string_view> parts) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, digest_bytes);
  for (const auto part : parts) {
    const std::uint64_t size = part.size();
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  std::string out(digest_bytes, '\0');
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(out.data()), out.size());
  return out;
}

bool holds(std::string_view digests, std::string_view wanted) {
  for (std::size_t at = 0; at + digest_bytes <= digests.size(); at += digest_bytes)
    if (digests.substr(at, digest_bytes) == wanted) return true;
  return false;
}

}  // namespace

/// Writes the records of one page.
class page_writer {
 public:
  page_writer(sql_transaction& t, const run& r, const connection& c, std::uint32_t mapping_version,
              const std::string& deletion_reason, std::int64_t run_number)
      : t_(t),
        run_(r),
        connection_(c),
        mapping_version_(mapping_version),
        deletion_reason_(deletion_reason),
        run_number_(run_number) {
    query any(t_.db_, "SELECT 1 FROM refused WHERE connection_id = ? LIMIT 1", c.id);
    some_refused_ = any.step();
  }

  bool guarded = false;      ///< deletions that are held stay so
  bool withhold = false;     ///< of a guarded page: no deletion is published
  bool by_operator = false;  ///< somebody has confirmed them

  result<void> write(const messages::record& incoming);
  /// How many records the page would delete: those that are there, and whose deletion is neither held nor rejected.
  std::uint64_t deletions_in(const messages::page& page);
  /// After the last record.
  void finish();
  const page_outcome& outcome() const { return outcome_; }

 private:
  using kind = core::record_change::kind;

  std::int64_t set_of(const std::string& entity);
  std::optional<known_row> find(const messages::record& incoming);
  result<std::optional<core::stored_record>> body_of(const std::optional<known_row>& row);
  bool unchanged(const messages::record& incoming, const known_row& row);
  std::string digests_of(const core::stored_record& next, const messages::record& incoming,
                         const std::optional<core::stored_record>& previous, const std::optional<known_row>& row) const;
  bus::event announcement(const messages::record& incoming, const core::record_change& change) const;
  std::string_view cause_of(const core::record_change& change) const;
  result<void> set_aside(const messages::record& incoming, const std::optional<known_row>& row,
                         const std::string& reason, std::uint64_t bytes);
  void forget_refusal(const messages::record& incoming);
  /// What was decided about the record's deletion: "held", "confirmed", "rejected"; empty where none is held.
  std::string held_state(const messages::record& incoming);
  void hold(const messages::record& incoming);
  void forget_held(const messages::record& incoming);
  void store(const messages::record& incoming, const core::record_change& change, const std::optional<known_row>& row,
             const std::string& digests, std::optional<std::uint64_t> seq);
  void mark_seen(const messages::record& incoming, const std::optional<known_row>& row);
  bool marks() const { return run_.mode == run_mode::full; }

  sql_transaction& t_;
  const run& run_;
  const connection& connection_;
  const std::uint32_t mapping_version_;
  const std::string& deletion_reason_;
  const std::int64_t run_number_;
  std::string entity_;  ///< of the set below
  std::int64_t set_ = 0;
  std::vector<std::string> incoming_digests_;
  std::map<std::int64_t, std::int64_t> known_more_;  ///< by set: live records after this page, less those before
  bool some_refused_ = false;                        ///< a record of this connection may be among the refused
  bool some_held_ = false;                           ///< a deletion in this set may be held
  page_outcome outcome_;
};

std::int64_t page_writer::set_of(const std::string& entity) {
  if (entity == entity_) return set_;
  query(t_.db_, "INSERT OR IGNORE INTO record_sets(connection_id, entity) VALUES(?, ?)", connection_.id, entity).run();
  query q(t_.db_, "SELECT number FROM record_sets WHERE connection_id = ? AND entity = ?", connection_.id, entity);
  q.step();
  set_ = q.integer(0);
  entity_ = entity;
  some_held_ = query(t_.db_, "SELECT 1 FROM held_deletions WHERE set_number = ? LIMIT 1", set_).step();
  return set_;
}

std::optional<known_row> page_writer::find(const messages::record& incoming) {
  query q(t_.db_, "SELECT body, deleted, seen_run, seq, digests FROM records WHERE set_number = ? AND id = ?",
          set_of(incoming.entity), incoming.id);
  if (!q.step()) return std::nullopt;
  return known_row{q.integer(0), q.integer(1) != 0, q.integer(2), static_cast<std::uint64_t>(q.integer(3)),
                   std::string(q.bytes(4))};
}

result<std::optional<core::stored_record>> page_writer::body_of(const std::optional<known_row>& row) {
  if (!row) return std::optional<core::stored_record>();
  query q(t_.db_, "SELECT bytes FROM record_bodies WHERE number = ?", row->body);
  if (!q.step()) return failure{errc::corrupt, "A record has lost its body."};
  auto stored = core::stored_record::decode(q.bytes(0));
  if (!stored) return failure{errc::corrupt, stored.error().detail};
  return std::optional(std::move(*stored));
}

/// True if each facet was merged with exactly these bytes before: merging it again would change nothing.
bool page_writer::unchanged(const messages::record& incoming, const known_row& row) {
  if (row.deleted || incoming.gone || incoming.facets.empty()) return false;
  for (const auto& digest : incoming_digests_)
    if (!holds(row.digests, digest)) return false;
  return true;
}

std::string page_writer::digests_of(const core::stored_record& next, const messages::record& incoming,
                                    const std::optional<core::stored_record>& previous,
                                    const std::optional<known_row>& row) const {
  std::map<std::string_view, std::string_view> by_name;
  if (previous && row) {
    std::size_t at = 0;
    for (const auto& facet : previous->facets) {
      by_name[facet.first] = std::string_view(row->digests).substr(std::min(at, row->digests.size()), digest_bytes);
      at += digest_bytes;
    }
  }
  for (std::size_t i = 0; i < incoming.facets.size() && !incoming.gone; ++i)
    by_name[incoming.facets[i].name] = incoming_digests_[i];
  std::string out;
  for (const auto& facet : next.facets) out.append(by_name[facet.first]);
  return out;
}

std::string_view page_writer::cause_of(const core::record_change& change) const {
  if (by_operator) return "operator";
  if (change.what == kind::restored) return "restored";
  if (change.mapping_only) return "mapping";
  if (run_.initial) return "initial";
  if (run_.mode == run_mode::full) return "reconcile";
  return run_.cause == "webhook" ? "webhook" : "change";
}

bus::event page_writer::announcement(const messages::record& incoming, const core::record_change& change) const {
  const bool deleted = change.what == kind::deleted;
  auto event = t_.envelope(connection_,
                           deleted ? types::record_deleted(incoming.entity) : types::record_upserted(incoming.entity),
                           incoming.id);
  map_writer data(deleted ? 7 : 8);
  data.text("entity", incoming.entity).text("id", incoming.id).number("revision", change.next.revision);
  data.text("cause", cause_of(change)).text("run_id", run_.id);
  if (deleted) {
    data.text("reason", deletion_reason_)
        .text("deleted_at", incoming.updated_at.empty() ? t_.time_ : incoming.updated_at);
  } else {
    data.spliced("data", change.data).texts("changed", change.changed);
    data.time("provider_updated_at", change.next.updated_at);
  }
  event.data = data.take();
  return event;
}

void page_writer::mark_seen(const messages::record& incoming, const std::optional<known_row>& row) {
  if (!marks() || !row || row->seen_run == run_number_) return;
  query(t_.db_, "UPDATE records SET seen_run = ? WHERE set_number = ? AND id = ?", run_number_, set_of(incoming.entity),
        incoming.id)
      .run();
}

void page_writer::forget_refusal(const messages::record& incoming) {
  if (!some_refused_) return;
  const auto record = digest_over({incoming.entity, incoming.id});
  query q(t_.db_, "DELETE FROM refused WHERE connection_id = ? AND record = ? RETURNING seq", connection_.id,
          blob{record});
  if (q.step()) t_.may_go(static_cast<std::uint64_t>(q.integer(0)));
}

std::string page_writer::held_state(const messages::record& incoming) {
  const auto set = set_of(incoming.entity);
  if (!some_held_) return {};
  query q(t_.db_, "SELECT state FROM held_deletions WHERE set_number = ? AND id = ?", set, incoming.id);
  return q.step() ? q.text(0) : "";
}

void page_writer::hold(const messages::record& incoming) {
  const int added =
      query(t_.db_,
            "INSERT OR IGNORE INTO held_deletions(set_number, id, stream, run_id, held_at, deleted_at, "
            "state) VALUES(?, ?, ?, ?, ?, ?, 'held')",
            set_of(incoming.entity), incoming.id, run_.stream, run_.id, milliseconds(t_.now_), incoming.updated_at)
          .run();
  outcome_.held += static_cast<std::uint64_t>(added);
  some_held_ = true;
}

void page_writer::forget_held(const messages::record& incoming) {
  const auto set = set_of(incoming.entity);
  if (some_held_) query(t_.db_, "DELETE FROM held_deletions WHERE set_number = ? AND id = ?", set, incoming.id).run();
}

std::uint64_t page_writer::deletions_in(const messages::page& page) {
  std::uint64_t count = 0;
  for (const auto& record : page.records) {
    if (!record.gone || !core::is_good_name(record.entity)) continue;
    const auto row = find(record);
    if (row && !row->deleted && held_state(record).empty()) ++count;
  }
  return count;
}

result<void> page_writer::set_aside(const messages::record& incoming, const std::optional<known_row>& row,
                                    const std::string& reason, std::uint64_t bytes) {
  ++outcome_.set_aside;
  mark_seen(incoming, row);  // it exists, though we cannot carry it: its absence must not be concluded
  // Incremental reads overlap, so a record that cannot be carried comes again and again: this very content, refused for
  // this very reason, is told once.
  const auto record = digest_over({incoming.entity, incoming.id});
  std::string facets;
  for (const auto& digest : incoming_digests_) facets += digest;
  const auto content = digest_over({incoming.updated_at, incoming.gone ? "gone" : "", facets, reason});
  std::uint64_t told = 0;  // the seq of the dead letter that this one replaces
  {
    query q(t_.db_, "SELECT content, seq FROM refused WHERE connection_id = ? AND record = ?", connection_.id,
            blob{record});
    if (q.step()) {
      if (q.bytes(0) == content) return {};
      told = static_cast<std::uint64_t>(q.integer(1));
    }
  }
  const std::string id = core::is_good_name(incoming.id) ? incoming.id : "";
  auto event = t_.envelope(connection_, std::string(types::dead_letter_added), id);
  const std::string entity = core::is_good_name(incoming.entity) ? incoming.entity : "";
  map_writer data(4);
  event.data = data.text("entity", entity).text("id", id).text("reason", reason).number("bytes", bytes).take();
  if (auto added = t_.events_.add(event); !added) return added.error();
  query(t_.db_,
        "INSERT INTO refused(connection_id, record, content, seq) VALUES(?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET content = excluded.content, seq = excluded.seq",
        connection_.id, blob{record}, blob{content}, event.seq)
      .run();
  t_.may_go(told);
  some_refused_ = true;
  return {};
}

void page_writer::store(const messages::record& incoming, const core::record_change& change,
                        const std::optional<known_row>& row, const std::string& digests,
                        std::optional<std::uint64_t> seq) {
  const auto body = change.next.encode();
  known_more_[set_] += int{!change.next.deleted} - int{row && !row->deleted};
  if (!row) {
    query(t_.db_, "INSERT INTO record_bodies(bytes) VALUES(?)", blob{body}).run();
    query(t_.db_,
          "INSERT INTO records(set_number, id, body, deleted, seen_run, seq, digests) VALUES(?, ?, ?, 0, ?, ?, ?)",
          set_, incoming.id, t_.db_.last_row(), marks() ? run_number_ : 0, seq, blob{digests})
        .run();
    return;
  }
  query(t_.db_, "UPDATE record_bodies SET bytes = ? WHERE number = ?", blob{body}, row->body).run();
  query(t_.db_,
        "UPDATE records SET deleted = ?, seen_run = ?, seq = coalesce(?, seq), digests = ? WHERE set_number = ? AND id "
        "= ?",
        change.next.deleted, marks() ? run_number_ : row->seen_run, seq, blob{digests}, set_, incoming.id)
      .run();
  if (seq) t_.may_go(row->seq);
}

result<void> page_writer::write(const messages::record& incoming) {
  incoming_digests_.clear();
  for (const auto& facet : incoming.facets) incoming_digests_.push_back(core::digest_of(facet, mapping_version_));
  const auto row = core::is_good_name(incoming.entity) ? find(incoming) : std::nullopt;
  if (row && !row->deleted && incoming.gone) {
    const auto state = held_state(incoming);
    if (state == "rejected" || (guarded && !state.empty())) {
      ++outcome_.unchanged;
      return {};
    }
    if (withhold) {
      hold(incoming);
      return {};
    }
  }
  if (row) forget_held(incoming);
  if (row && unchanged(incoming, *row)) {
    ++outcome_.unchanged;
    forget_refusal(incoming);
    mark_seen(incoming, row);
    return {};
  }
  std::uint64_t bytes = 0;
  for (const auto& facet : incoming.facets) bytes += facet.fields.size();
  if (const auto why = core::record_refusal(incoming, connection_.provider); !why.empty())
    return set_aside(incoming, row, why, bytes);

  const auto previous = body_of(row);
  if (!previous) return previous.error();
  const auto change = core::merge(*previous, incoming, mapping_version_);
  if (change.what == kind::ignored) {
    ++outcome_.unchanged;
    forget_refusal(incoming);
    return {};
  }
  const auto digests = digests_of(change.next, incoming, *previous, row);
  if (change.what == kind::unchanged) {
    ++outcome_.unchanged;
    forget_refusal(incoming);
    store(incoming, change, row, digests, std::nullopt);
    return {};
  }
  auto event = announcement(incoming, change);
  if (auto added = t_.events_.add(event); !added) {
    if (added.error().code == errc::too_large)
      return set_aside(incoming, row, "Its event would be over 64 KiB.", bytes);
    return added.error();
  }
  ++(change.what == kind::deleted ? outcome_.deleted : outcome_.upserted);
  forget_refusal(incoming);
  store(incoming, change, row, digests, event.seq);
  return {};
}

void page_writer::finish() {
  for (const auto& [set, more] : known_more_)
    if (more != 0) query(t_.db_, "UPDATE record_sets SET known = known + ? WHERE number = ?", more, set).run();
}

result<std::int64_t> sql_transaction::number_of(const run& r, const connection& c) {
  if (auto present = check_present(c.id); !present) return present.error();
  query q(db_, "SELECT number FROM runs WHERE id = ? AND connection_id = ?", r.id, c.id);
  if (!q.step()) return failure{errc::not_found, "The connection " + c.id + " has no run " + r.id + "."};
  return q.integer(0);
}

result<page_outcome> sql_transaction::commit_page(run& r, const connection& c, const messages::page& page,
                                                  std::uint32_t mapping_version, const std::string& deletion_reason,
                                                  bool keep_cursor, const std::optional<page_guard>& guard) {
  const auto number = number_of(r, c);
  if (!number) return number.error();
  page_writer writer(*this, r, c, mapping_version, deletion_reason, *number);
  if (guard) {
    writer.guarded = true;
    writer.withhold = guard->withhold;
    if (const auto more = writer.deletions_in(page); more > 0 && !writer.withhold) {
      const core::deletion_facts facts{known_records(c.id, r.entity), r.deleted, held_deletions(c.id, r.entity), more};
      writer.withhold = core::judge_deletions(guard->limits, facts) == core::deletion_verdict::hold;
    }
  }
  for (const auto& record : page.records)
    if (auto written = writer.write(record); !written) return written.error();
  writer.finish();
  page_outcome outcome = writer.outcome();
  outcome.set_aside += page.set_aside;

  r.read += page.records.size() + page.set_aside;
  r.upserted += outcome.upserted;
  r.deleted += outcome.deleted;
  r.unchanged += outcome.unchanged;
  r.set_aside += outcome.set_aside;
  r.held += outcome.held;
  if (!keep_cursor) {
    r.cursor = page.cursor;
    r.cursor_version = page.cursor_version;
    if (r.mode == run_mode::incremental) store_cursor(r);
  }
  if (auto stored = store_run(r); !stored) return stored.error();
  return outcome;
}

result<page_outcome> sql_transaction::commit_hinted(std::int64_t webhook, const connection& c,
                                                    const messages::page& page, std::uint32_t mapping_version) {
  if (auto present = check_present(c.id); !present) return present.error();
  run r;
  {
    query q(db_, "SELECT id FROM webhooks WHERE number = ?", webhook);
    if (q.step()) r.id = q.text(0);
  }
  r.mode = run_mode::incremental;
  r.cause = "webhook";
  const std::string deletion_reason = "provider_deleted";  // the writer refers to it
  page_writer writer(*this, r, c, mapping_version, deletion_reason, 0);
  for (const auto& record : page.records)
    if (auto written = writer.write(record); !written) return written.error();
  writer.finish();
  auto outcome = writer.outcome();
  outcome.set_aside += page.set_aside;
  return outcome;
}

result<std::uint64_t> sql_transaction::release_held(run& r, const connection& c, bool confirmed) {
  const auto number = number_of(r, c);
  if (!number) return number.error();
  std::vector<std::pair<std::int64_t, messages::record>> some;
  {
    query q(db_,
            "SELECT number, id, deleted_at FROM held_deletions WHERE set_number = (SELECT number FROM record_sets "
            "WHERE connection_id = ? AND entity = ?) AND state = ? ORDER BY number LIMIT ?",
            r.connection_id, r.entity, std::string(confirmed ? "confirmed" : "held"), std::uint64_t{released_at_once});
    while (q.step()) {
      messages::record gone;
      gone.entity = r.entity;
      gone.id = q.text(1);
      gone.updated_at = q.text(2);
      gone.gone = true;
      some.emplace_back(q.integer(0), std::move(gone));
    }
  }
  const std::string deletion_reason = "provider_deleted";  // the writer refers to it
  page_writer writer(*this, r, c, 0, deletion_reason, *number);
  writer.by_operator = confirmed;
  for (const auto& [row, gone] : some) {
    if (auto written = writer.write(gone); !written) return written.error();
    query(db_, "DELETE FROM held_deletions WHERE number = ?", row).run();
  }
  writer.finish();
  r.deleted += writer.outcome().deleted;
  if (!confirmed) r.held -= std::min<std::uint64_t>(r.held, some.size());
  if (auto stored = store_run(r); !stored) return stored.error();
  return some.size();
}

}  // namespace koppel::ledger
