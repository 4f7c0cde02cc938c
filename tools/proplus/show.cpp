// SPDX-License-Identifier: Apache-2.0
// The summary as JSON first; the table for people is made from it.

#include "show.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "schema.hpp"

namespace koppel::proplus {
namespace {

namespace json = boost::json;

json::object connection_of(SQLite::Database& db, SQLite::Statement& row) {
  json::object out;
  for (int i = 0; i < row.getColumnCount(); ++i) {
    const SQLite::Column column = row.getColumn(i);
    if (column.isNull())
      out[row.getColumnName(i)] = nullptr;
    else if (column.isInteger())
      out[row.getColumnName(i)] = column.getInt64();
    else
      out[row.getColumnName(i)] = column.getString();
  }
  json::object counts;
  for (const entity& e : entities()) {
    SQLite::Statement s(db, "SELECT count(*) FROM " + std::string(e.name) + " WHERE connection_id = ?1");
    s.bind(1, row.getColumn(0).getString());
    s.executeStep();
    counts[e.name] = s.getColumn(0).getInt64();
  }
  out["rows"] = std::move(counts);
  return out;
}

json::object pairs_of(SQLite::Database& db, const char* sql) {
  json::object out;
  SQLite::Statement s(db, sql);
  while (s.executeStep()) out[s.getColumn(0).getString()] = s.getColumn(1).getInt64();
  return out;
}

std::string cell(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_int64() ? std::to_string(value.get_int64()) : "";
}

void append_rows(std::string& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> width(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(width[i] - row[i].size() + 2, ' ');
    }
    out += '\n';
  }
}

}  // namespace

result<json::object> summary(const std::filesystem::path& file) {
  try {
    SQLite::Database db(file.string(), SQLite::OPEN_READONLY, 5'000);
    if (db.execAndGet("PRAGMA application_id").getInt() != application_id ||
        db.execAndGet("PRAGMA user_version").getInt() != schema_version)
      return failure{boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                     "The database " + file.string() + " is not one of this program's version."};
    json::object out;
    SQLite::Statement at(db, "SELECT epoch, seq, id FROM position");
    if (at.executeStep())
      out["position"] = {{"epoch", at.getColumn(0).getString()},
                         {"seq", at.getColumn(1).getInt64()},
                         {"id", at.getColumn(2).getString()}};
    else
      out["position"] = nullptr;
    out["counters"] = pairs_of(db, "SELECT name, value FROM counter");
    out["counters"].as_object()["unreadable"] = db.execAndGet("SELECT count(*) FROM unreadable").getInt64();
    out["counters"].as_object()["sweeps_held"] =
        db.execAndGet("SELECT count(*) FROM full_sync WHERE swept = 2").getInt64();
    out["applied"] = pairs_of(db, "SELECT type, count FROM applied");
    json::array connections;
    SQLite::Statement rows(db, "SELECT * FROM connection ORDER BY provider, name");
    while (rows.executeStep()) connections.push_back(connection_of(db, rows));
    out["connections"] = std::move(connections);
    return out;
  } catch (const SQLite::Exception& e) {
    return failure{boost::system::errc::make_error_code(boost::system::errc::io_error),
                   "The database " + file.string() + " cannot be read: " + e.what() + "."};
  }
}

std::string table_of(const json::object& summary) {
  std::vector<std::vector<std::string>> rows = {
      {"PROVIDER", "CONNECTION", "CUSTOMER", "AUTH STATUS", "COMPANIES", "CONTACTS", "OTHER", "LAST SYNC"}};
  for (const json::value& one : summary.at("connections").as_array()) {
    const json::object& c = one.get_object();
    const json::object& n = c.at("rows").get_object();
    const std::int64_t other = n.at("department").get_int64() + n.at("project").get_int64() + n.at("user").get_int64();
    std::string status = cell(c.at("auth_status"));
    if (status.empty()) status = "(" + cell(c.at("status")) + ")";
    rows.push_back({cell(c.at("provider")), cell(c.at("name")), cell(c.at("customer")), status, cell(n.at("company")),
                    cell(n.at("contact")), std::to_string(other), cell(c.at("last_sync"))});
  }
  std::string out;
  append_rows(out, rows);
  std::int64_t applied = 0;
  for (const auto& [type, count] : summary.at("applied").as_object()) applied += count.get_int64();
  const json::object& counters = summary.at("counters").as_object();
  out += "\nposition " + (summary.at("position").is_object() ? cell(summary.at("position").at("seq")) : "none") + ", " +
         std::to_string(applied) + " events applied, " + cell(counters.at("duplicate")) + " duplicates dropped, " +
         cell(counters.at("applied_twice")) + " applied twice, " + cell(counters.at("unreadable")) + " unreadable\n";
  return out;
}

}  // namespace koppel::proplus
