// SPDX-License-Identifier: Apache-2.0

#include "tools/fields/page.hpp"

#include <algorithm>
#include <vector>

namespace koppel::fields {
namespace {

using sdk::field_table;
using names = std::vector<std::string_view>;

constexpr std::string_view head =
    R"(# Fields

What becomes of each documented field of each provider: which canonical field (docs/bus.md) it fills, or why it does not
travel. Made from [stream.fields] of the plugins' manifests; do not edit. A test compares this page with them. After a
change of a table:

    cmake --build --preset dev --target koppel-fields && build/dev/tools/koppel-fields > docs/fields.md

A path goes into the provider's row. A *facet* is what one kind of answer says: a
row of a list fills `core`, and what only another kind of answer says (a read by id, say) is in a facet of its own, which
lists leave as it is. Such a field arrives when its record is read by its id: because a webhook names it, or a full read
misses it. Until then a record that was there before the connection goes without; where a plugin reads each record by its
id anyway, its README says so. The record's id is in no table.
)";

/// A cell must hold no bar, whatever a plugin's author writes.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string as_code(std::string_view text) { return "`" + cell(text) + "`"; }
std::string paths(const std::vector<std::string>& from) {
  std::string out;
  for (const auto& each : from) out += (out.empty() ? "" : ", ") + as_code(each);
  return out.empty() ? "a constant" : out;
}

void add_once(names& to, std::string_view one) {
  if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
}

std::vector<const field_table*> maps_of(const provider& from, std::string_view entity) {
  std::vector<const field_table*> out;
  for (const auto& each : from.tables)
    if (each.fields.entity() == entity) out.push_back(&each.fields);
  return out;
}

/// The canonical ones in the order of docs/bus.md, then the plugins' own.
names entities_of(std::span<const provider> all) {
  names out{sdk::entity::company, sdk::entity::contact, sdk::entity::department, sdk::entity::project,
            sdk::entity::user};
  for (const auto& each : all)
    for (const auto& table : each.tables) add_once(out, table.fields.entity());
  return out;
}

/// Canonical fields in the order of docs/bus.md, filled or not, then what plugins add.
names fields_of(std::string_view entity, const std::vector<const provider*>& readers) {
  names out = sdk::fields_of(entity);
  for (const auto* reader : readers)
    for (const auto* map : maps_of(*reader, entity))
      for (const auto& line : map->lines()) add_once(out, line.to);
  return out;
}

/// Where a provider has this field: "`/primary_address`, `/addresses` (detail)".
std::string sources(const provider& from, std::string_view entity, std::string_view field) {
  std::vector<std::string> all;
  for (const auto* map : maps_of(from, entity))
    for (const auto& line : map->lines()) {
      if (line.to != field) continue;
      auto one = paths(line.from);
      if (line.facet != "core") one += " (" + cell(line.facet) + ")";
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
    }
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
  return out;
}

std::string row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const auto& each : cells) out += each.empty() ? " |" : " " + each + " |";
  return out + "\n";
}

std::string rule_line(std::size_t columns) {
  std::string out = "|";
  while (columns-- > 0) out += "---|";
  return out + "\n";
}

std::string matrix(std::string_view entity, const std::vector<const provider*>& readers) {
  std::vector<std::string> cells{"field"};
  for (const auto* reader : readers) cells.emplace_back(reader->name);
  auto out = "\n### " + std::string(entity) + "\n\n" + row(cells) + rule_line(cells.size());
  for (const auto field : fields_of(entity, readers)) {
    cells = {as_code(field)};
    for (const auto* reader : readers) cells.push_back(sources(*reader, entity, field));
    out += row(cells);
  }
  return out;
}

std::string who_fills_what(std::span<const provider> all) {
  std::string out = "\n## Who fills what\n", unread;
  for (const auto entity : entities_of(all)) {
    std::vector<const provider*> readers;
    for (const auto& each : all)
      if (!maps_of(each, entity).empty()) readers.push_back(&each);
    if (readers.empty())
      unread += (unread.empty() ? "" : ", ") + as_code(entity);
    else
      out += matrix(entity, readers);
  }
  return unread.empty() ? out : out + "\nRead by no plugin: " + unread + ".\n";
}

std::string what_becomes_of(const provider& from, const sdk::stream_fields& of) {
  const auto& map = of.fields;
  auto out = "\n### " + from.name + ": " + map.entity();
  if (maps_of(from, map.entity()).size() > 1) out += " (" + as_code(of.stream) + ")";
  out += "\n\n" + row({"provider's field", "canonical field", "kind of value", "facet"}) + rule_line(4);
  for (const auto& line : map.lines())
    out += row({paths(line.from), as_code(line.to), cell(line.kind), cell(line.facet)});
  if (map.dropped().empty()) return out;
  out += "\n" + row({"dropped field", "why"}) + rule_line(2);
  for (const auto& field : map.dropped()) out += row({as_code(field.from), cell(field.why)});
  return out;
}

}  // namespace

std::string page(std::span<const provider> of) {
  auto out = std::string(head) + who_fills_what(of);
  for (const auto& each : of) {
    out += "\n## " + each.name + "\n";
    for (const auto& table : each.tables) out += what_becomes_of(each, table);
  }
  return out;
}

}  // namespace koppel::fields
