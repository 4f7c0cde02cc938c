// SPDX-License-Identifier: Apache-2.0
#include "field_table.hpp"

#include <algorithm>
#include <array>

#include "kinds.hpp"

namespace koppel::declarative {
namespace {

using namespace koppel::sdk;
using need = toml_reader::need;

constexpr std::array entities{entity::company, entity::contact, entity::department, entity::project, entity::user};

bool is_path(std::string_view text) { return text.starts_with('/') && text.size() > 1 && text.size() <= 256; }
constexpr std::string_view path_wanted = "must be a path like \"/address/city\"";

/// A value that the manifest itself has; nothing for one that does not fit the field.
std::optional<packed> constant(const toml::node& node, shape wanted) {
  if (wanted == shape::flag && node.is_boolean()) return packed::flag(node.as_boolean()->get());
  if (wanted == shape::text && node.is_string()) return packed::text(node.as_string()->get());
  if (wanted != shape::texts || !node.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& each : *node.as_array()) {
    if (!each.is_string()) return std::nullopt;
    texts.push_back(each.as_string()->get());
  }
  return pack(texts);
}

/// A scalar as the key of a translation.
std::optional<std::string> key_of(const json& value) {
  if (const auto text = value.text()) return std::string(*text);
  if (const auto flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto number = value.integer()) return std::to_string(*number);
  return std::nullopt;
}

}  // namespace

field_table::field_table(toml_reader& in, const std::string& plugin, const std::string& entity)
    : plugin_(plugin), entity_(entity) {
  for (const auto& key : in.keys()) {
    if (key == "dropped")
      read_dropped(in);
    else
      read_field(in, key);
  }
  for (const auto& each : rules_)
    for (const auto& out : dropped_)
      if (each.from == out.from)
        in.problem("dropped", "has \"" + std::string(out.from) + "\", which is mapped to " + std::string(each.to));
}

std::optional<shape> field_table::shape_of(std::string_view to) const {
  if (const auto known = sdk::shape_of(entity_, to)) return known;
  if (std::find(entities.begin(), entities.end(), entity_) != entities.end()) return std::nullopt;
  for (const auto each : entities)
    if (const auto known = sdk::shape_of(each, to)) return known;
  return std::nullopt;
}

void field_table::read_field(toml_reader& in, const std::string& to) {
  const auto* node = in.node(to.c_str(), need::required);
  const bool own = to.starts_with(plugin_ + ".") && to.size() > plugin_.size() + 1;
  const auto known = shape_of(to);
  if (!known && !own) {
    in.problem(to.c_str(), "is no canonical field of " + entity_ + " (docs/bus.md), and none of the plugin's own, \"" +
                               plugin_ + ".<field>\"");
    return;
  }
  if (const auto* text = node->as_string()) {
    add_rule(in, to.c_str(), keep(text->get()), keep(to), "core", nullptr, known.value_or(shape::text));
  } else if (node->is_table()) {
    auto table = in.table(to.c_str(), need::required);
    read_table(*table, keep(to));
    table->finish();
  } else {
    in.problem(to.c_str(), "must be a path like \"/name\", or a table");
  }
}

void field_table::read_table(toml_reader& in, std::string_view to) {
  const auto known = shape_of(to);
  special line{special::way::constant, to, "core", {}};
  if (in.has("facet")) line.facet = keep(in.text("facet", need::required));
  if (in.has("value")) return read_constant(in, line, known.value_or(shape::text));
  if (const auto* from = in.node("from", need::required); from && from->is_table())
    return read_list(in, line, known.value_or(shape::texts));
  line.from = keep(in.text("from", need::required));
  if (in.has("values")) {
    if (!is_path(line.from)) in.problem("from", std::string(path_wanted));
    return read_values(in, line, known.value_or(shape::text));
  }
  const auto name = in.text("kind", need::optional);
  const auto* as = name.empty() ? nullptr : kind_named(name);
  if (!name.empty() && !as) return in.problem("kind", "must be one of " + kind_names());
  add_rule(in, "from", line.from, to, line.facet, as, known.value_or(as ? as->gives : shape::text));
}

void field_table::add_rule(toml_reader& in, const char* key, std::string_view from, std::string_view to,
                           std::string_view facet, const kind* as, shape wanted) {
  if (!as) as = usual_kind(wanted);
  if (!is_path(from)) return in.problem(key, std::string(path_wanted));
  if (!as) return in.problem(key, "cannot be read from one path: a field of " + std::string(to_text(wanted)));
  if (as->gives != wanted)
    return in.problem("kind",
                      "gives " + std::string(to_text(as->gives)) + ", the field wants " + std::string(to_text(wanted)));
  rules_.push_back({from, to, *as, facet});
}

void field_table::read_constant(toml_reader& in, special line, shape wanted) {
  const auto value = constant(*in.node("value", need::required), wanted);
  if (!value) return in.problem("value", "must be " + std::string(to_text(wanted)) + " that can stand in a manifest");
  line.value = *value;
  specials_.push_back(std::move(line));
}

void field_table::read_values(toml_reader& in, special line, shape wanted) {
  line.what = special::way::translation;
  auto table = in.table("values", need::required);
  if (!table) return;
  for (const auto& key : table->keys()) {
    const auto value = constant(*table->node(key.c_str(), need::required), wanted);
    if (!value)
      table->problem(key.c_str(), "must be " + std::string(to_text(wanted)) + " that can stand in a manifest");
    else
      line.values.emplace(key, *value);
  }
  specials_.push_back(std::move(line));
}

void field_table::read_list(toml_reader& in, special line, shape wanted) {
  auto table = in.table("from", need::required);
  const auto path = [&](toml_reader& of, const char* key, need n) {
    auto text = of.text(key, n);
    if (!text.empty() && !is_path(text)) of.problem(key, std::string(path_wanted));
    return keep(std::move(text));
  };
  if (wanted == shape::emails || wanted == shape::phones) {
    line.what = wanted == shape::emails ? special::way::emails : special::way::phones;
    for (const auto& type : table->keys())
      line.typed.push_back({path(*table, type.c_str(), need::required), keep(type)});
  } else if (wanted == shape::addresses) {
    line.what = special::way::addresses;
    for (const auto& type : table->keys()) {
      auto each = table->table(type.c_str(), need::required);
      if (!each) continue;
      const auto part = [&](const char* key) { return path(*each, key, need::optional); };
      line.parts.push_back(
          {keep(type), "", part("line_1"), part("postal_code"), part("city"), part("region"), part("country")});
      each->finish();
    }
  } else {
    return in.problem("from", "may be a table for emails, phones and addresses only");
  }
  specials_.push_back(std::move(line));
}

void field_table::read_dropped(toml_reader& in) {
  auto table = in.table("dropped", need::required);
  if (!table) return;
  for (const auto& from : table->keys()) {
    if (!is_path(from)) table->problem(from.c_str(), std::string(path_wanted));
    const auto why = table->text(from.c_str(), need::required);
    dropped_.push_back({keep(from), keep(why)});
  }
}

void field_table::apply(const special& line, const json& row, record& to) const {
  const auto set = [&](const packed& value) {
    if (!value.is_absent()) to.in(line.facet).set_packed(line.to, value);
  };
  switch (line.what) {
    case special::way::constant:
      return set(line.value);
    case special::way::emails:
      return set(gather_emails(row, line.typed).value_or(packed()));
    case special::way::phones:
      return set(gather_phones(row, line.typed).value_or(packed()));
    case special::way::addresses:
      return set(gather_addresses(row, line.parts).value_or(packed()));
    case special::way::translation:
      break;
  }
  const auto value = row.at(line.from);
  if (value.is_absent()) return;
  if (value.is_null()) return set(packed::null());
  const auto key = key_of(value);
  const auto found = key ? line.values.find(*key) : line.values.end();
  if (found == line.values.end())
    to.unreadable.emplace_back(line.from);
  else
    set(found->second);
}

record field_table::map(const json& row, const std::string& id, std::optional<time_point> updated_at) const {
  const field_map map{entity_, rules_, dropped_};
  auto out = map_row(map, row, id, updated_at);
  for (const auto& each : specials_) apply(each, row, out);
  return out;
}

}  // namespace koppel::declarative
