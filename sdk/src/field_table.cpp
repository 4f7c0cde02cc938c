// SPDX-License-Identifier: Apache-2.0
// The mapper that walks a field table.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_table.hpp>

#include <algorithm>

namespace koppel::sdk {

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

record field_table::map(const json& row, const std::string& id, std::optional<time_point> updated_at,
                        const lookup& known) const {
  if (id.empty()) throw unmappable("a row with an empty id");
  record out(entity_, id);
  if (updated_at) out.updated_at = format_time(*updated_at);
  for (const auto& line : lines_) {
    const auto mapped = line.read(row, known);
    if (!mapped)
      out.unreadable.push_back(line.from.front());
    else if (!mapped->is_absent())
      out.in(line.facet).set_packed(line.to, *mapped);
  }
  return out;
}

}  // namespace koppel::sdk
