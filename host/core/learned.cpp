// SPDX-License-Identifier: Apache-2.0

#include "host/core/learned.hpp"

#include "host/core/connection_manifest.hpp"
#include "host/core/record.hpp"

namespace koppel::core {

bool learn(std::map<std::string, std::string>& known, const std::string& name, const std::string& value) {
  if (name.starts_with('@')) return false;  // the host's own
  if (name.size() > longest_learned_name || !is_good_name(name)) return false;
  if (value.size() > longest_learned_value || !is_plain_text(value)) return false;
  if (!known.contains(name) && known.size() >= most_learned) return false;
  known[name] = value;
  return true;
}

std::map<std::string, std::string> job_settings(const manifest& m, std::map<std::string, std::string> settings,
                                                const std::map<std::string, std::string>& learned) {
  std::erase_if(settings, [](const auto& set) { return set.second.empty(); });
  for (const auto& [name, value] : learned)
    if (!name.starts_with('@')) settings.try_emplace(name, value);
  if (const auto* region = region_of(m.auth, learned)) {
    settings["region"] = region->name;
    for (const auto& [name, value] : region_values(m.auth, learned)) settings["region." + name] = value;
  }
  for (const setting_rule& rule : m.settings)
    if (!rule.default_value.empty()) settings.try_emplace(rule.name, rule.default_value);
  return settings;
}

}  // namespace koppel::core
