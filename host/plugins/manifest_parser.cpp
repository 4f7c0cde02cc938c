// SPDX-License-Identifier: Apache-2.0
// The sections of a manifest, one function each.

#include "host/plugins/manifest_parser.hpp"

#include <algorithm>
#include <set>

#include "host/core/setting_value.hpp"
#include "host/core/text.hpp"
#include "host/plugins/errors.hpp"
#include "host/plugins/manifest_rules.hpp"
#include "host/plugins/manifest_sections.hpp"

namespace koppel::plugins {

namespace {

using need = toml_reader::need;
constexpr std::int64_t year_s = 366 * 86400;

core::localized languages(toml_reader& in) {
  core::localized text{in.text("nl", need::required), in.text("fr", need::required), in.text("en", need::required)};
  in.finish();
  return text;
}

void read_plugin(toml_reader& document, core::manifest& m) {
  auto in = document.table("plugin", need::required);
  if (!in) return;
  m.name = in->text("name", need::required);
  check(*in, "name", m.name, wrong_name(m.name, false));
  m.version = in->text("version", need::required);
  check(*in, "version", m.version, wrong_version(m.version));
  m.title = in->text("title", need::required);
  m.title_setting = some_text(*in, "title_setting");
  m.abi_major = static_cast<std::uint32_t>(in->integer("abi", 1, 65535, std::nullopt));
  m.mapping_version = static_cast<std::uint32_t>(in->integer("mapping_version", 1, UINT32_MAX, 1));
  m.cursor_version = static_cast<std::uint32_t>(in->integer("cursor_version", 1, UINT32_MAX, 1));
  in->finish();
}

core::egress_rule read_egress(toml_reader& in) {
  static const std::set<std::string> methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  core::egress_rule rule;
  rule.host = in.text("host", need::required);
  const bool whole = rule.host.find('{') == std::string::npos || (rule.host.front() == '{' && rule.host.back() == '}');
  check(in, "host", rule.host, whole ? wrong_host(sample(rule.host)) : "may be a template only as a whole: \"{host}\"");
  rule.methods = in.texts("methods", need::required);
  for (const auto& method : rule.methods)
    if (!methods.contains(method)) in.problem("methods", "must be of GET, HEAD, POST, PUT, PATCH, DELETE");
  rule.paths = in.texts("paths", need::required);
  for (const auto& path : rule.paths) check(in, "paths", path, wrong_egress_path(path));
  const auto* purpose = in.node("for", need::optional);
  rule.for_webhooks = purpose && purpose->is_string() && purpose->as_string()->get() == "webhooks";
  if (purpose && !rule.for_webhooks)
    in.problem("for",
               "must be \"webhooks\" (open to jobs that register webhooks alone), or absent (open to every request)");
  in.finish();
  return rule;
}

core::limit_rule read_limit(toml_reader& in, std::set<std::string>& names) {
  core::limit_rule rule;
  rule.name = in.text("name", need::required);
  check(in, "name", rule.name, wrong_name(rule.name, true));
  once(in, "name", rule.name, names);
  rule.bucket = in.texts("bucket", need::required);
  for (const auto& part : rule.bucket)
    if (part != "client" && part != "account" && part != "connection")
      in.problem("bucket", "must be of \"client\", \"account\", \"connection\"");
  rule.requests = static_cast<std::uint32_t>(in.integer("requests", 1, 1'000'000'000, std::nullopt));
  rule.window = std::chrono::seconds(in.integer("window_s", 1, year_s, std::nullopt));
  rule.at_once = static_cast<std::uint32_t>(in.integer("at_once", 0, 1'000, 0));
  const auto header = [&in](const char* key) {
    std::string value = some_text(in, key);
    check(in, key, value, wrong_header_name(value));
    return value;
  };
  rule.header_limit = header("header_limit");
  rule.header_remaining = header("header_remaining");
  rule.header_reset = header("header_reset");
  const std::string reset = in.word("reset_format", {"delta_s", "epoch_s", "iso8601"}, need::optional);
  using format = core::limit_rule::reset_format;
  rule.reset = reset == "iso8601" ? format::iso8601 : reset == "epoch_s" ? format::epoch_s : format::delta_s;
  in.finish();
  return rule;
}

core::setting_rule read_setting(toml_reader& in, std::set<std::string>& names) {
  core::setting_rule rule;
  rule.name = in.text("name", need::required);
  check(in, "name", rule.name, wrong_name(rule.name, true));
  once(in, "name", rule.name, names);
  if (auto label = in.table("label", need::required)) rule.label = languages(*label);
  if (auto help = in.table("help", need::optional)) rule.help = languages(*help);
  using kind = core::setting_rule::kind;
  const auto type = in.word("type", {"text", "host", "hosts", "url", "choice", "parameters"}, need::optional);
  rule.type = type == "host"         ? kind::host
              : type == "hosts"      ? kind::hosts
              : type == "url"        ? kind::url
              : type == "choice"     ? kind::choice
              : type == "parameters" ? kind::parameters
                                     : kind::text;
  rule.choices = in.texts("choices", rule.type == kind::choice ? need::required : need::optional);
  if (rule.type != kind::choice && !rule.choices.empty()) in.problem("choices", "is for type = \"choice\" alone");
  rule.pattern = in.text("pattern", need::optional);
  const std::string wrong = wrong_pattern(rule.pattern);
  check(in, "pattern", rule.pattern, wrong);
  rule.default_value = in.text("default", need::optional);
  rule.required = in.boolean("required", false);
  rule.required_without = some_text(in, "required_without");
  rule.operator_only = in.boolean("operator_only", false);
  if (in.boolean("secret", false))
    in.problem("secret",
               "must be absent or false: secret settings are not supported yet, they would be stored unsealed");
  if (rule.default_value.size() > core::longest_setting)
    in.problem("default", "must have at most 1024 bytes");
  else if (wrong.empty() && !rule.default_value.empty() && !matches_pattern(rule.pattern, rule.default_value))
    in.problem("default", "does not match the pattern of this setting");
  else if (rule.type == kind::choice && in.has("default") && rule.default_value.empty())
    in.problem("default", "must be one of the choices, or absent");
  else if (const auto other = wrong.empty() ? core::wrong_setting(rule, rule.default_value) : std::string();
           !rule.default_value.empty() && !other.empty())
    in.problem("default", other);
  in.finish();
  return rule;
}

core::stream_rule read_stream(toml_reader& in, const core::manifest& m, std::set<std::string>& names,
                              manifest_form form) {
  core::stream_rule rule;
  rule.name = in.text("name", need::required);
  check(in, "name", rule.name, wrong_name(rule.name, true));
  once(in, "name", rule.name, names);
  rule.entity = in.text("entity", need::required);
  check(in, "entity", rule.entity, wrong_entity(rule.entity, m.name));
  rule.interval = std::chrono::seconds(in.integer("interval_s", 1, year_s, 300));
  rule.full_interval = std::chrono::seconds(in.integer("full_interval_s", 1, year_s, 86400));
  using deletions = core::stream_rule::deletions;
  const std::string deletion = in.word("deletions", {"absence", "reported", "none"}, need::required);
  rule.deletion = deletion == "reported" ? deletions::reported
                  : deletion == "none"   ? deletions::none
                                         : deletions::absence;
  rule.scope = some_text(in, "scope");
  const auto& scopes = m.auth.scopes;
  if (!rule.scope.empty() && std::find(scopes.begin(), scopes.end(), rule.scope) == scopes.end())
    in.problem("scope", "must be one of auth.scopes");
  if (auto label = in.table("scope_label", need::optional)) {
    rule.scope_label = languages(*label);
    if (rule.scope.empty()) in.problem("scope_label", "names a scope, and this stream has none");
  }
  // What the tables say, the connector checks when it is told the manifest.
  if (const auto fields = in.table("fields", form == manifest_form::alone ? need::required : need::optional);
      fields && fields->empty())
    in.problem("fields", "must have a field");
  if (form == manifest_form::alone) in.table("read", need::required);
  in.finish();
  return rule;
}

core::preset_rule read_preset(toml_reader& in, const core::manifest& m, std::set<std::string>& names) {
  core::preset_rule rule;
  rule.name = in.text("name", need::required);
  check(in, "name", rule.name, wrong_name(rule.name, false));
  once(in, "name", rule.name, names);
  rule.title = in.text("title", need::required);
  rule.plugin = some_text(in, "plugin");
  check(in, "plugin", rule.plugin, wrong_name(rule.plugin, false));
  if (auto settings = in.table("settings", rule.plugin.empty() ? need::required : need::optional)) {
    if (!rule.plugin.empty()) in.problem("settings", "are of no use beside \"plugin\"");
    for (const std::string& key : settings->keys()) {
      const auto value = settings->text(key.c_str(), need::required);
      const auto* of = m.find_setting(key);
      const auto wrong = of ? core::wrong_setting(*of, value) : "is no setting of this manifest";
      check(*settings, key.c_str(), value, wrong);
      if (of && of->operator_only)
        settings->problem(key.c_str(), "is for an operator to set, one connection at a time");
      rule.settings[key] = value;
    }
  }
  in.finish();
  return rule;
}

/// A setting that [plugin], [auth.settings] or [network] names is there, and has the type that its place needs.
void check_setting(toml_reader& document, const core::manifest& m, const char* where, const std::string& name,
                   core::setting_rule::kind type, std::vector<std::string> choices = {}) {
  if (name.empty()) return;
  const auto* rule = m.find_setting(name);
  const auto fits = [&] {
    if (!rule || rule->type != type) return false;
    return std::all_of(rule->choices.begin(), rule->choices.end(), [&](const std::string& choice) {
      return std::find(choices.begin(), choices.end(), choice) != choices.end();
    });
  };
  if (fits()) return;
  std::string all;
  for (const auto& choice : choices) all += (all.empty() ? " of " : ", ") + choice;
  document.problem(where, "names the setting \"" + core::escaped(name, 64) +
                              "\", which is none of the type that is needed" +
                              (all.empty() ? "" : " (a choice" + all + ")"));
}

void check_of_settings(toml_reader& document, const core::manifest& m) {
  using kind = core::setting_rule::kind;
  const auto& from = m.auth.of_settings;
  const auto look = [&](const std::string& name, kind type, std::vector<std::string> choices = {}) {
    check_setting(document, m, "auth", name, type, std::move(choices));
  };
  look(from.scopes, kind::text);
  look(from.scope_separator, kind::choice, {"space", "comma"});
  look(from.extra_authorize_parameters, kind::parameters);
  look(from.client_authentication, kind::choice, {"body", "basic"});
  look(from.body_format, kind::choice, {"form", "json"});
  look(from.pkce, kind::choice, {"yes", "no"});
  look(from.refresh_token, kind::choice, {"required", "optional"});
  look(from.code_lifetime_s, kind::text);
  look(from.token_prefix, kind::text);
  check_setting(document, m, "plugin", m.title_setting, kind::text);
  check_setting(document, m, "network", m.private_hosts_setting, kind::hosts);
  for (const auto& rule : m.settings)
    if (!rule.required_without.empty() && !m.find_setting(rule.required_without))
      document.problem("setting", "\"" + rule.name + "\" is required_without a setting that is not there");
}

/// Every template has something to be filled with, wherever a connection may live.
void check_templates(toml_reader& document, const core::manifest& m) {
  const auto known = [&](const std::string& name) {
    if (name.starts_with("region."))
      return !m.auth.regions.empty() && m.auth.regions.front().values.contains(name.substr(7));
    const auto* s = m.find_setting(name);
    return s && s->type == core::setting_rule::kind::host && (s->required || !s->default_value.empty());
  };
  using kind = core::setting_rule::kind;
  const auto look = [&](const char* where, const std::string& text) {
    const auto open = text.find('{'), close = text.find('}');
    if (open == std::string::npos || close == std::string::npos) return;
    const auto name = text.substr(open + 1, close - open - 1);
    const auto* setting = m.find_setting(name);
    const bool whole = open == 0 && close + 1 == text.size();
    // Where requests may go, an address or a list that nobody gave allows nothing.
    const bool of_egress = where == std::string_view("egress");
    if (setting && whole && of_egress && (setting->type == kind::url || setting->type == kind::hosts)) return;
    if (whole && !of_egress) {
      if (!setting || setting->type != kind::url || !setting->required)
        document.problem(where, "has the template {" + core::escaped(name, 64) +
                                    "} for a whole address, which is no required setting of type \"url\"");
      return;
    }
    if (!known(name))
      document.problem(where, "has the template {" + core::escaped(name, 64) +
                                  "}, which is neither a required setting of type \"host\" nor a region's value");
  };
  look("auth", m.auth.authorize_url);
  look("auth", m.auth.token_url);
  for (const auto& rule : m.egress) look("egress", rule.host);
  const auto& setting = m.auth.redirect_check_setting;
  if (!setting.empty() && !known(setting))
    document.problem("auth", "redirect_check.setting is no setting of type \"host\"");
  for (const auto& rule : m.settings)
    if (!m.auth.regions.empty() && rule.name == "region")
      document.problem("setting", "may not be called \"region\" here");
}

/// Absence is concluded over all records of an entity: a second stream that reads some of them would seem to delete
/// those that only the other one reads.
void check_alone(toml_reader& in, const core::stream_rule& added, const std::vector<core::stream_rule>& before) {
  using deletions = core::stream_rule::deletions;
  for (const auto& other : before)
    if (other.entity == added.entity && (other.deletion == deletions::absence || added.deletion == deletions::absence))
      in.problem("entity", "is read by the stream \"" + other.name +
                               "\" too; where deletions show by absence, one stream has to read all of an entity");
}

void read_document(const toml::table& root, manifest_form form, core::manifest& m, toml_problems& problems) {
  toml_reader document(root, "", problems);
  read_plugin(document, m);
  read_auth(document, m.auth);
  for (auto& in : document.tables("egress", need::required)) m.egress.push_back(read_egress(in));
  std::set<std::string> limits, settings, streams;
  for (auto& in : document.tables("limit", need::optional)) m.limits.push_back(read_limit(in, limits));
  for (auto& in : document.tables("setting", need::optional)) m.settings.push_back(read_setting(in, settings));
  // The probe's answer has one field that names the account; the table is there for providers that need more.
  if (auto identity = document.table("identity", need::optional)) {
    identity->word("id", {"account_id"}, need::required);
    identity->finish();
  }
  if (auto network = document.table("network", need::optional)) {
    m.private_hosts_setting = network->text("private_hosts", need::required);
    network->finish();
  }
  check_templates(document, m);
  check_of_settings(document, m);
  std::set<std::string> presets;
  for (auto& in : document.tables("preset", need::optional)) m.presets.push_back(read_preset(in, m, presets));
  // Where code reads nothing on its own, somebody asks for one request at a time.
  const auto streams_needed = m.presets.empty() || form == manifest_form::alone ? need::required : need::optional;
  for (auto& in : document.tables("stream", streams_needed)) {
    auto rule = read_stream(in, m, streams, form);
    check_alone(in, rule, m.streams);
    m.streams.push_back(std::move(rule));
  }
  read_webhook(document, m);
  if (auto guide = document.table("guide", need::optional)) {
    for (auto& step : guide->tables("step", need::required)) m.guide.push_back(languages(step));
    guide->finish();
  }
  if (form == manifest_form::alone)
    for (const char* key : {"api", "probe"}) document.table(key, need::required);
  document.finish();
}

}  // namespace

result<core::manifest> parse_manifest(std::string_view text, manifest_form form) {
  if (text.size() > largest_manifest) return fail(errc::bad_manifest, "the manifest is larger than 256 KiB");
  toml_problems problems;
  core::manifest m;
  try {
    const toml::table root = toml::parse(text);
    read_document(root, form, m, problems);
  } catch (const toml::parse_error& e) {
    problems.add(e.source(), "TOML", core::escaped(e.description(), 300));
  }
  if (!problems.empty()) return fail(errc::bad_manifest, "its manifest is wrong: " + problems.text());
  return m;
}

}  // namespace koppel::plugins
