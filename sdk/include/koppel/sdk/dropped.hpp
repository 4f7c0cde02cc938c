// SPDX-License-Identifier: Apache-2.0
// The `dropped` list of a field map, written by reason: providers have dozens of fields that stay behind for the same
// one. Each field still stands there by its name.
//
//   constexpr dropped_group groups[] = {{"/Rating /Ownership", "no canonical field"}, {"/dob", "sensitive"}};
//   constexpr auto dropped = each_dropped<groups>();  // three dropped_field
#pragma once

#include <koppel/sdk/field_map.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace koppel::sdk {

struct dropped_group {
  std::string_view from;  ///< paths, a space between two of them
  std::string_view why;
};

template <const auto& Groups>
consteval auto each_dropped() {
  constexpr auto count = [] {
    std::size_t paths = 0;
    for (const dropped_group& group : Groups) {
      ++paths;
      for (const char c : group.from) paths += c == ' ';
    }
    return paths;
  }();
  std::array<dropped_field, count> out{};
  std::size_t at = 0;
  for (const dropped_group& group : Groups) {
    auto rest = group.from;
    for (bool more = true; more;) {
      const auto end = rest.find(' ');
      more = end != rest.npos;
      const auto path = rest.substr(0, end);
      if (path.size() < 2 || path[0] != '/') throw "a path begins with /, and one space is between two paths";
      out[at++] = {path, group.why};
      rest.remove_prefix(more ? end + 1 : rest.size());
    }
  }
  return out;
}

}  // namespace koppel::sdk
