// SPDX-License-Identifier: Apache-2.0
// Opening, applying, beginning again.

#include "store.hpp"

#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <exception>
#include <koppel/bus/event_types.hpp>
#include <koppel/fault_point.hpp>
#include <koppel/planted_bug.hpp>
#include <thread>
#include <unordered_map>

#include "apply_record.hpp"
#include "sweep.hpp"

namespace koppel::proplus {
namespace {

namespace json = boost::json;
namespace types = bus::event_types;

failure database_failure(const std::string& what) {
  return {boost::system::errc::make_error_code(boost::system::errc::io_error), "The database failed: " + what + "."};
}
failure refused(const std::filesystem::path& file, const std::string& why) {
  return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
          "The database " + file.string() + " " + why};
}

/// Another process writes and did not end within our patience. Nothing was done yet.
struct in_use_elsewhere : std::exception {};

SQLite::Transaction begin(SQLite::Database& db) {
  try {
    return SQLite::Transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  } catch (const SQLite::Exception& e) {
    if (e.getErrorCode() == SQLITE_BUSY) throw in_use_elsewhere();
    throw;
  }
}

/// SQLiteCpp throws; above this file failures are values.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const in_use_elsewhere&) {
    return failure{boost::system::errc::make_error_code(boost::system::errc::resource_unavailable_try_again),
                   "The database is in use by another process that writes to it; nothing was changed. Try again when "
                   "that has ended."};
  } catch (const SQLite::Exception& e) {
    return database_failure(e.what());
  }
}

/// Empty text is no text.
void bind_text(SQLite::Statement& s, int index, const std::string& text) {
  if (text.empty())
    s.bind(index);
  else
    s.bind(index, text);
}

}  // namespace

struct store::state {
  state(const std::filesystem::path& file, std::chrono::milliseconds patience)
      : db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
           static_cast<int>(patience.count())) {}

  result<> prepare(const std::filesystem::path& file);
  void load();
  void apply(const bus::event& e);
  void connection_of(const bus::event& e);
  void auth_status(const bus::event& e, const json::object& data);
  void sync_completed(const bus::event& e, const json::object& data);
  void connection_removed(const bus::event& e, const json::object& data);
  void unreadable(const bus::event& e, const std::string& why);
  void count(const std::string& counter, std::uint64_t by);
  void flush_applied();
  void flush_journal();
  void save_position(const bus::position& p);
  void save_snapshot(const bus::from_snapshot& walked);
  void sweep_if_caught_up();

  SQLite::Database db;
  statements prepared{db};
  record_tables records{prepared};
  sweeper sweeping{prepared, records};
  std::optional<bus::position> at;
  std::optional<bus::from_snapshot> snapshot;  ///< being walked
  std::int64_t walk = 1;
  std::optional<std::uint64_t> catch_up;
  std::unordered_map<std::string, std::string> known;         ///< connection id -> its names and walk, as in the table
  std::map<std::string, std::uint64_t, std::less<>> applied;  ///< of the transaction that runs, by short type
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  ///< of the seqs that it applied
};

result<> store::state::prepare(const std::filesystem::path& file) {
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  const int application = db.execAndGet("PRAGMA application_id").getInt();
  const bool is_new =
      version == 0 && application == 0 && db.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (!is_new && application != application_id)
    return refused(file, "belongs to another program; choose another file.");
  if (!is_new && version != schema_version)
    return refused(file, "has version " + std::to_string(version) + ", this program reads version " +
                             std::to_string(schema_version) + " only: delete it, with " + file.filename().string() +
                             "-wal and -shm, and start again. It is filled anew from the bus.");
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON");
  if (!is_new) return {};
  auto transaction = begin(db);
  db.exec(create_script());
  db.exec("PRAGMA user_version = " + std::to_string(schema_version) +
          "; PRAGMA application_id = " + std::to_string(application_id));
  transaction.commit();
  return {};
}

