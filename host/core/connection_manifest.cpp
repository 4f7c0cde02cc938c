// SPDX-License-Identifier: Apache-2.0

#include "host/core/connection_manifest.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "host/core/text.hpp"

namespace koppel::core {
namespace {

using values = std::map<std::string, std::string>;

/// The name in the first pair of braces; empty where there is none.
std::string template_in(std::string_view text) {
  const auto open = text.find('{'), close = text.find('}', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

std::string filled(std::string text, const values& known) {
  for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at)) {
    const auto close = text.find('}', at);
    if (close == std::string::npos) break;
    const auto value = known.find(text.substr(at + 1, close - at - 1));
    if (value == known.end() || value->second.empty()) {
      at = close;
      continue;
    }
    text.replace(at, close - at + 1, value->second);
    at += value->second.size();
  }
  return text;
}

/// Whether anything of a manifest is a connection's to say.
bool has_templates(const manifest& m) {
  return !m.private_hosts_setting.empty() || !template_in(m.auth.authorize_url).empty() ||
         !template_in(m.auth.token_url).empty() || std::any_of(m.egress.begin(), m.egress.end(), [](const auto& rule) {
           return !template_in(rule.host).empty();
         });
}

/// What the settings say of [auth], in place of the manifest's own words.
void fill_auth(auth_rules& rules, const values& known) {
  const auto& from = rules.of_settings;
  const auto said = [&known](const std::string& setting) {
    const auto value = known.find(setting);
    return setting.empty() || value == known.end() ? std::string() : value->second;
  };
  if (!from.scopes.empty()) {
    rules.scopes = words_in(said(from.scopes));
    rules.send_scope = !rules.scopes.empty();
  }
  if (const auto separator = said(from.scope_separator); !separator.empty())
    rules.scope_separator = separator == "comma" ? "," : " ";
  if (!from.extra_authorize_parameters.empty())
    rules.extra_authorize_parameters = parameters_in(said(from.extra_authorize_parameters)).value_or(values{});
  using authentication = auth_rules::client_authentication;
  if (const auto how = said(from.client_authentication); !how.empty())
    rules.authentication = how == "basic" ? authentication::basic : authentication::body;
  using format = auth_rules::body_format;
  if (const auto body = said(from.body_format); !body.empty())
    rules.format = body == "json" ? format::json : format::form;
  if (const auto wish = said(from.pkce); !wish.empty()) rules.pkce = wish == "yes";
  if (const auto wish = said(from.refresh_token); !wish.empty()) rules.refresh_token_required = wish == "required";
  if (const auto life = said(from.code_lifetime_s); !life.empty())
    rules.code_lifetime = std::chrono::seconds(std::atoi(life.c_str()));
  if (const auto prefix = said(from.token_prefix); !prefix.empty()) rules.token_prefix = prefix + ' ';
}

/// A rule for each host that a setting names: none where it names none.
void fill_egress(manifest& own, const manifest& of, const values& known) {
  std::vector<egress_rule> filled_in;
  for (auto& rule : own.egress) {
    const auto* setting = of.find_setting(template_in(rule.host));
    using kind = setting_rule::kind;
    if (!setting || (setting->type != kind::hosts && setting->type != kind::url)) {
      rule.host = filled(rule.host, known);
      filled_in.push_back(std::move(rule));
      continue;
    }
    for (const auto& named : words_in(known.at(setting->name))) {
      filled_in.push_back(rule);
      filled_in.back().host = host_in(named);
    }
  }
  own.egress = std::move(filled_in);
}

const std::string* value_of(const query_list& query, const std::string& name) {
  for (const auto& [known, value] : query)
    if (known == name) return &value;
  return nullptr;
}

/// Every parameter of the row that came says so, and at least one came.
bool names(const region_rule& region, const query_list& redirect) {
  bool any = false;
  for (const auto& [name, wanted] : region.redirect) {
    const auto* said = value_of(redirect, name);
    if (said && *said != wanted) return false;
    any = any || said;
  }
  return any;
}

bool says_a_region(const auth_rules& rules, const query_list& redirect) {
  for (const auto& region : rules.regions)
    for (const auto& [name, value] : region.redirect)
      if (value_of(redirect, name)) return true;
  return false;
}

/// False only where the redirect has all that the check needs, and contradicts the setting.
bool agrees(const auth_rules& rules, const query_list& redirect, const values& settings) {
  values said;
  for (const auto& [name, value] : redirect) said.emplace(name, value);
  const auto prefix = filled(rules.redirect_check_prefix, said);
  const auto setting = settings.find(rules.redirect_check_setting);
  if (rules.redirect_check_prefix.empty() || !template_in(prefix).empty()) return true;
  if (setting == settings.end() || setting->second.empty()) return true;
  return setting->second.starts_with(lower_case(prefix));
}

}  // namespace

const region_rule* region_of(const auth_rules& rules, const values& learned) {
  if (rules.regions.empty()) return nullptr;
  const auto known = learned.find(region_key);
  for (const auto& region : rules.regions)
    if (known != learned.end() && region.name == known->second) return &region;
  return &rules.regions.front();
}

std::string region_name(const auth_rules& rules, const values& learned) {
  const auto* region = region_of(rules, learned);
  return region ? region->name : std::string();
}

std::shared_ptr<const manifest> manifest_for(std::shared_ptr<const manifest> m, const values& settings,
                                             const values& learned) {
  if (!m || !has_templates(*m)) return m;
  values known;
  for (const auto& rule : m->settings) known[rule.name] = effective_value(rule, settings);
  if (const auto* region = region_of(m->auth, learned))
    for (const auto& [name, value] : region->values) known["region." + name] = value;

  manifest own = *m;
  own.auth.authorize_url = filled(own.auth.authorize_url, known);
  own.auth.token_url = filled(own.auth.token_url, known);
  fill_auth(own.auth, known);
  fill_egress(own, *m, known);
  if (!m->private_hosts_setting.empty()) own.private_hosts = words_in(known[m->private_hosts_setting]);
  return std::make_shared<const manifest>(std::move(own));
}

bool may_be_private(const manifest& m, std::string_view url) {
  return std::find(m.private_hosts.begin(), m.private_hosts.end(), host_in(url)) != m.private_hosts.end();
}

std::vector<std::string> servers_of(const std::shared_ptr<const manifest>& m,
                                    const std::map<std::string, std::string>& settings,
                                    const std::map<std::string, std::string>& learned) {
  std::vector<std::string> servers;
  const auto add = [&](const std::map<std::string, std::string>& known) {
    const auto there = manifest_for(m, settings, known);
    for (const auto& url : {there->auth.authorize_url, there->auth.token_url})
      if (std::find(servers.begin(), servers.end(), url) == servers.end()) servers.push_back(url);
  };
  add(learned);
  for (const auto& region : m->auth.regions) {
    auto elsewhere = learned;
    elsewhere[region_key] = region.name;
    add(elsewhere);
  }
  return servers;
}

std::string unfilled(const manifest& m) {
  auto name = template_in(m.auth.authorize_url);
  if (name.empty()) name = template_in(m.auth.token_url);
  for (const auto& rule : m.egress)
    if (name.empty()) name = template_in(rule.host);
  return name;
}

std::string issuer_setting(const manifest& of_provider, const values& settings) {
  const auto name = template_in(of_provider.auth.token_url);
  const auto* rule = of_provider.find_setting(name);
  return rule && of_provider.auth.token_url == "{" + name + "}" ? effective_value(*rule, settings) : std::string();
}

redirect_place place_of(const auth_rules& rules, const query_list& redirect, const values& settings) {
  redirect_place place;
  place.elsewhere = !agrees(rules, redirect, settings);
  if (!says_a_region(rules, redirect)) return place;
  for (const auto& region : rules.regions)
    if (place.region.empty() && names(region, redirect)) place.region = region.name;
  place.elsewhere = place.elsewhere || place.region.empty();
  return place;
}

std::string region_of_answer(const auth_rules& rules, std::string_view body) {
  if (rules.region_answer_path.empty()) return {};
  boost::system::error_code ec;
  const auto answer = boost::json::parse(boost::json::string_view(body.data(), body.size()), ec);
  if (ec) return {};
  const auto* said = answer.find_pointer(rules.region_answer_path, ec);
  if (!said || !said->is_string()) return {};
  const auto host = host_in(std::string_view(said->get_string()));
  for (const auto& region : rules.regions)
    if (const auto value = region.values.find(rules.region_answer_value);
        value != region.values.end() && value->second == host)
      return region.name;
  return {};
}

}  // namespace koppel::core
