// SPDX-License-Identifier: Apache-2.0
// One record event, one statement.

#include "apply_record.hpp"

#include <boost/json/serialize.hpp>

namespace koppel::proplus {

namespace json = boost::json;

void bind(SQLite::Statement& to, int index, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      to.bind(index);
      return;
    case json::kind::bool_:
      to.bind(index, value.get_bool() ? 1 : 0);
      return;
    case json::kind::int64:
      to.bind(index, value.get_int64());
      return;
    case json::kind::uint64:
      to.bind(index, static_cast<std::int64_t>(value.get_uint64()));
      return;
    case json::kind::double_:
      to.bind(index, value.get_double());
      return;
    case json::kind::string:
      to.bind(index, std::string(value.get_string()));
      return;
    case json::kind::array:
    case json::kind::object:
      to.bind(index, json::serialize(value));
      return;
  }
}

std::string text_of(const json::object& map, std::string_view key) {
  const json::value* value = map.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& map, std::string_view key) {
  const json::value* value = map.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
  return value->is_int64() ? value->get_int64() : 0;
}

record_tables::record_tables(statements& prepared) : prepared_(prepared) {
  for (const entity& e : entities()) {
    const std::string erase = "DELETE FROM " + std::string(e.name) +
                              " WHERE connection_id = ?1 AND id = ?2 AND (walk <> ?3 OR revision < ?4 OR ?4 = 0)";
    by_entity_.emplace(e.name, table{&e, upsert_sql(e), erase});
  }
}

bool record_tables::apply(const bus::event& e, std::string_view short_type, const json::object& data,
                          std::int64_t walk) {
  constexpr std::string_view prefix = "sync.";
  const auto dot = short_type.rfind('.');
  if (!short_type.starts_with(prefix) || dot <= prefix.size()) return false;
  const auto at = by_entity_.find(short_type.substr(prefix.size(), dot - prefix.size()));
  if (at == by_entity_.end()) return false;
  const std::string_view what = short_type.substr(dot + 1);
  if (what == "upserted")
    upsert(at->second, e, data, walk);
  else if (what == "deleted" || what == "erased")  // no history is kept here, so both are the same
    erase(at->second, e, data, walk);
  else
    return false;
  return true;
}

void record_tables::upsert(const table& to, const bus::event& e, const json::object& data, std::int64_t walk) {
  static const json::object nothing;
  const json::value* record = data.if_contains("data");
  const json::object& fields = record != nullptr && record->is_object() ? record->get_object() : nothing;
  statement s(prepared_, to.upsert);
  s->bind(1, e.connection_id);
  s->bind(2, e.subject.empty() ? text_of(data, "id") : e.subject);
  s->bind(3, number_of(data, "revision"));
  s->bind(4, walk);
  s->bind(5, static_cast<std::int64_t>(e.seq));
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < to.of->columns.size(); ++i) {
    const json::value* value = fields.if_contains(to.of->columns[i]);
    if (value == nullptr) continue;  // the provider did not say: ours stays
    present |= std::uint64_t{1} << i;
    bind(*s, static_cast<int>(7 + i), *value);
  }
  s->bind(6, static_cast<std::int64_t>(present));
  s->exec();
}

void record_tables::erase(const table& to, const bus::event& e, const json::object& data, std::int64_t walk) {
  statement s(prepared_, to.erase);
  s->bind(1, e.connection_id);
  s->bind(2, e.subject.empty() ? text_of(data, "id") : e.subject);
  s->bind(3, walk);
  s->bind(4, number_of(data, "revision"));
  s->exec();
}

void record_tables::purge(const std::string& connection_id) {
  for (const entity& e : entities()) {
    statement s(prepared_, "DELETE FROM " + std::string(e.name) + " WHERE connection_id = ?1");
    s->bind(1, connection_id);
    s->exec();
  }
}

std::pair<std::int64_t, std::int64_t> record_tables::unseen(const entity& of, const std::string& connection_id,
                                                            std::int64_t walk) {
  statement s(prepared_, "SELECT count(*) FILTER (WHERE walk <> ?2), count(*) FROM " + std::string(of.name) +
                             " WHERE connection_id = ?1");
  s->bind(1, connection_id);
  s->bind(2, walk);
  s->executeStep();
  return {s->getColumn(0).getInt64(), s->getColumn(1).getInt64()};
}

std::int64_t record_tables::sweep(const entity& of, const std::string& connection_id, std::int64_t walk,
                                  std::int64_t most) {
  const std::string from(of.name);
  statement s(prepared_, "DELETE FROM " + from + " WHERE connection_id = ?1 AND id IN (SELECT id FROM " + from +
                             " WHERE connection_id = ?1 AND walk <> ?2 LIMIT ?3)");
  s->bind(1, connection_id);
  s->bind(2, walk);
  s->bind(3, most);
  return s->exec();
}

}  // namespace koppel::proplus
