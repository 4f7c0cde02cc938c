// SPDX-License-Identifier: Apache-2.0
// SQL that is prepared once, when it is first needed, and used again by everything that says the same.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>
#include <string_view>
#include <unordered_map>

namespace koppel::proplus {

/// The statements of one database, which has to outlive them. One thread.
class statements {
 public:
  explicit statements(SQLite::Database& db) : db_(db) {}

 private:
  friend class statement;
  SQLite::Statement& prepared(std::string_view sql) {
    if (const auto known = by_sql_.find(sql); known != by_sql_.end()) return known->second;
    std::string text(sql);
    SQLite::Statement made(db_, text);
    return by_sql_.emplace(std::move(text), std::move(made)).first->second;
  }

  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  SQLite::Database& db_;
  std::unordered_map<std::string, SQLite::Statement, hash, std::equal_to<>> by_sql_;
};

/// One of them in use. At the end of the scope it is reset, which lets go of what it read, and its values are gone.
/// Two of the same SQL must not be in use at once.
class statement {
 public:
  statement(statements& of, std::string_view sql) : prepared_(of.prepared(sql)) {}
  ~statement() {
    prepared_.tryReset();
    try {
      prepared_.clearBindings();
    } catch (const SQLite::Exception&) {  // of what failed; the store is not used again
    }
  }
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  SQLite::Statement* operator->() { return &prepared_; }
  SQLite::Statement& operator*() { return prepared_; }

 private:
  SQLite::Statement& prepared_;
};

}  // namespace koppel::proplus
