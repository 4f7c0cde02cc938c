// SPDX-License-Identifier: Apache-2.0
// One SQLite connection with its prepared statements, and a query: bind, step, read. Used by one thread at a time.
// Statements are kept by their text, so a query's text must be a literal, and one text is not used inside itself.
// Every failure of SQLite is thrown as sqlite_error and caught where work is run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/ledger/errors.hpp"

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace koppel::ledger {

class sqlite_error : public std::runtime_error {
 public:
  explicit sqlite_error(sqlite_fault f) : std::runtime_error(f.text), fault(std::move(f)) {}
  sqlite_fault fault;
};

/// Writes the log that an unclean end left beside the database once more, byte for byte, and syncs it. Call it before
/// the database is opened. Where a sync had failed, the log's pages may be in the kernel's cache and never reach the
/// disk: everything written after them would be lost with the power, though each sync from then on succeeds.
void make_log_durable(const std::string& database_path);

class database {
 public:
  enum class access { write, read };
  database(const std::string& path, access as);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Statements without arguments and results, one or many.
  void execute(const char* sql);
  std::int64_t last_row() const;
  /// Pages in the write-ahead log after the last commit of this connection.
  int log_pages() const { return log_pages_; }
  /// Copies what it can from the write-ahead log into the database, without waiting for readers. Returns the pages in
  /// the log.
  int checkpoint();
  /// Makes the log's file long enough for so many bytes more, and longer than it is by `growth`: they are the log's,
  /// whatever others write to the disk. False where the disk has no room. Within a transaction
  /// that writes (BEGIN IMMEDIATE) and before it has written.
  bool reserve_log(std::uint64_t bytes, std::uint64_t growth);
  /// Rows changed since it was opened.
  std::int64_t changes() const;
  /// Ends the transaction that is open, if one is.
  void roll_back();

 private:
  friend class query;
  SQLite::Statement& prepared(const char* sql);

  std::unique_ptr<SQLite::Database> handle_;
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
  int log_pages_ = 0;
  int log_end_ = -1;  ///< where the next commit goes at the latest, in pages; -1: not known yet
  int page_bytes_ = 0;
};

/// Bytes to bind as a blob; the view must outlive the query.
struct blob {
  std::string_view bytes;
};

class query {
 public:
  template <class... Values>
  query(database& db, const char* sql, const Values&... values) : statement_(start(db, sql)) {
    int index = 0;
    (bind(++index, values), ...);
  }
  ~query();
  query(const query&) = delete;
  query& operator=(const query&) = delete;

  /// The next row; false at the end.
  bool step();
  /// To the end; the number of rows changed.
  int run();

  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::string_view bytes(int column) const;  ///< valid until the next step
  bool null(int column) const;

 private:
  static SQLite::Statement& start(database& db, const char* sql);
  void bind(int index, std::int64_t value);
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, std::int64_t{value}); }
  void bind(int index, bool value) { bind(index, std::int64_t{value}); }
  void bind(int index, const std::string& value);
  void bind(int index, blob value);
  void bind(int index, std::nullptr_t);
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value)
      bind(index, *value);
    else
      bind(index, nullptr);
  }

  SQLite::Statement& statement_;
};

}  // namespace koppel::ledger
