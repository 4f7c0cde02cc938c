// SPDX-License-Identifier: Apache-2.0

#include "host/core/manifest.hpp"

#include <algorithm>

namespace koppel::core {

const stream_rule* manifest::find_stream(const std::string& stream) const {
  const auto found =
      std::find_if(streams.begin(), streams.end(), [&](const stream_rule& rule) { return rule.name == stream; });
  return found == streams.end() ? nullptr : &*found;
}

const setting_rule* manifest::find_setting(const std::string& setting) const {
  const auto found =
      std::find_if(settings.begin(), settings.end(), [&](const setting_rule& rule) { return rule.name == setting; });
  return found == settings.end() ? nullptr : &*found;
}

std::vector<std::string> override_limits(manifest& m, const std::vector<limit_override>& given) {
  std::vector<std::string> unknown;
  for (const auto& one : given) {
    if (one.provider != m.name) continue;
    const auto rule =
        std::find_if(m.limits.begin(), m.limits.end(), [&](const limit_rule& r) { return r.name == one.limit; });
    if (rule != m.limits.end()) {
      rule->requests = one.requests;
      continue;
    }
    std::string those;
    for (const auto& r : m.limits) those += (those.empty() ? "" : ", ") + r.name;
    unknown.push_back("The configuration has a [[limit]] \"" + one.limit + "\" of " + m.name + ", which has " +
                      (those.empty() ? "none" : "these: " + those) + ". It changes nothing.");
  }
  return unknown;
}

}  // namespace koppel::core