void store::state::load() {
  statement where(prepared, "SELECT epoch, seq, id FROM position");
  if (where->executeStep())
    at = bus::position{where->getColumn(0).getString(), static_cast<std::uint64_t>(where->getColumn(1).getInt64()),
                       where->getColumn(2).getString()};
  statement s(prepared, "SELECT epoch, seq, id, after FROM snapshot");
  if (s->executeStep())
    snapshot = bus::from_snapshot{{s->getColumn(0).getString(), static_cast<std::uint64_t>(s->getColumn(1).getInt64()),
                                   s->getColumn(2).getString()},
                                  static_cast<std::uint64_t>(s->getColumn(3).getInt64())};
  statement w(prepared, "SELECT number, catch_up_seq FROM walk");
  w->executeStep();
  walk = w->getColumn(0).getInt64();
  if (!w->getColumn(1).isNull()) catch_up = static_cast<std::uint64_t>(w->getColumn(1).getInt64());
}

/// Makes sure that the connection of this event is there and has the names that the event says.
void store::state::connection_of(const bus::event& e) {
  if (e.connection_id.empty()) return;
  std::string names = e.provider + '\n' + e.connection + '\n' + e.customer + '\n' + std::to_string(walk);
  std::string& have = known[e.connection_id];
  if (have == names) return;
  statement s(prepared,
              "INSERT INTO connection (connection_id, provider, name, customer, walk) VALUES (?1, ?2, ?3, ?4, ?5) "
              "ON CONFLICT (connection_id) DO UPDATE SET provider = ?2, name = ?3, customer = ?4, walk = ?5, "
              // A removal of another history counts no more; one of this history comes behind its other events.
              "status = CASE WHEN walk = ?5 OR removed_at IS NULL THEN status END, "
              "removed_at = CASE WHEN walk = ?5 THEN removed_at END");
  s->bind(1, e.connection_id);
  bind_text(*s, 2, e.provider);
  bind_text(*s, 3, e.connection);
  bind_text(*s, 4, e.customer);
  s->bind(5, walk);
  s->exec();
  have = std::move(names);
}

void store::state::auth_status(const bus::event& e, const json::object& data) {
  static const json::object nothing;
  const auto map = [&](std::string_view key) -> const json::object& {
    const json::value* value = data.if_contains(key);
    return value != nullptr && value->is_object() ? value->get_object() : nothing;
  };
  statement s(prepared,
              "UPDATE connection SET auth_status = ?2, status = ?3, reason = ?4, since = ?5, generation = ?6, "
              "action = ?7, action_by = ?8, hint_nl = ?9, hint_fr = ?10, hint_en = ?11, account_id = ?12, "
              "account_name = ?13, status_walk = ?14 WHERE connection_id = ?1 AND "
              "(generation IS NULL OR status_walk <> ?14 OR generation <= ?6)");
  s->bind(1, e.connection_id);
  s->bind(2, text_of(data, "display"));
  bind_text(*s, 3, text_of(data, "status"));
  bind_text(*s, 4, text_of(data, "reason"));
  bind_text(*s, 5, text_of(data, "since"));
  s->bind(6, number_of(data, "generation"));
  bind_text(*s, 7, text_of(data, "action"));
  bind_text(*s, 8, text_of(data, "action_by"));
  bind_text(*s, 9, text_of(map("hint"), "nl"));
  bind_text(*s, 10, text_of(map("hint"), "fr"));
  bind_text(*s, 11, text_of(map("hint"), "en"));
  bind_text(*s, 12, text_of(map("account"), "id"));
  bind_text(*s, 13, text_of(map("account"), "name"));
  s->bind(14, walk);
  s->exec();
}

void store::state::sync_completed(const bus::event& e, const json::object& data) {
  statement s(prepared,
              "UPDATE connection SET last_sync = ?2, data_as_of = coalesce(?3, data_as_of) WHERE connection_id = ?1");
  s->bind(1, e.connection_id);
  s->bind(2, e.time);
  bind_text(*s, 3, text_of(data, "data_as_of"));
  s->exec();

  const json::value* complete = data.if_contains("complete");
  if (text_of(data, "mode") != "full" || complete == nullptr || *complete != true) return;
  // One from a snapshot was read before it: of a restored host, before the backup that lacks what came since.
  if (snapshot) return;
  const std::string named = text_of(data, "entity");
  const entity* of = find_entity(named.empty() ? text_of(data, "stream") : named);
  if (of == nullptr) return;
  statement full(prepared, "INSERT OR IGNORE INTO full_sync (connection_id, entity, walk) VALUES (?1, ?2, ?3)");
  full->bind(1, e.connection_id);
  full->bind(2, std::string(of->name));
  full->bind(3, walk);
  full->exec();
}

