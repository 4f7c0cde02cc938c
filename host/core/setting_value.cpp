// SPDX-License-Identifier: Apache-2.0

#include "host/core/setting_value.hpp"

#include <algorithm>
#include <array>
#include <boost/url/pct_string_view.hpp>
#include <regex>

#include "host/core/host_name.hpp"
#include "host/core/text.hpp"

namespace koppel::core {
namespace {

using kind = setting_rule::kind;

constexpr std::size_t most_hosts = 16;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view around = " \t\r\n\"'<>";
  const auto first = text.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

/// "Accounts.Example.com/auth" as people copy it: with its scheme, and the part of it that has no case in lower case.
std::string stored_url(std::string_view pasted) {
  std::string url(trimmed(pasted));
  if (url.empty()) return url;
  if (url.find("://") == std::string::npos) url = "https://" + url;
  const auto start = url.find("://") + 3;
  auto end = std::min(url.find_first_of("/?#", start), url.size());
  const auto front = lower_case(url.substr(0, end));
  url.replace(0, end, front);
  constexpr std::string_view port = ":443";
  if (front.ends_with(port)) url.erase(end - port.size(), port.size());
  return url;
}

std::string stored_hosts(std::string_view pasted) {
  std::string all;
  for (const auto& word : words_in(pasted)) all += (all.empty() ? "" : " ") + host_in(word);
  return all;
}

std::string stored_value(const setting_rule& rule, const std::string& given) {
  switch (rule.type) {
    case kind::host:
      return host_in(given);
    case kind::hosts:
      return stored_hosts(given);
    case kind::url:
      return stored_url(given);
    case kind::parameters: {
      auto text = trimmed(given);
      while (text.starts_with('?') || text.starts_with('&')) text.remove_prefix(1);
      return std::string(text);
    }
    case kind::text:
    case kind::choice:
      break;
  }
  return given;
}

std::string wrong_choice(const setting_rule& rule, const std::string& value) {
  if (std::find(rule.choices.begin(), rule.choices.end(), value) != rule.choices.end()) return {};
  std::string known;
  for (const auto& choice : rule.choices) known += (known.empty() ? "" : ", ") + choice;
  return "must be one of: " + known;
}

std::string wrong_hosts(const std::string& value) {
  const auto all = words_in(value);
  if (all.size() > most_hosts) return "must be " + std::to_string(most_hosts) + " host names at most";
  for (const auto& host : all)
    if (auto wrong = wrong_host(host); !wrong.empty()) return "each " + wrong;
  return {};
}

std::string wrong_of_kind(const setting_rule& rule, const std::string& value) {
  switch (rule.type) {
    case kind::hosts:
      return wrong_hosts(value);
    case kind::url:
      return wrong_https_url(value);
    case kind::choice:
      return wrong_choice(rule, value);
    case kind::parameters:
      return parameters_in(value)
                 ? ""
                 : "must be parameters like \"access_type=offline&prompt=consent\", each once, and none "
                   "that Koppel sets itself (response_type, client_id, redirect_uri, state, scope, "
                   "code_challenge, code_challenge_method)";
    case kind::host:
      return wrong_host(value);
    case kind::text:
      break;
  }
  return {};
}

}  // namespace

std::string effective_value(const setting_rule& rule, const std::map<std::string, std::string>& settings) {
  const auto set = settings.find(rule.name);
  return set == settings.end() || set->second.empty() ? rule.default_value : set->second;
}

std::string host_in(std::string_view pasted) {
  pasted = trimmed(pasted);
  if (const auto scheme = pasted.find("://"); scheme != std::string_view::npos) pasted.remove_prefix(scheme + 3);
  pasted = pasted.substr(0, pasted.find_first_of("/?#"));
  if (pasted.ends_with(":443")) pasted.remove_suffix(4);
  return lower_case(pasted);
}

std::map<std::string, std::string> stored_settings(const manifest& m, std::map<std::string, std::string> given) {
  for (const auto& rule : m.settings)
    if (const auto set = given.find(rule.name); set != given.end()) {
      set->second = stored_value(rule, set->second);
      if (set->second.empty()) given.erase(set);
    }
  return given;
}

std::string wrong_setting(const setting_rule& rule, const std::string& value) {
  // Nothing is what is given to take a preset's value away: the default holds.
  if (value.empty()) return {};
  if (value.size() > longest_setting) return "is longer than " + std::to_string(longest_setting) + " bytes";
  if (auto wrong = wrong_of_kind(rule, value); !wrong.empty()) return wrong;
  const bool fits = rule.pattern.empty() || std::regex_match(value, std::regex(rule.pattern));
  return fits ? "" : "does not have the form that is expected";
}

new_places leads_to(const manifest& m, const std::map<std::string, std::string>& before,
                    const std::map<std::string, std::string>& after) {
  new_places places;
  for (const auto& rule : m.settings) {
    // That a name may lead into a private network makes no other name of it, and is an operator's to say.
    if (rule.name == m.private_hosts_setting) continue;
    const auto was = effective_value(rule, before), becomes = effective_value(rule, after);
    if (rule.type == kind::host || rule.type == kind::url) places.another_address |= was != becomes;
    if (rule.type != kind::hosts) continue;
    const auto known = words_in(was);
    for (auto& host : words_in(becomes)) {
      if (std::find(known.begin(), known.end(), host) != known.end()) continue;
      places.list = rule.name;
      places.added.push_back(std::move(host));
    }
  }
  return places;
}

std::string settings_refusal(const manifest& m, const std::map<std::string, std::string>& settings) {
  for (const auto& [name, value] : settings) {
    const auto* rule = m.find_setting(name);
    if (!rule) {
      std::string known;
      for (const auto& s : m.settings) known += (known.empty() ? "" : ", ") + s.name;
      return m.title + " has no setting \"" + name + "\"" + (known.empty() ? "; it has none" : "; it has " + known) +
             ".";
    }
    if (auto wrong = wrong_setting(*rule, value); !wrong.empty()) {
      const bool form = wrong.starts_with("does not have the form");
      const auto of_form = "does not have the form that " + m.title + " expects: " + rule->help.en;
      return "The setting \"" + name + "\" " + (form ? of_form : wrong + ".");
    }
  }
  for (const auto& rule : m.settings) {
    if (rule.required && effective_value(rule, settings).empty())
      return m.title + " needs the setting \"" + rule.name + "\": " + rule.help.en;
    const auto* other = m.find_setting(rule.required_without);
    if (other && effective_value(rule, settings).empty() && effective_value(*other, settings).empty())
      return m.title + " needs the setting \"" + rule.name + "\", or \"" + other->name + "\": " + rule.help.en;
  }
  return {};
}

bool same_settings(const manifest& m, const std::map<std::string, std::string>& before,
                   const std::map<std::string, std::string>& after) {
  return std::all_of(m.settings.begin(), m.settings.end(), [&](const setting_rule& rule) {
    return effective_value(rule, before) == effective_value(rule, after);
  });
}

std::string operators_setting(const manifest& m, const std::map<std::string, std::string>& before,
                              const std::map<std::string, std::string>& given) {
  for (const auto& rule : m.settings)
    if (rule.operator_only && given.contains(rule.name) &&
        effective_value(rule, given) != effective_value(rule, before))
      return rule.name;
  return {};
}

bool is_own_parameter(std::string_view name) {
  constexpr std::array<std::string_view, 7> ours{"response_type", "client_id",      "redirect_uri",         "state",
                                                 "scope",         "code_challenge", "code_challenge_method"};
  return std::find(ours.begin(), ours.end(), name) != ours.end();
}

std::optional<std::map<std::string, std::string>> parameters_in(std::string_view text) {
  std::map<std::string, std::string> all;
  const auto plain = [](std::string_view part) -> std::optional<std::string> {
    const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '#' || c == '?'; };
    if (std::any_of(part.begin(), part.end(), odd)) return std::nullopt;
    const auto view = boost::urls::make_pct_string_view(part);
    if (!view) return std::nullopt;
    return view->decode();
  };
  while (!text.empty()) {
    const auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = plain(part.substr(0, equals)), value = plain(part.substr(equals + 1));
    if (!name || !value || name->empty() || is_own_parameter(*name) || !all.emplace(*name, *value).second)
      return std::nullopt;
  }
  return all;
}

std::vector<std::string> words_in(std::string_view text) {
  constexpr std::string_view between = " ,\t\r\n";
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(between, at)) != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(between, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

with_preset add_preset(const manifest& m, const std::string& preset, std::map<std::string, std::string> given) {
  if (preset.empty()) return {std::move(given), {}};
  std::string known;
  for (const auto& rule : m.presets) {
    known += (known.empty() ? "" : ", ") + rule.name;
    if (rule.name != preset) continue;
    if (!rule.plugin.empty())
      return {{},
              rule.title + " has a plugin of its own, which reads it: koppelctl connection add " + rule.plugin +
                  "/NAME --app APP."};
    auto settings = rule.settings;
    for (auto& [name, value] : given) settings[name] = std::move(value);
    return {std::move(settings), {}};
  }
  return {{},
          m.title + " has no preset \"" + escaped(preset, 64) + "\"" +
              (known.empty() ? "; it has none." : "; it has " + known + ".")};
}

}  // namespace koppel::core
