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

}  // namespace koppel::core
