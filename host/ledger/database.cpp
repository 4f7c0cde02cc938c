// SPDX-License-Identifier: Apache-2.0
// The only place that speaks to SQLite. One connection writes and checkpoints (SQLite before 3.51.3 can damage the log
// when two do); every other one is read-only, never checkpoints, and does not do so on closing either.

#include "host/ledger/database.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>
#include <koppel/planted_bug.hpp>

#include <algorithm>
#include <vector>

namespace koppel::ledger {
namespace {

template <class Action>
decltype(auto) translated(Action action) {
  try {
    return action();
  } catch (const SQLite::Exception& e) {
    throw sqlite_error({e.getExtendedErrorCode() > 0 ? e.getExtendedErrorCode() : e.getErrorCode(), e.what()});
  }
}

// temp_store: nothing of a query's working is written to a file of its own. mmap off: a failing disk is then an error
// code and not a signal. A second of waiting for a foreign lock; the writer then tries again.
constexpr const char* pragmas_of_both =
    "PRAGMA busy_timeout = 1000; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
    "PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
constexpr const char* pragmas_of_writer =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;"
    "PRAGMA journal_size_limit = 67108864;";

}  // namespace

void make_log_durable(const std::string& database_path) {
  struct free_name {
    void operator()(char* name) const { sqlite3_free_filename(name); }
  };
  const std::unique_ptr<char, free_name> name(const_cast<char*>(sqlite3_create_filename(
      database_path.c_str(), (database_path + "-journal").c_str(), (database_path + "-wal").c_str(), 0, nullptr)));
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  const char* const log_name = sqlite3_filename_wal(name.get());
  int there = 0;
  if (vfs->xAccess(vfs, log_name, SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK || there == 0) return;

  const auto check = [&](int code) {
    if (code != SQLITE_OK) throw sqlite_error({code, "the log " + std::string(log_name) + " cannot be made durable"});
  };
  std::vector<char> room(static_cast<std::size_t>(vfs->szOsFile));
  auto* const log = reinterpret_cast<sqlite3_file*>(room.data());
  check(vfs->xOpen(vfs, log_name, log, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, nullptr));
  const std::unique_ptr<sqlite3_file, void (*)(sqlite3_file*)> open(log,
                                                                    [](sqlite3_file* f) { f->pMethods->xClose(f); });
  sqlite3_int64 size = 0;
  check(log->pMethods->xFileSize(log, &size));
  std::vector<char> part(
      std::size_t{1} << 16);  // of 128 KiB and more SQLite's VFS writes nothing at once, and says full
  for (sqlite3_int64 at = 0; at < size; at += static_cast<sqlite3_int64>(part.size())) {
    const auto n = static_cast<int>(std::min<sqlite3_int64>(size - at, static_cast<sqlite3_int64>(part.size())));
    check(log->pMethods->xRead(log, part.data(), n, at));
    check(log->pMethods->xWrite(log, part.data(), n, at));
  }
  if (size > 0) check(log->pMethods->xSync(log, SQLITE_SYNC_FULL));
}

database::database(const std::string& path, access as) {
  translated([&] {
    const int flags = as == access::write ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE : SQLite::OPEN_READONLY;
    handle_ = std::make_unique<SQLite::Database>(path, flags | SQLite::OPEN_NOMUTEX);
    sqlite3_extended_result_codes(handle_->getHandle(), 1);
    handle_->exec(pragmas_of_both);
    if (as == access::read) {
      sqlite3_db_config(handle_->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
      return;
    }
    handle_->exec(pragmas_of_writer);
    if (planted(bug::ack_before_sync)) handle_->exec("PRAGMA synchronous = OFF");
    page_bytes_ = handle_->execAndGet("PRAGMA page_size").getInt();
    const auto count_pages = [](void* self, sqlite3*, const char*, int pages) {
      auto& db = *static_cast<database*>(self);
      db.log_pages_ = db.log_end_ = pages;
      return SQLITE_OK;
    };
    sqlite3_wal_hook(handle_->getHandle(), count_pages, this);
  });
}

database::~database() { statements_.clear(); }

void database::execute(const char* sql) {
  translated([&] { handle_->exec(sql); });
}

std::int64_t database::last_row() const { return handle_->getLastInsertRowid(); }

int database::checkpoint() {
  int in_log = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_->getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY)
    throw sqlite_error({sqlite3_extended_errcode(handle_->getHandle()), sqlite3_errmsg(handle_->getHandle())});
  log_pages_ = 0;                              // the next commit counts anew,
  log_end_ = std::max({log_end_, in_log, 0});  // from the log's beginning or from here
  return std::max(in_log, 0);
}

// Zeros behind the newest commit are no part of the log for any reader or recovery (docs/state.md, "A full disk").
// SQLite's VFS writes less than 128 KiB at once.
bool database::reserve_log(std::uint64_t bytes, std::uint64_t growth) {
  static const std::string zeros(std::size_t{1} << 16, '\0');
  constexpr std::uint64_t log_header = 32, page_header = 24;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle_->getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (!log || !log->pMethods) return true;  // made by the first commit
  sqlite3_int64 size = 0;
  int code = log->pMethods->xFileSize(log, &size);
  const auto page = page_header + static_cast<std::uint64_t>(page_bytes_);
  const auto long_now = static_cast<std::uint64_t>(size);
  const auto begin = log_end_ < 0 ? long_now : log_header + static_cast<std::uint64_t>(log_end_) * page;
  const auto end = static_cast<sqlite3_int64>(std::max(begin + bytes, long_now + growth));
  while (code == SQLITE_OK && size < end) {
    const auto chunk = std::min(end - size, static_cast<sqlite3_int64>(zeros.size()));
    code = log->pMethods->xWrite(log, zeros.data(), static_cast<int>(chunk), size);
    size += chunk;
  }
  if (code == SQLITE_FULL) return false;
  if (code != SQLITE_OK) throw sqlite_error({code, sqlite3_errstr(code)});
  return true;
}

std::int64_t database::changes() const { return sqlite3_total_changes64(handle_->getHandle()); }

void database::roll_back() {
  if (sqlite3_get_autocommit(handle_->getHandle()) == 0) execute("ROLLBACK");
}

SQLite::Statement& database::prepared(const char* sql) {
  auto& slot = statements_[sql];
  if (!slot) slot = std::make_unique<SQLite::Statement>(*handle_, sql);
  return *slot;
}

SQLite::Statement& query::start(database& db, const char* sql) {
  return translated([&]() -> SQLite::Statement& { return db.prepared(sql); });
}

query::~query() {
  statement_.tryReset();
  try {
    statement_.clearBindings();  // what was bound without a copy must not be looked at again
  } catch (const SQLite::Exception&) {
  }
}

bool query::step() {
  return translated([&] { return statement_.executeStep(); });
}

int query::run() {
  while (step()) {
  }
  return translated([&] { return statement_.getChanges(); });
}

std::int64_t query::integer(int column) const { return statement_.getColumn(column).getInt64(); }
std::string query::text(int column) const { return statement_.getColumn(column).getString(); }
bool query::null(int column) const { return statement_.getColumn(column).isNull(); }

std::string_view query::bytes(int column) const {
  const auto value = statement_.getColumn(column);
  const auto* at = static_cast<const char*>(value.getBlob());
  return {at, static_cast<std::size_t>(at ? value.getBytes() : 0)};
}

void query::bind(int index, std::int64_t value) {
  translated([&] { statement_.bind(index, static_cast<int64_t>(value)); });
}
void query::bind(int index, const std::string& value) {
  translated([&] { statement_.bind(index, value); });
}
void query::bind(int index, blob value) {
  // A null pointer would bind NULL; an empty blob is not that.
  const char* at = value.bytes.empty() ? "" : value.bytes.data();
  translated([&] { statement_.bindNoCopy(index, at, static_cast<int>(value.bytes.size())); });
}
void query::bind(int index, std::nullptr_t) {
  translated([&] { statement_.bind(index); });
}

}  // namespace koppel::ledger
