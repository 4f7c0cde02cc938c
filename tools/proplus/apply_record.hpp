// SPDX-License-Identifier: Apache-2.0
// Record events onto their tables: upserted, deleted, erased.
#pragma once

#include <boost/json/object.hpp>
#include <koppel/bus/event.hpp>
#include <map>

#include "schema.hpp"
#include "statements.hpp"

namespace koppel::proplus {

class record_tables {
 public:
  explicit record_tables(statements& prepared);

  /// False: this type is not a record event of an entity that we keep.
  bool apply(const bus::event& e, std::string_view short_type, const boost::json::object& data, std::int64_t walk);
  /// Everything of a connection.
  void purge(const std::string& connection_id);
  /// How many rows of this entity were not met in this walk, and how many there are.
  std::pair<std::int64_t, std::int64_t> unseen(const entity& of, const std::string& connection_id, std::int64_t walk);
  /// Removes them, `most` at most (-1: all). How many went.
  std::int64_t sweep(const entity& of, const std::string& connection_id, std::int64_t walk, std::int64_t most = -1);

 private:
  struct table {
    const entity* of;
    std::string upsert, erase;  ///< SQL
  };
  void upsert(const table& to, const bus::event& e, const boost::json::object& data, std::int64_t walk);
  void erase(const table& to, const bus::event& e, const boost::json::object& data, std::int64_t walk);

  statements& prepared_;
  std::map<std::string, table, std::less<>> by_entity_;
};

/// Binds a JSON value: scalars as themselves, lists and maps as JSON text, null as NULL.
void bind(SQLite::Statement& to, int index, const boost::json::value& value);
/// A text field of a map, empty where it is absent or something else.
std::string text_of(const boost::json::object& map, std::string_view key);
std::int64_t number_of(const boost::json::object& map, std::string_view key);

}  // namespace koppel::proplus
