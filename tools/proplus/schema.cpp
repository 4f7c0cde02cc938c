// SPDX-License-Identifier: Apache-2.0
// SQL made from one list of columns.

#include "schema.hpp"

#include <algorithm>

namespace koppel::proplus {
namespace {

entity make(std::string_view name, std::initializer_list<std::string_view> own) {
  entity e{name,
           {"name", "status", "emails", "phones", "addresses", "website", "iban", "bic", "language", "tags", "remarks",
            "custom_fields", "owner", "created_at", "url"}};
  e.columns.insert(e.columns.end(), own.begin(), own.end());
  return e;
}

std::string table_of(const entity& e) {
  const std::string name(e.name);
  std::string sql = "CREATE TABLE " + name +
                    " (connection_id TEXT NOT NULL REFERENCES connection(connection_id), id TEXT NOT NULL,"
                    " revision INTEGER NOT NULL, walk INTEGER NOT NULL, last_seq INTEGER NOT NULL";
  for (const std::string_view column : e.columns) sql.append(", ").append(column);
  sql += ", PRIMARY KEY (connection_id, id)) WITHOUT ROWID;\n";
  // A watchdog apart from the code that applies: an effect that lands a second time is counted, whoever is to blame.
  sql += "CREATE TRIGGER " + name + "_twice BEFORE UPDATE ON " + name +
         " WHEN NEW.walk = OLD.walk AND NEW.last_seq <= OLD.last_seq BEGIN"
         " UPDATE counter SET value = value + 1 WHERE name = 'applied_twice'; END;\n";
  return sql;
}

constexpr std::string_view fixed_tables = R"(
CREATE TABLE connection (
  connection_id TEXT PRIMARY KEY, provider TEXT, name TEXT, customer TEXT,
  auth_status TEXT NOT NULL DEFAULT '', status TEXT, reason TEXT, since TEXT, generation INTEGER, status_walk INTEGER,
  action TEXT, action_by TEXT, hint_nl TEXT, hint_fr TEXT, hint_en TEXT, account_id TEXT, account_name TEXT,
  last_sync TEXT, data_as_of TEXT, removed_at TEXT, walk INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL);
-- How far the snapshot is walked that a new beginning starts with; no row: none is walked. No epoch: not begun.
CREATE TABLE snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
  after INTEGER NOT NULL);
-- A walk is one reading of all that the host has; beginning again begins the next one.
CREATE TABLE walk (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, catch_up_seq INTEGER);
INSERT INTO walk VALUES (1, 1, NULL);
-- The first complete reading of a stream in this walk. swept: 0 not yet, 1 done, 2 held by our own guard.
CREATE TABLE full_sync (connection_id TEXT, entity TEXT, walk INTEGER, swept INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, entity, walk)) WITHOUT ROWID;
CREATE TABLE applied (type TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter VALUES ('duplicate', 0), ('applied_twice', 0), ('swept', 0);
-- Which events of this walk were applied, but for those of the snapshot it began with, as ranges of seq in the order of
-- applying: one row, unless one was lost or came twice.
CREATE TABLE journal (walk INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE unreadable (seq INTEGER, id TEXT, type TEXT, why TEXT);
)";

}  // namespace

const std::vector<entity>& entities() {
  static const std::vector<entity> all = {
      make("company", {"roles", "customer_number", "vat_number", "vat_number_normalized", "registration_number",
                       "currency", "payment_term", "parent_id"}),
      make("contact", {"first_name", "last_name", "full_name", "salutation", "job_title", "department_name",
                       "birthdate", "gender", "marketing_consent", "companies"}),
      make("department", {"vat_number", "currency", "is_default"}),
      make("project", {"code", "state", "company_id", "planned_start", "planned_end", "percent_complete"}),
      make("user", {"first_name", "last_name"})};
  return all;
}

const entity* find_entity(std::string_view name) {
  if (name == "companies") name = "company";
  const auto& all = entities();
  const auto at = std::find_if(all.begin(), all.end(), [&](const entity& e) {
    return name == e.name || (name.ends_with('s') && name.substr(0, name.size() - 1) == e.name);
  });
  return at == all.end() ? nullptr : &*at;
}

std::string create_script() {
  std::string sql(fixed_tables);
  for (const entity& e : entities()) sql += table_of(e);
  return sql;
}

std::string upsert_sql(const entity& e) {
  const std::string table(e.name);
  std::string names = "connection_id, id, revision, walk, last_seq";
  std::string values = "?1, ?2, ?3, ?4, ?5";
  std::string sets = "revision = excluded.revision, walk = excluded.walk, last_seq = excluded.last_seq";
  for (std::size_t i = 0; i < e.columns.size(); ++i) {
    const std::string column(e.columns[i]);
    names += ", " + column;
    values += ", ?" + std::to_string(7 + i);
    sets += ", " + column + " = CASE WHEN ?6 & " + std::to_string(std::uint64_t{1} << i) + " THEN excluded." + column +
            " ELSE " + column + " END";
  }
  return "INSERT INTO " + table + " (" + names + ") VALUES (" + values +
         ") ON CONFLICT (connection_id, id) DO UPDATE SET " + sets +
         " WHERE excluded.walk <> walk OR excluded.revision > revision";
}

}  // namespace koppel::proplus
