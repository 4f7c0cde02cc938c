// SPDX-License-Identifier: Apache-2.0
// The mapper that walks a field map, and the kinds that most providers share.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_map.hpp>

#include <algorithm>

namespace koppel::sdk {
namespace kinds {
namespace {

/// Reads a list of objects with a text of interest in each; those without it say nothing and are skipped.
template <class Item>
std::optional<packed> read_typed(const json& value, std::string_view member) {
  if (!value.is_array()) return std::nullopt;
  std::vector<Item> out;
  for (const auto& item : value.items()) {
    const auto said = item[member].text();
    if (said && !said->empty()) out.push_back({std::string(item["type"].text().value_or("")), std::string(*said)});
  }
  return pack(out);
}

}  // namespace

std::optional<packed> read_text(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  return said->empty() ? packed::null() : packed::text(*said);
}

std::optional<packed> read_flag(const json& value) {
  const auto said = value.boolean();
  return said ? std::optional(packed::flag(*said)) : std::nullopt;
}

std::optional<packed> read_time(const json& value) {
  if (value.text() == "") return packed::null();
  const auto when = parse_time(value.text().value_or("?"));
  return when ? std::optional(pack(*when)) : std::nullopt;
}

std::optional<packed> read_date(const json& value) {
  const auto said = value.text();
  if (said == "") return packed::null();
  if (!said || !parse_time(std::string(*said) + "T00:00:00Z")) return std::nullopt;
  return packed::text(*said);
}

std::optional<packed> read_tags(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& item : value.items())
    if (const auto said = item.text(); said && !said->empty()) out.emplace_back(*said);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return pack(out);
}

std::optional<packed> read_emails(const json& value) { return read_typed<email>(value, "email"); }
std::optional<packed> read_phones(const json& value) { return read_typed<phone>(value, "number"); }

std::optional<packed> read_vat_number(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  const auto bare = normalized_vat_number(*said);
  return bare.empty() ? packed::null() : packed::text(bare);
}

}  // namespace kinds

record map_row(const field_map& map, const json& row, std::string_view id_path, std::string_view updated_at_path,
               const lookup& known) {
  const auto id = row.at(id_path).text();
  if (!id) throw unmappable(row.at(id_path) ? "a row whose id is not a string" : "a row without an id");
  const auto when = parse_time(row.at(updated_at_path).text().value_or(""));
  return map_row(map, row, std::string(*id), when, known);
}

record map_row(const field_map& map, const json& row, const std::string& id, std::optional<time_point> updated_at,
               const lookup& known) {
  if (id.empty()) throw unmappable("a row with an empty id");
  record out(map.entity, id);
  if (updated_at) out.updated_at = format_time(*updated_at);
  for (const auto& each : map.rules) {
    const auto value = row.at(each.from);
    if (value.is_absent()) continue;
    auto mapped = value.is_null()     ? (is_list(each.as.gives) ? packed::list({}) : packed::null())
                  : each.as.read_with ? each.as.read_with(value, known)
                                      : each.as.read(value);
    if (!mapped)
      out.unreadable.emplace_back(each.from);
    else if (!mapped->is_absent())
      out.in(each.in_facet).set_packed(each.to, *std::move(mapped));
  }
  return out;
}

std::vector<std::string> faults_of(const field_map& map) {
  std::vector<std::string> out;
  for (const auto& each : map.rules) {
    const auto wanted = shape_of(map.entity, each.to);
    const auto line = std::string(map.entity) + ": " + std::string(each.from) + " -> " + std::string(each.to);
    if (!wanted)
      out.push_back(line + ": no such canonical field");
    else if (*wanted != each.as.gives)
      out.push_back(line + ": wants " + std::string(to_text(*wanted)));
    if (!each.from.empty() && each.from.front() != '/') out.push_back(line + ": a path begins with /");
  }
  for (const auto& each : map.dropped)
    if (each.why.empty())
      out.push_back(std::string(map.entity) + ": " + std::string(each.from) + " dropped without a reason");
  return out;
}

}  // namespace koppel::sdk
