// SPDX-License-Identifier: Apache-2.0
// Each line of [stream.fields] becomes a function that reads a row. field_readers.cpp has the functions.
#include <koppel/field_language.hpp>

#include "field_readers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace koppel {
namespace {

using namespace koppel::sdk;
using need = toml_reader::need;

constexpr std::array entities{entity::company, entity::contact, entity::department, entity::project, entity::user};
constexpr std::string_view path_wanted = "must be a path like \"/address/city\"";

bool is_path(std::string_view text) { return text.starts_with('/') && text.size() > 1 && text.size() <= 256; }

/// Of the plugin's own entities every canonical field is one.
std::optional<shape> wanted_shape(const std::string& of, const std::string& to) {
  if (const auto known = shape_of(of, to)) return known;
  if (std::find(entities.begin(), entities.end(), of) != entities.end()) return std::nullopt;
  for (const auto each : entities)
    if (const auto known = shape_of(each, to)) return known;
  return std::nullopt;
}

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

absence absence_in(toml_reader& in) {
  return in.word("absent", {"unknown", "empty"}, need::optional) == "empty" ? absence::empty : absence::unknown;
}

class table_reader {
 public:
  table_reader(toml_reader& in, const std::string& plugin, const std::string& entity, const kind_list& kinds)
      : in_(in), plugin_(plugin), entity_(entity), kinds_(kinds), out_(entity) {}
  field_table read();

 private:
  void read_field(const std::string& to);
  void read_line(toml_reader& in, field_line line);
  void read_kind(toml_reader& in, field_line line);
  void read_kind_of_row(toml_reader& in, field_line line);
  void read_joined(toml_reader& in, field_line line);
  void read_list(toml_reader& in, field_line line);
  void read_each(toml_reader& in, field_line line);
  void read_members(toml_reader& in, field_line line);
  void read_one_of_type(toml_reader& in, field_line line);
  void read_values(toml_reader& in, field_line line);
  void read_words(toml_reader& in, field_line line);
  void read_parts(toml_reader& in, field_line line);
  void read_constant(toml_reader& in, field_line line);
  void read_dropped();
  void drop(toml_reader& in, const char* key, const std::string& from, const std::string& why);
  void add(toml_reader& in, const char* key, field_line line);

  /// A path; empty, and told, where it is none.
  std::string path(toml_reader& in, const char* key, need n = need::required) const {
    auto text = in.text(key, n);
    if (!text.empty() && !is_path(text)) in.problem(key, std::string(path_wanted));
    return text;
  }
  address_fields address_parts(toml_reader& in, const std::string& type) const {
    const auto part = [&](const char* key) { return path(in, key, need::optional); };
    return {type,
            part("line_1"),
            part("postal_code"),
            part("city"),
            part("region"),
            part("addressee"),
            part("country"),
            part("country_code"),
            part("country_id")};
  }
  shape wanted(const field_line& line, shape otherwise) const {
    return wanted_shape(entity_, line.to).value_or(otherwise);
  }