void store::state::connection_removed(const bus::event& e, const json::object& data) {
  statement s(prepared,
              "UPDATE connection SET removed_at = ?2, status = 'removed', auth_status = '' WHERE connection_id = ?1");
  s->bind(1, e.connection_id);
  s->bind(2, e.time);
  s->exec();
  if (const json::value* purge = data.if_contains("purge"); purge != nullptr && *purge == true)
    records.purge(e.connection_id);
}

void store::state::unreadable(const bus::event& e, const std::string& why) {
  spdlog::error("event {} ({}) cannot be read and is set aside: {}", e.id, e.type, why);
  statement s(prepared, "INSERT INTO unreadable VALUES (?1, ?2, ?3, ?4)");
  s->bind(1, static_cast<std::int64_t>(e.seq));
  s->bind(2, e.id);
  s->bind(3, e.type);
  s->bind(4, why);
  s->exec();
}

void store::state::apply(const bus::event& e) {
  const std::string_view type = bus::short_type(e.type);
  const auto data = bus::data_as_json(e);
  if (!data) return unreadable(e, data.error().detail);
  connection_of(e);
  if (e.connection_id.empty()) {
    // About no connection: counted, nothing to keep.
  } else if (type == types::auth_status) {
    auth_status(e, *data);
  } else if (type == types::sync_completed) {
    sync_completed(e, *data);
  } else if (type == types::connection_removed) {
    connection_removed(e, *data);
  } else {
    records.apply(e, type, *data, walk);
  }
  if (const auto at_type = applied.find(type); at_type != applied.end())
    ++at_type->second;
  else
    applied.emplace(type, 1);
  if (snapshot) return;  // its seqs have holes
  if (!ranges.empty() && ranges.back().second + 1 == e.seq)
    ranges.back().second = e.seq;
  else
    ranges.emplace_back(e.seq, e.seq);
}

void store::state::count(const std::string& counter, std::uint64_t by) {
  if (by == 0) return;
  statement s(prepared, "UPDATE counter SET value = value + ?2 WHERE name = ?1");
  s->bind(1, counter);
  s->bind(2, static_cast<std::int64_t>(by));
  s->exec();
}

void store::state::flush_applied() {
  statement s(prepared, "INSERT INTO applied VALUES (?1, ?2) ON CONFLICT (type) DO UPDATE SET count = count + ?2");
  for (const auto& [type, events] : applied) {
    s->reset();
    s->bind(1, type);
    s->bind(2, static_cast<std::int64_t>(events));
    s->exec();
  }
  applied.clear();
}

void store::state::flush_journal() {
  for (const auto& [first, last] : ranges) {
    statement extend(prepared,
                     "UPDATE journal SET last = ?3 WHERE rowid = (SELECT max(rowid) FROM journal) "
                     "AND walk = ?1 AND last + 1 = ?2");
    statement insert(prepared, "INSERT INTO journal VALUES (?1, ?2, ?3)");
    for (statement* either : {&extend, &insert}) {
      SQLite::Statement& s = **either;
      s.bind(1, walk);
      s.bind(2, static_cast<std::int64_t>(first));
      s.bind(3, static_cast<std::int64_t>(last));
      if (s.exec() > 0) break;
    }
  }
  ranges.clear();
}

void store::state::save_position(const bus::position& p) {
  statement s(prepared, "INSERT OR REPLACE INTO position VALUES (1, ?1, ?2, ?3)");
  s->bind(1, p.epoch);
  s->bind(2, static_cast<std::int64_t>(p.seq));
  s->bind(3, p.id);
  s->exec();
  at = p;
}

void store::state::save_snapshot(const bus::from_snapshot& walked) {
  statement s(prepared, "INSERT OR REPLACE INTO snapshot VALUES (1, ?1, ?2, ?3, ?4)");
  s->bind(1, walked.of.epoch);
  s->bind(2, static_cast<std::int64_t>(walked.of.seq));
  s->bind(3, walked.of.id);
  s->bind(4, static_cast<std::int64_t>(walked.after));
  s->exec();
  snapshot = walked;
}

