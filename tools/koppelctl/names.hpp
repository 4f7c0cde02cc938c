// SPDX-License-Identifier: Apache-2.0
// "teamleader/acme": how people name apps and connections.
#pragma once

#include <koppel/result.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::koppelctl {

struct full_name {
  std::string provider, name;

  std::string text() const { return provider + "/" + name; }
  bool operator==(const full_name&) const = default;
};

/// A provider and a name of [a-z0-9-], one slash between them. The sentence of a failure says what is wrong.
result<full_name> parse_name(std::string_view text);

/// "key=value", several times, no key twice. The value may be empty and may hold "=". `option` is what complaints name.
result<std::map<std::string, std::string>> parse_settings(const std::vector<std::string>& pairs,
                                                          const std::string& option = "--set");

}  // namespace koppel::koppelctl
