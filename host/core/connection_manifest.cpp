// SPDX-License-Identifier: Apache-2.0

#include "host/core/connection_manifest.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "host/core/host_name.hpp"
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
  return !m.title_setting.empty() || !m.private_hosts_setting.empty() || !template_in(m.auth.authorize_url).empty() ||
         !template_in(m.auth.token_url).empty() || std::any_of(m.egress.begin(), m.egress.end(), [](const auto& rule) {
           return !template_in(rule.host).empty();
         });
}

/// Whether the preset has this connection's addresses of link and token request.
bool is_of(const preset_rule& preset, const manifest& m, const values& known) {
  const auto same = [&](const std::string& url) {
    const auto name = template_in(url);
    const auto theirs = preset.settings.find(name), ours = known.find(name);
    return theirs != preset.settings.end() && ours != known.end() && theirs->second == ours->second;
  };
  return same(m.auth.authorize_url) && same(m.auth.token_url);
}

/// Whom people have to go to: by the connection's own word, else by the preset that it could have been made with (none
/// is stored), else the host that its link leads to. "OAuth 2" would tell nobody.
std::string title_of(const manifest& m, const values& known) {
  const auto named = [&m](const values& settings) {
    const auto said = settings.find(m.title_setting);
    return said == settings.end() ? std::string() : said->second;
  };
  if (m.title_setting.empty()) return m.title;
  if (auto own = named(known); !own.empty()) return own;
  for (const auto& preset : m.presets)
    if (is_of(preset, m, known)) {
      auto theirs = named(preset.settings);
      return theirs.empty() ? preset.title : theirs;
    }
  const auto link = known.find(template_in(m.auth.authorize_url));
  return link == known.end() || link->second.empty() ? m.title : host_in(link->second);
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

account_place known_place(const auth_rules& rules, const values& learned) {
  account_place place{region_name(rules, learned), {}};
  const auto known = learned.find(environment_key);
  const auto& all = rules.region_environments;
  if (known != learned.end() && std::find(all.begin(), all.end(), known->second) != all.end())
    place.environment = known->second;
  return place;
}

void remember_place(values& learned, const account_place& where) {
  if (where.region.empty()) return;
  learned[region_key] = where.region;
  if (where.environment.empty())
    learned.erase(environment_key);
  else
    learned[environment_key] = where.environment;
}

values region_values(const auth_rules& rules, const values& learned) {
  const auto* region = region_of(rules, learned);
  if (!region) return {};
  auto all = region->values;
  if (const auto place = known_place(rules, learned); !place.environment.empty())
    all[rules.region_answer_value] = all[place.environment];
  return all;
}

std::string addresses_in(const manifest& m, const values& settings) {
  std::string all;
  for (const auto& rule : m.settings) {
    using kind = setting_rule::kind;
    if (rule.type != kind::host && rule.type != kind::hosts && rule.type != kind::url) continue;
    all.append(rule.name).append("=").append(effective_value(rule, settings)).append("\n");
  }
  return all;
}

std::shared_ptr<const manifest> manifest_for(std::shared_ptr<const manifest> m, const values& settings,
                                             const values& learned) {
  if (!m || !has_templates(*m)) return m;
  values known;
  for (const auto& rule : m->settings) known[rule.name] = effective_value(rule, settings);
  for (const auto& [name, value] : region_values(m->auth, learned)) known["region." + name] = value;

  manifest own = *m;
  own.title = title_of(*m, known);
  own.auth.authorize_url = filled(own.auth.authorize_url, known);
  own.auth.token_url = filled(own.auth.token_url, known);
  fill_auth(own.auth, known);
  fill_egress(own, *m, known);
  if (!m->private_hosts_setting.empty()) own.private_hosts = words_in(known[m->private_hosts_setting]);
  own.filled_with = addresses_in(*m, settings);
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

answer_place place_of_answer(const auth_rules& rules, std::string_view body) {
  if (rules.region_answer_path.empty()) return {};
  boost::system::error_code ec;
  const auto answer = boost::json::parse(boost::json::string_view(body.data(), body.size()), ec);
  if (ec) return {};
  const auto* said = answer.find_pointer(rules.region_answer_path, ec);
  if (!said || said->is_null()) return {};
  const auto host = said->is_string() ? host_in(std::string_view(said->get_string())) : std::string();
  if (said->is_string() && host.empty()) return {};
  for (const auto& region : rules.regions)
    for (const auto& [name, value] : region.values) {
      const auto& others = rules.region_environments;
      const bool usual = name == rules.region_answer_value;
      if (value != host || (!usual && std::find(others.begin(), others.end(), name) == others.end())) continue;
      return {.unknown = false, .host = host, .where = {region.name, usual ? std::string() : name}};
    }
  return {.unknown = true, .host = wrong_host(host).empty() ? host : "what is no host name", .where = {}};
}

}  // namespace koppel::core