  toml_reader& in_;
  const std::string &plugin_, &entity_;
  const kind_list& kinds_;
  field_table out_;
  std::set<std::tuple<std::string, std::string, std::vector<std::string>>> seen_;
};

field_table table_reader::read() {
  for (const auto& key : in_.keys_as_written())
    if (key != "dropped") read_field(key);
  if (in_.has("dropped")) read_dropped();
  return std::move(out_);
}

void table_reader::read_field(const std::string& to) {
  const auto* key = to.c_str();
  const auto* node = in_.node(key, need::required);
  const bool own = to.starts_with(plugin_ + ".") && to.size() > plugin_.size() + 1;
  if (!wanted_shape(entity_, to) && !own)
    return in_.problem(key, "is no canonical field of " + entity_ + " (docs/bus.md), and none of the plugin's own, \"" +
                                plugin_ + ".<field>\"");
  if (node->is_string()) {
    field_line line{to, "core", {}, {node->as_string()->get()}, {}};
    const auto shape = wanted(line, shape::text);
    const auto* as = kinds_.usual(shape);
    if (!is_path(line.from[0])) return in_.problem(key, std::string(path_wanted));
    if (!as) return in_.problem(key, "cannot be read from one path: a field of " + std::string(to_text(shape)));
    line.kind = as->name;
    line.read = reading(line.from[0], *as);
    add(in_, key, std::move(line));
  } else if (node->is_table()) {
    auto table = in_.table(key, need::required);
    read_line(*table, {to});
  } else if (node->is_array() && !node->as_array()->empty()) {
    for (auto& each : in_.tables(key, need::required)) read_line(each, {to});
  } else {
    in_.problem(key, "must be a path like \"/name\", or a table, or a list of tables");
  }
}

void table_reader::read_line(toml_reader& in, field_line line) {
  if (in.has("facet")) line.facet = in.text("facet", need::required);
  const auto* from = in.has("value") ? nullptr : in.node("from", need::required);
  if (in.has("value"))
    read_constant(in, std::move(line));
  else if (from && from->is_table())
    read_list(in, std::move(line));
  else if (from && from->is_array())
    read_kind_of_row(in, std::move(line));
  else if (from) {
    line.from = {path(in, "from")};
    if (in.has("values"))
      read_values(in, std::move(line));
    else if (in.has("words"))
      read_words(in, std::move(line));
    else if (in.has("parts"))
      read_parts(in, std::move(line));
    else if (in.has("each"))
      read_each(in, std::move(line));
    else if (in.has("members"))
      read_members(in, std::move(line));
    else if (in.has("type"))
      read_one_of_type(in, std::move(line));
    else
      read_kind(in, std::move(line));
  }
  in.finish();
}

void table_reader::read_kind(toml_reader& in, field_line line) {
  line.kind = in.text("kind", need::optional);
  const auto empty = in.texts("empty", need::optional);
  const auto most = in.integer("most", 1, 65536, 0);
  const auto* as = kinds_.named(line.kind);
  if (!line.kind.empty() && !as) {
    if (!kinds_.has_unknown()) return in.problem("kind", "must be one of " + kinds_.names());
    line.read = [](const json&, const lookup&) { return field_value(); };
    return add(in, "from", std::move(line));
  }
  const auto shape = wanted(line, as ? as->gives : shape::text);
  if (!as) as = kinds_.usual(shape);
  if (!as) return in.problem("from", "cannot be read from one path: a field of " + std::string(to_text(shape)));
  if (as->of_row) return in.problem("from", "must be a list of paths: \"" + as->name + "\" reads the whole row");
  if (as->gives != shape)
    return in.problem("kind",
                      "gives " + std::string(to_text(as->gives)) + ", the field wants " + std::string(to_text(shape)));
  line.kind = as->name;
  line.read = reading(line.from[0], *as);
  if (!empty.empty()) line.read = emptying(std::move(line.read), empty);
  if (!empty.empty() && shape != shape::text) in.problem("empty", "may stand for texts only");
  if (most > 0) {
    if (line.kind != "text" || !empty.empty())
      return in.problem("most", "may stand for the kind text only, without empty");
    line.kind = "first " + std::to_string(most) + " characters";
    line.read = reading_text_up_to(line.from[0], static_cast<std::size_t>(most));
  }
  add(in, "from", std::move(line));
}

void table_reader::read_kind_of_row(toml_reader& in, field_line line) {
  line.from = in.texts("from", need::required);
  if (!std::all_of(line.from.begin(), line.from.end(), is_path)) in.problem("from", "must be a list of paths");
  if (in.has("join")) return read_joined(in, std::move(line));
  line.kind = in.text("kind", need::required);
  const auto* as = kinds_.named(line.kind);
  if (!as && !kinds_.has_unknown()) return in.problem("kind", "must be one of " + kinds_.names());
  if (as && !as->of_row) return in.problem("from", "must be one path: \"" + as->name + "\" reads no more than that");
  const auto shape = wanted(line, as ? as->gives : shape::text);
  if (as && as->gives != shape)
    return in.problem("kind",
                      "gives " + std::string(to_text(as->gives)) + ", the field wants " + std::string(to_text(shape)));
  if (as) line.read = reading_row(line.from, *as);
  add(in, "from", std::move(line));
}

void table_reader::read_joined(toml_reader& in, field_line line) {
  line.kind = "joined";
  const auto between = in.text("join", need::optional);
  const auto means = absence_in(in);
  if (wanted(line, shape::text) != shape::text) return in.problem("join", "may stand for texts only");
  line.read = joining(line.from, between, means);
  add(in, "from", std::move(line));
}

void table_reader::read_constant(toml_reader& in, field_line line) {
  const auto shape = wanted(line, shape::text);
  const auto value = constant(*in.node("value", need::required), shape);
  if (!value) return in.problem("value", "must be " + std::string(to_text(shape)) + " that can stand in a manifest");
  line.kind = "constant";
  line.read = [value](const json&, const lookup&) -> field_value { return *value; };
  add(in, "value", std::move(line));
}

void table_reader::read_values(toml_reader& in, field_line line) {
  const auto shape = wanted(line, shape::text);
  std::map<std::string, packed> values;
  if (auto table = in.table("values", need::required))
    for (const auto& key : table->keys()) {
      const auto value = constant(*table->node(key.c_str(), need::required), shape);
      if (!value)
        table->problem(key.c_str(), "must be " + std::string(to_text(shape)) + " that can stand in a manifest");
      values.emplace(key, value.value_or(packed()));
      line.kind += (line.kind.empty() ? "translated: " : ", ") + key;
    }
  const auto word = in.word("unlisted", {"leave_out", "keep", "empty"}, need::optional);
  if (word == "keep" && shape != shape::text) in.problem("unlisted", "may be \"keep\" for texts only");
  line.read = translating(line.from[0], shape, std::move(values), word);
  add(in, "from", std::move(line));
}

void table_reader::read_words(toml_reader& in, field_line line) {
  std::map<std::string, std::vector<std::string>> words;
  if (auto table = in.table("words", need::required))
    for (const auto& key : table->keys()) {
      words.emplace(key, table->texts(key.c_str(), need::required));
      line.kind += (line.kind.empty() ? "words: " : ", ") + key;
    }
  if (wanted(line, shape::texts) != shape::texts) return in.problem("words", "may stand for roles and tags only");
  line.read = translating_words(line.from[0], std::move(words));
  add(in, "from", std::move(line));
}

void table_reader::read_parts(toml_reader& in, field_line line) {
  const auto type = in.text("type", need::required);
  auto table = in.table("parts", need::required);
  if (!table) return;
  if (wanted(line, shape::text) != shape::addresses) return in.problem("parts", "may stand for addresses only");
  line.kind = "one, " + type;
  line.read = reading_address(line.from[0], address_parts(*table, type));
  table->finish();
  add(in, "from", std::move(line));
}

void table_reader::read_one_of_type(toml_reader& in, field_line line) {
  const auto type = in.text("type", need::required);
  const auto shape = wanted(line, shape::text);
  if (shape != shape::emails && shape != shape::phones && shape != shape::payment_term)
    return in.problem("type", "may stand for emails, phones and payment_term only");
  line.kind = "one, " + type;
  line.read = shape == shape::payment_term ? reading_terms(line.from[0], type) : reading_one(line.from[0], type, shape);
  add(in, "from", std::move(line));
}

void table_reader::read_list(toml_reader& in, field_line line) {
  const auto shape = wanted(line, shape::texts);
  auto table = in.table("from", need::required);
  const bool of_parts = shape == shape::emails || shape == shape::phones || shape == shape::addresses;
  const auto means = of_parts ? absence_in(in) : absence::unknown;
  line.kind = "several fields";
  if (shape == shape::emails || shape == shape::phones) {
    std::vector<typed_field> fields;
    for (const auto& type : table->keys_as_written()) fields.push_back({path(*table, type.c_str()), type});
    for (const auto& each : fields) line.from.push_back(each.from);
    line.read = gathering(std::move(fields), shape, means);
  } else if (shape == shape::addresses) {
    std::vector<address_fields> places;
    for (const auto& type : table->keys_as_written()) {
      auto each = table->table(type.c_str(), need::required);
      if (!each) continue;
      places.push_back(address_parts(*each, type));
      each->finish();
      for (const auto& key : each->keys_as_written()) line.from.push_back(each->text(key.c_str(), need::optional));
    }
    line.read = gathering(std::move(places), means);
  } else if (shape == shape::owner) {
    line.from = {path(*table, "id"), path(*table, "name", need::optional)};
    line.read = gathering_owner(line.from[0], line.from[1]);
    if (line.from[1].empty()) line.from.pop_back();
    table->finish();
  } else {
    return in.problem("from", "may be a table for emails, phones, addresses and owner only");
  }
  add(in, "from", std::move(line));
}

void table_reader::read_each(toml_reader& in, field_line line) {
  const auto shape = wanted(line, shape::text);
  auto table = in.table("each", need::required);
  if (!table) return;
  const auto part = [&](const char* key, need n) { return path(*table, key, n); };
  if (shape == shape::custom_fields) {
    line.kind = "custom fields";
    line.read = reading_custom_fields(line.from[0], part("id", need::required), part("label", need::optional),
                                      part("value", need::required));
  } else if (shape == shape::links) {
    line.kind = "links";
    line.read = reading_links(line.from[0], part("id", need::required), part("position", need::optional),
                              part("division", need::optional), part("decision_maker", need::optional));
  } else {
    return in.problem("each", "may stand for custom_fields and companies only");
  }
  table->finish();
  add(in, "from", std::move(line));
}

void table_reader::read_members(toml_reader& in, field_line line) {
  auto table = in.table("members", need::required);
  if (!table) return;
  if (wanted(line, shape::text) != shape::custom_fields)
    return in.problem("members", "may stand for custom_fields only");
  line.kind = "custom fields, by name";
  line.read = reading_members(line.from[0], table->text("prefix", need::optional));
  table->finish();
  add(in, "from", std::move(line));
}

void table_reader::add(toml_reader& in, const char* key, field_line line) {
  if (!seen_.emplace(line.to, line.facet, line.from).second)
    return in.problem(key, "is read twice into " + line.to + " of facet " + line.facet);
  out_.add(std::move(line));
}

void table_reader::read_dropped() {
  const auto* node = in_.node("dropped", need::required);
  if (node->is_array()) {
    for (auto& each : in_.tables("dropped", need::required)) {
      const auto why = each.text("why", need::required);
      for (const auto& from : each.texts("from", need::required)) drop(each, "from", from, why);
      each.finish();
    }
  } else if (auto table = in_.table("dropped", need::required)) {
    for (const auto& from : table->keys_as_written())
      drop(*table, from.c_str(), from, table->text(from.c_str(), need::required));
  }
}

void table_reader::drop(toml_reader& in, const char* key, const std::string& from, const std::string& why) {
  if (!is_path(from)) in.problem(key, std::string(path_wanted));
  for (const auto& line : out_.lines())
    if (std::find(line.from.begin(), line.from.end(), from) != line.from.end())
      return in_.problem("dropped", "has \"" + from + "\", which is mapped to " + line.to);
  for (const auto& each : out_.dropped())
    if (each.from == from) return in.problem(key, "has \"" + from + "\" twice");
  out_.drop({from, why});
}

}  // namespace

field_table read_fields(toml_reader& in, const std::string& plugin, const std::string& entity, const kind_list& kinds) {
  return table_reader(in, plugin, entity, kinds).read();
}

std::vector<stream_fields> sdk::read_field_tables(std::string_view manifest, const kind_list& kinds) {
  toml_problems problems;
  std::vector<stream_fields> out;
  try {
    const toml::table root = toml::parse(manifest);
    toml_reader document(root, "", problems);
    std::string plugin;
    if (auto in = document.table("plugin", need::required)) plugin = in->text("name", need::required);
    for (auto& in : document.tables("stream", need::optional)) {
      const auto name = in.text("name", need::required), entity = in.text("entity", need::required);
      if (!in.has("fields")) continue;
      auto fields = in.table("fields", need::required);
      if (!fields) continue;
      out.push_back({name, read_fields(*fields, plugin, entity, kinds)});
      if (out.back().fields.lines().empty()) in.problem("fields", "must have a field");
    }
  } catch (const toml::parse_error& e) {
    problems.add(e.source(), "TOML", std::string(e.description()));
  }
  if (!problems.empty()) throw std::runtime_error("its manifest is wrong: " + problems.text());
  return out;
}

}  // namespace koppel
