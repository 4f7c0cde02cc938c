// SPDX-License-Identifier: Apache-2.0
// The mapper that walks a field table.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_table.hpp>

#include <algorithm>

namespace koppel::sdk {

field_value field_value::unreadable(std::string_view path) {
  field_value out;
  out.why_left_out = "an unexpected type of value at " + std::string(path);
  return out;
}

field_value field_value::incomplete(std::string_view missing_path) {
  field_value out;
  out.why_left_out = "no " + std::string(missing_path) + ", a part of a field that is known whole or not at all";
  return out;
}

std::string field_table::names(std::string_view within) const {
  std::vector<std::string> all;
  for (const auto& line : lines_)
    for (auto name : line.from) {
      name.erase(0, 1);
      const auto inner = name.find('/');
      if (inner != name.npos && within.empty()) name.resize(inner);
      for (auto at = name.find('/'); at != name.npos; at = name.find('/')) name.replace(at, 1, within);
      if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(std::move(name));
    }
  std::string out;
  for (const auto& name : all) out += (out.empty() ? "" : ",") + name;
  return out;
}

record field_table::map(const json& row, std::string_view id_path, std::string_view updated_at_path,
                        const lookup& known) const {
  const auto id = row.at(id_path).text();
  if (!id) throw unmappable(row.at(id_path) ? "a row whose id is not a string" : "a row without an id");
  const auto when = parse_time(row.at(updated_at_path).text().value_or(""));
  return map(row, std::string(*id), when, known);
}

record field_table::deletion(const json& row, std::string_view id_path, std::string_view deleted_at_path) const {
  auto out = field_table(entity_).map(row, id_path, deleted_at_path);
  out.gone = true;
  return out;
}

record field_table::map(const json& row, const std::string& id, std::optional<time_point> updated_at,
                        const lookup& known) const {
  if (id.empty()) throw unmappable("a row with an empty id");
  record out(entity_, id);
  if (updated_at) out.updated_at = format_time(*updated_at);
  for (const auto& line : lines_) {
    auto mapped = line.read(row, known);
    if (!mapped.why_left_out.empty())
      out.left_out.push_back(std::move(mapped.why_left_out));
    else if (!mapped.value.is_absent())
      out.in(line.facet).set_packed(line.to, std::move(mapped.value));
  }
  return out;
}

}  // namespace koppel::sdk
