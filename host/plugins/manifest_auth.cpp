// SPDX-License-Identifier: Apache-2.0
// [auth]: how a customer gives access, and where what is given goes.

#include <regex>
#include <set>

#include "host/core/setting_value.hpp"
#include "host/plugins/manifest_rules.hpp"
#include "host/plugins/manifest_sections.hpp"

namespace koppel::plugins {

namespace {

using need = toml_reader::need;

std::string url(toml_reader& in, const char* key, need n) {
  std::string value = in.text(key, n);
  check(in, key, value, wrong_https_url(value));
  return value;
}

core::refusal_rule read_refusal(toml_reader& in) {
  static const std::vector<std::string> reasons{"code_expired",         "code_refused",        "redirect_mismatch",
                                                "client_unknown",       "secret_wrong",        "scope_missing",
                                                "wrong_data_centre",    "access_denied",       "revoked",
                                                "customer_key_invalid", "partner_key_invalid", "unclear"};
  core::refusal_rule rule;
  if (in.has("grant")) rule.grant = in.word("grant", {"authorization_code", "refresh_token"}, need::optional);
  if (in.has("status")) rule.status = static_cast<int>(in.integer("status", 200, 599, 400));
  rule.title = some_text(in, "title");
  rule.reason = in.word("reason", reasons, need::required);
  in.finish();
  return rule;
}

void read_extra_parameters(toml_reader& auth, core::auth_rules& rules) {
  auto in = auth.table("extra_authorize_parameters", need::optional);
  if (!in) return;
  for (const std::string& key : in->keys()) {
    if (core::is_own_parameter(key)) in->problem(key.c_str(), "is a parameter that Koppel sets itself");
    rules.extra_authorize_parameters[key] = in->text(key.c_str(), need::optional);
  }
}

/// An https URL whose whole host may be a template, "https://{host}/token"; or a template as a whole, "{token_url}".
std::string template_url(toml_reader& in, const char* key, need n) {
  std::string value = in.text(key, n);
  if (value.starts_with('{') && value.find('}') + 1 == value.size()) return value;
  const auto open = value.find('{');
  const bool whole_host =
      open == std::string::npos || (open == 8 && value.find('{', open + 1) == std::string::npos &&
                                    (value.size() == value.find('}') + 1 || value[value.find('}') + 1] == '/'));
  if (!value.empty() && !whole_host)
    in.problem(
        key,
        "may have a template in one place: as the whole host, like \"https://{host}/token\", or as the whole address");
  else
    check(in, key, value, wrong_https_url(sample(value)));
  return value;
}

void read_grant(toml_reader& in, core::auth_rules& rules) {
  const bool by_key = in.word("kind", {"authorization_code", "client_key"}, need::required) == "client_key";
  rules.token_url = template_url(in, "token_url", need::required);
  if (!by_key) {
    rules.authorize_url = template_url(in, "authorize_url", need::required);
    return;
  }
  rules.kind = core::auth_rules::grant::client_key;
  if (auto grant = in.table("key_grant", need::required)) {
    rules.key_grant_type = grant->text("grant_type", need::required);
    rules.key_field = grant->text("field", need::required);
    grant->finish();
  }
}

/// The link that makes the provider post a key, and what that post looks like: neither is of use without the other.
void read_activation(toml_reader& in, core::auth_rules& rules) {
  constexpr std::string_view client_id = "{client_id}";
  auto activation = in.table("activation", need::optional);
  auto coupling = in.table("coupling", need::optional);
  if (activation.has_value() != coupling.has_value())
    in.problem(activation ? "coupling" : "activation", "is missing: [auth.activation] and [auth.coupling] go together");
  if (activation) {
    auto& to = rules.activation;
    to.url = activation->text("url", need::required);
    auto plain = to.url;
    if (const auto at = plain.find(client_id); at != std::string::npos) plain.replace(at, client_id.size(), "app");
    check(*activation, "url", plain, wrong_https_url(plain));
    const bool in_host = to.url.find('{') < to.url.find('/', std::string_view("https://").size());
    if (in_host || plain.find_first_of("{}?#") != std::string::npos)
      activation->problem("url", "may hold \"{client_id}\" once, in its path, and no query");
    to.reference_parameter = activation->text("reference_parameter", need::required);
    to.success_parameter = some_text(*activation, "success_parameter");
    activation->finish();
    if (rules.kind != core::auth_rules::grant::client_key)
      in.problem("activation", "is for kind = \"client_key\" alone");
  }
  if (coupling) {
    auto& to = rules.coupling;
    to.key = coupling->text("key", need::required);
    to.action = coupling->text("action", need::required);
    to.reference = coupling->text("reference", need::required);
    to.create = coupling->text("create", need::required);
    to.regenerate = coupling->text("regenerate", need::required);
    to.removal = coupling->text("delete", need::required);
    coupling->finish();
  }
}

/// Where tokens go on API requests, and which answers are not about them.
void read_token_use(toml_reader& in, core::auth_rules& rules) {
  const auto header_name = [](toml_reader& table) {
    std::string name = table.text("name", need::required);
    check(table, "name", name, wrong_header_name(name));
    return name;
  };
  if (auto header = in.table("token_header", need::optional)) {
    rules.token_header = header_name(*header);
    rules.token_prefix = header->text("prefix", need::optional);
    check(*header, "prefix", rules.token_prefix, wrong_header_value(rules.token_prefix));
    header->finish();
  }
  for (auto& header : in.tables("app_header", need::optional)) {
    rules.app_headers.push_back(header_name(header));
    header.finish();
  }
  for (auto& table : in.tables("throttled", need::optional)) {
    core::throttle_rule rule;
    rule.title = table.text("title", need::required);
    rule.wait = std::chrono::seconds(table.integer("wait_s", 1, 86400, std::nullopt));
    table.finish();
    rules.throttles.push_back(std::move(rule));
  }
  for (auto& table : in.tables("denied", need::optional)) {
    core::denial_rule rule;
    if (table.has("status")) rule.status = static_cast<int>(table.integer("status", 200, 599, 401));
    rule.contains = table.text("contains", need::required);
    using meaning = core::denial_rule::meaning;
    const auto means = table.word("means", {"answer", "renew", "partner_key_invalid"}, need::required);
    rule.means = means == "answer" ? meaning::answer : means == "renew" ? meaning::renew : meaning::partner_key_invalid;
    table.finish();
    rules.denials.push_back(std::move(rule));
  }
}

void read_regions(toml_reader& in, core::auth_rules& rules) {
  std::set<std::string> names;
  for (auto& table : in.tables("region", need::optional)) {
    core::region_rule rule;
    rule.name = table.text("name", need::required);
    check(table, "name", rule.name, wrong_name(rule.name, false));
    once(table, "name", rule.name, names);
    if (auto redirect = table.table("redirect", need::required))
      for (const std::string& key : redirect->keys()) rule.redirect[key] = redirect->text(key.c_str(), need::required);
    if (auto values = table.table("values", need::required))
      for (const std::string& key : values->keys()) {
        rule.values[key] = values->text(key.c_str(), need::required);
        check(*values, key.c_str(), rule.values[key], wrong_host(rule.values[key]));
        if (!rules.regions.empty() && !rules.regions.front().values.contains(key))
          values->problem(key.c_str(), "is not a value of the first region");
      }
    if (!rules.regions.empty() && rule.values.size() != rules.regions.front().values.size())
      table.problem("values", "must name the same values in every region");
    table.finish();
    rules.regions.push_back(std::move(rule));
  }
  if (auto answer = in.table("region_answer", need::optional)) {
    rules.region_answer_path = answer->text("pointer", need::required);
    check(*answer, "pointer", rules.region_answer_path, wrong_json_pointer(rules.region_answer_path));
    rules.region_answer_value = answer->text("value", need::required);
    if (rules.regions.empty() || !rules.regions.front().values.contains(rules.region_answer_value))
      answer->problem("value", "must be one of the values of a region");
    rules.region_environments = answer->texts("environments", need::optional);
    std::set<std::string> different{rules.region_answer_value};
    for (const auto& name : rules.region_environments) {
      if (rules.regions.empty() || !rules.regions.front().values.contains(name))
        answer->problem("environments", "must be values of a region");
      if (!different.insert(name).second) answer->problem("environments", "must differ from value and each other");
    }
    answer->finish();
  }
  if (auto redirect = in.table("redirect_check", need::optional)) {
    rules.redirect_check_setting = redirect->text("setting", need::required);
    rules.redirect_check_prefix = redirect->text("prefix", need::required);
    redirect->finish();
  }
}

/// Which settings have parts of [auth]; that they are there, and of the right type, is checked with the templates.
void read_of_settings(toml_reader& auth, core::auth_settings& from) {
  auto in = auth.table("settings", need::optional);
  if (!in) return;
  from.scopes = some_text(*in, "scopes");
  from.scope_separator = some_text(*in, "scope_separator");
  from.extra_authorize_parameters = some_text(*in, "extra_authorize_parameters");
  from.client_authentication = some_text(*in, "client_authentication");
  from.body_format = some_text(*in, "body_format");
  from.pkce = some_text(*in, "pkce");
  from.refresh_token = some_text(*in, "refresh_token");
  from.code_lifetime_s = some_text(*in, "code_lifetime_s");
  from.token_prefix = some_text(*in, "token_prefix");
  in->finish();
}

}  // namespace

std::string sample(const std::string& text) {
  static const std::regex placeholder(R"(\{[a-z][a-z0-9_.-]*\})");
  return std::regex_replace(text, placeholder, "host.example.com");
}

void read_auth(toml_reader& document, core::auth_rules& rules) {
  auto in = document.table("auth", need::required);
  if (!in) return;
  read_grant(*in, rules);
  using authentication = core::auth_rules::client_authentication;
  const auto how = in->word("client_authentication", {"body", "basic", "basic_plain"}, need::optional);
  rules.authentication = how == "basic"         ? authentication::basic
                         : how == "basic_plain" ? authentication::basic_plain
                                                : authentication::body;
  rules.format = in->word("body_format", {"form", "json"}, need::optional) == "json"
                     ? core::auth_rules::body_format::json
                     : core::auth_rules::body_format::form;
  rules.pkce = in->boolean("pkce", false);
  rules.send_scope = in->boolean("send_scope", false);
  rules.scopes = in->texts("scopes", need::optional);
  if (in->has("scope_separator")) rules.scope_separator = in->word("scope_separator", {" ", ","}, need::optional);
  read_extra_parameters(*in, rules);
  rules.code_lifetime = std::chrono::seconds(in->integer("code_lifetime_s", 1, 86400, 600));
  const auto rotation = in->word("rotation", {"every_refresh", "never", "either"}, need::optional);
  using rotations = core::auth_rules::rotation;
  rules.rotates = rotation == "never"    ? rotations::never
                  : rotation == "either" ? rotations::either
                                         : rotations::every_refresh;
  rules.refresh_token_required = in->boolean("refresh_token_required", rules.rotates != rotations::never);
  rules.expires_in_ms_above = in->integer("expires_in_ms_above", 0, 10LL * 365 * 86400, 0);
  rules.earliest_refresh = std::chrono::seconds(in->integer("earliest_refresh_s", 0, 30 * 86400, 0));
  rules.unused_lifetime = std::chrono::seconds(in->integer("unused_lifetime_s", 0, 10 * 366 * 86400, 0));
  if (auto limit = in->table("token_limit", need::optional)) {
    rules.token_limit.requests = static_cast<std::uint32_t>(limit->integer("requests", 1, 1'000'000, 300));
    rules.token_limit.window = std::chrono::seconds(limit->integer("window_s", 1, 86400, 60));
    rules.token_limit.bucket = {limit->word("bucket", {"client", "connection"}, need::optional)};
    limit->finish();
  }
  rules.default_redirect_uri = url(*in, "default_redirect_uri", need::optional);
  if (auto paths = in->table("token_error_paths", need::optional)) {
    rules.error_title_path = paths->text("title", need::optional);
    check(*paths, "title", rules.error_title_path, wrong_json_pointer(rules.error_title_path));
    rules.error_hint_path = paths->text("hint", need::optional);
    check(*paths, "hint", rules.error_hint_path, wrong_json_pointer(rules.error_hint_path));
    paths->finish();
  }
  for (auto& refusal : in->tables("refusal", need::optional)) rules.refusals.push_back(read_refusal(refusal));
  read_activation(*in, rules);
  read_token_use(*in, rules);
  read_regions(*in, rules);
  read_of_settings(*in, rules.of_settings);
  in->finish();
}

}  // namespace koppel::plugins
