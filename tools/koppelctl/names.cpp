// SPDX-License-Identifier: Apache-2.0
// Names are checked here as well as in the daemon: they become part of an address, and the mistake is told at once.

#include "tools/koppelctl/names.hpp"

#include <algorithm>

#include "tools/koppelctl/errors.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

constexpr std::size_t name_bytes = 64;

bool is_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= name_bytes && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

result<full_name> parse_name(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1)))
    return full_name{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  return fail(errc::usage, "\"" + shortened(printable(text), 80) +
                               "\" is no name: write provider/name, such as teamleader/acme, each of at most 64 "
                               "lower-case letters, digits and hyphens.");
}

result<std::map<std::string, std::string>> parse_settings(const std::vector<std::string>& pairs,
                                                          const std::string& option) {
  std::map<std::string, std::string> settings;
  for (const auto& pair : pairs) {
    const auto equals = pair.find('=');
    // The value may be something that should not be repeated on a screen.
    if (equals == std::string::npos || equals == 0) return fail(errc::usage, option + " takes key=value.");
    const auto key = pair.substr(0, equals);
    if (!settings.emplace(key, pair.substr(equals + 1)).second)
      return fail(errc::usage, option + " names " + shortened(printable(key), 80) + " twice.");
  }
  return settings;
}

}  // namespace koppel::koppelctl
