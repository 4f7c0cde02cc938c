// SPDX-License-Identifier: Apache-2.0
// Reads the tables that the host leaves to us; the host has checked all others, and does so first.
#include "description.hpp"

#include <koppel/field_language.hpp>

#include <stdexcept>

namespace koppel::declarative {
namespace {

using need = toml_reader::need;
using names = std::set<std::string>;
constexpr std::int64_t month_s = 31 * 86400;

/// A path of json::at; "" is the whole answer.
std::string read_path(toml_reader& in, const char* key, need n) {
  in.node(key, n);
  auto path = in.text(key, need::optional);
  if (!path.empty() && (!path.starts_with('/') || path.size() > 256)) in.problem(key, "must be a path like \"/data\"");
  return path;
}

/// The placeholders that every request may have: what the connection's settings hold.
names setting_placeholders(const toml::table& root) {
  names out;
  const auto add = [&out](const std::string& name) { out.insert("setting." + name); };
  if (const auto* settings = root["setting"].as_array())
    for (const auto& each : *settings)
      if (const auto* table = each.as_table()) add((*table)["name"].value_or(std::string()));
  const auto* regions = root["auth"]["region"].as_array();
  if (!regions) return out;
  add("region");
  for (const auto& each : *regions)
    if (const auto* table = each.as_table())
      if (const auto* values = (*table)["values"].as_table())
        for (const auto& [name, host] : *values) add("region." + std::string(name.str()));
  return out;
}

paging read_paging(toml_reader& read) {
  paging out;
  auto in = read.table("paging", need::required);
  out.understood = in.has_value();
  if (!in) return out;
  using style = paging::style;
  const auto word = in->word("style", {"none", "page", "offset", "cursor", "link"}, need::required);
  const auto* said = in->node("style", need::optional);
  out.understood = said != nullptr && said->value<std::string>() == word;
  if (!out.understood) return out;
  for (const auto each : {style::page, style::offset, style::cursor, style::link})
    if (word == to_text(each)) out.how = each;
  const bool counted = out.how == style::page || out.how == style::offset;
  if (counted) {
    out.first = in->integer("first", 0, 1, out.how == style::page ? 1 : 0);
    out.short_page_ends = in->word("end", {"empty_page", "short_page"}, need::optional) == "short_page";
  }
  if (out.how != style::none) {
    out.size = in->integer("size", 1, 10'000, 0);
    out.more = read_path(*in, "more", need::optional);
    out.most_pages = in->integer("most_pages", 1, 10'000'000, 100'000);
  }
  if (out.short_page_ends && out.size == 0) in->problem("end", "cannot be \"short_page\" without a size");
  if (out.how == style::cursor || out.how == style::link)
    out.next = read_path(*in, "next", out.how == style::cursor ? need::required : need::optional);
  if (out.how == style::cursor && in->has("next") && out.next.empty())
    in->problem("next", "must be a path like \"/meta/next\"");
  in->finish();
  return out;
}

std::optional<incremental> read_incremental(toml_reader& read) {
  auto in = read.table("incremental", need::optional);
  if (!in) return std::nullopt;
  incremental out;
  const auto word = in->word("since", {"rfc3339", "date", "epoch_s", "epoch_ms"}, need::required);
  using format = incremental::time_format;
  if (word == "date") out.as = format::date;
  if (word == "epoch_s") out.as = format::epoch_s;
  if (word == "epoch_ms") out.as = format::epoch_ms;
  out.overlap = std::chrono::seconds(in->integer("overlap_s", 0, month_s, 300));
  in->finish();
  return out;
}

/// Each placeholder that paging needs is there, and none that nothing fills.
void check_placeholders(toml_reader& in, const described_stream& s) {
  using style = paging::style;
  const auto wants = [&](bool wanted, const char* name, const char* why) {
    if (wanted && !s.request.uses(name))
      in.problem("request", std::string("needs the placeholder {") + name + "} in its query or json: " + why);
  };
  wants(s.pages.how == style::page, "page", "paging is by page");
  wants(s.pages.how == style::offset, "offset", "paging is by offset");
  wants(s.pages.how == style::cursor, "cursor", "paging is by cursor");
  wants(s.changes.has_value(), "since", "it reads incrementally");
  names in_path;
  s.request.target.add_placeholders(in_path);
  for (const auto* name : {"since", "cursor"})
    if (in_path.contains(name))
      in.problem("request", std::string("has the placeholder {") + name +
                                "} in its path, where it has nothing to stand for at first; put it into query or json");
  if (s.request.uses("size") && s.pages.size == 0 && s.pages.understood)
    in.problem("paging", "needs a size, for the placeholder {size}");
}

names list_placeholders(const described_stream& s, names settings) {
  using style = paging::style;
  if (!s.pages.understood) settings.insert({"page", "offset", "cursor", "size"});
  if (s.pages.how == style::page) settings.insert("page");
  if (s.pages.how == style::offset) settings.insert("offset");
  if (s.pages.how == style::cursor) settings.insert("cursor");
  if (s.pages.how != style::none) settings.insert("size");
  if (s.changes) settings.insert("since");
  return settings;
}

std::optional<single_read> read_one(toml_reader& read, const names& settings) {
  auto in = read.table("one", need::optional);
  if (!in) return std::nullopt;
  auto allowed = settings;
  allowed.insert("id");
  single_read out{read_request(*in, allowed), read_path(*in, "record", need::optional)};
  if (!out.request.uses("id")) in->problem("request", "needs the placeholder {id}");
  in->finish();
  return out;
}

void read_stream(toml_reader& in, const std::string& plugin, const names& settings, described_stream& s) {
  s.name = in.text("name", need::required);
  s.entity = in.text("entity", need::required);
  const bool absence = in.text("deletions", need::required) == "absence";
  if (auto read = in.table("read", need::required)) {
    s.pages = read_paging(*read);
    s.changes = read_incremental(*read);
    s.request = read_request(*read, list_placeholders(s, settings));
    s.records = read_path(*read, "records", need::required);
    s.id = read->has("id") ? read_path(*read, "id", need::required) : "/id";
    s.updated_at = read_path(*read, "updated_at", need::optional);
    s.one = read_one(*read, settings);
    if (absence && !s.one && !read->has("one"))
      read->problem("one", "is missing: deletions = \"absence\" needs a request for one record, which proves it gone");
    check_placeholders(*read, s);
    read->finish();
  }
  if (auto fields = in.table("fields", need::required)) {
    s.fields = read_fields(*fields, plugin, s.entity, {});
    if (s.fields->lines().empty()) in.problem("fields", "must have a field");
  }
}

description read_root(const toml::table& root, toml_problems& problems) {
  description out;
  toml_reader document(root, "", problems);
  const auto settings = setting_placeholders(root);
  std::string name;
  if (auto plugin = document.table("plugin", need::required)) {
    name = plugin->text("name", need::required);
    out.cursor_version = static_cast<std::uint32_t>(plugin->integer("cursor_version", 1, UINT32_MAX, 1));
  }
  if (auto api = document.table("api", need::required)) {
    out.base_url = read_template(*api, "base_url", settings);
    const auto url = api->text("base_url", need::optional);
    if (!url.starts_with("https://") || url.ends_with('/'))
      api->problem("base_url", "must be an https URL without a slash at its end, \"https://api.example.com\"");
    out.headers = read_headers(*api, "headers", settings);
    api->finish();
  }
  if (auto probe = document.table("probe", need::required)) {
    out.probe.request = read_request(*probe, settings);
    out.probe.account = read_path(*probe, "account", need::required);
    out.probe.name = read_path(*probe, "name", need::optional);
    if (probe->has("account") && out.probe.account.empty()) probe->problem("account", "must not be empty");
    probe->finish();
  }
  for (auto& each : document.tables("stream", need::required))
    read_stream(each, name, settings, out.streams.emplace_back());
  return out;
}

}  // namespace

std::string_view to_text(paging::style of) {
  switch (of) {
    case paging::style::page:
      return "page";
    case paging::style::offset:
      return "offset";
    case paging::style::cursor:
      return "cursor";
    case paging::style::link:
      return "link";
    case paging::style::none:
      break;
  }
  return "none";
}

description read_description(std::string_view manifest) {
  if (manifest.empty()) throw std::runtime_error("this host does not tell its plugins their manifest");
  toml_problems problems;
  description out;
  try {
    const toml::table root = toml::parse(manifest);
    out = read_root(root, problems);
  } catch (const toml::parse_error& e) {
    problems.add(e.source(), "TOML", std::string(e.description()));
  }
  if (!problems.empty()) throw std::runtime_error("its manifest is wrong: " + problems.text());
  return out;
}

}  // namespace koppel::declarative
