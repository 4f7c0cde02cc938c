// SPDX-License-Identifier: Apache-2.0

#include "host/core/manifest.hpp"

#include <algorithm>

namespace koppel::core {

const stream_rule* manifest::find_stream(const std::string& stream) const {
  const auto found =
      std::find_if(streams.begin(), streams.end(), [&](const stream_rule& rule) { return rule.name == stream; });
  return found == streams.end() ? nullptr : &*found;
}

}  // namespace koppel::core