/// In a later walk: what the new history does not have goes, once it was read to its end and the stream was complete.
void store::state::sweep_if_caught_up() {
  if (walk == 1 || !catch_up || !at || at->seq < *catch_up) return;
  count("swept", sweeping.after_walk(walk));
}

store::store(std::unique_ptr<state> s) : state_(std::move(s)) {}
store::~store() = default;

result<std::unique_ptr<store>> store::open(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  return guarded([&]() -> result<std::unique_ptr<store>> {
    const ::mode_t before = ::umask(077);  // personal data: for this user only
    std::unique_ptr<state> s;
    try {
      s = std::make_unique<state>(file, patience);
    } catch (const SQLite::Exception& e) {
      ::umask(before);
      return refused(file, std::string("cannot be opened: ") + e.what() + ".");
    }
    ::umask(before);
    if (auto r = s->prepare(file); !r) return r.error();
    s->load();
    return std::unique_ptr<store>(new store(std::move(s)));
  });
}

bus::start_at store::start() const {
  if (state_->snapshot) return *state_->snapshot;
  if (state_->at) return *state_->at;
  return bus::from_start{};
}

result<> store::apply(const bus::delivery& d) {
  return guarded([&]() -> result<> {
    state& s = *state_;
    if (planted(bug::position_before_effect)) {
      const auto before = s.at;
      auto first = begin(s.db);
      s.save_position(d.complete_up_to);
      first.commit();
      s.at = before;
    }
    auto transaction = begin(s.db);
    std::uint64_t duplicates = d.duplicates;
    for (const bus::event& e : d.events) {
      if (s.at && s.at->epoch == e.epoch && e.seq <= s.at->seq)
        ++duplicates;
      else
        s.apply(e);
    }
    s.count("duplicate", duplicates);
    s.flush_applied();
    s.flush_journal();
    if (d.walking) {
      s.save_snapshot(*d.walking);
    } else if (!s.at || s.at->epoch != d.complete_up_to.epoch || d.complete_up_to.seq >= s.at->seq) {
      statement(s.prepared, "DELETE FROM snapshot")->exec();
      s.snapshot.reset();
      s.save_position(d.complete_up_to);
    }
    s.sweep_if_caught_up();
    KOPPEL_FAULT_POINT("consumer.before_commit");
    transaction.commit();
    KOPPEL_FAULT_POINT("consumer.after_commit");
    return {};
  });
}

result<> store::begin_again() {
  return guarded([&]() -> result<> {
    auto transaction = begin(state_->db);
    state_->db.exec(
        "DELETE FROM position; UPDATE walk SET number = number + 1, catch_up_seq = NULL; DELETE FROM full_sync; "
        "DELETE FROM journal");
    state_->save_snapshot({});
    transaction.commit();
    state_->at.reset();
    state_->catch_up.reset();
    ++state_->walk;
    return {};
  });
}

result<> store::note_head(std::uint64_t head) {
  if (head == 0 || state_->catch_up || state_->walk == 1 || state_->snapshot) return {};
  return guarded([&]() -> result<> {
    auto transaction = begin(state_->db);
    statement s(state_->prepared, "UPDATE walk SET catch_up_seq = ?1");
    s->bind(1, static_cast<std::int64_t>(head));
    s->exec();
    state_->catch_up = head;
    state_->sweep_if_caught_up();
    transaction.commit();
    return {};
  });
}

result<std::uint64_t> store::confirm_sweep() {
  // Longer than SQLite's longest pause between two tries: between two parts whoever follows has its turn.
  constexpr std::chrono::milliseconds pause{200};
  std::uint64_t rows = 0;
  for (;;) {
    const auto part = guarded([&]() -> result<std::optional<std::uint64_t>> {
      auto transaction = begin(state_->db);
      const auto removed = state_->sweeping.confirmed_part();
      state_->count("swept", removed.value_or(0));
      transaction.commit();
      return removed;
    });
    if (!part) return part.error();
    if (!*part) return rows;
    rows += **part;
    if (**part == sweeper::rows_per_part) std::this_thread::sleep_for(pause);
  }
}

}  // namespace koppel::proplus
