// SPDX-License-Identifier: Apache-2.0
// The field maps of every plugin that has a mapping.hpp. Which there are is found when the build is configured.
#pragma once

#include <koppel/sdk/field_map.hpp>

#include <span>
#include <string_view>

namespace koppel::fields {

struct table {
  std::string_view name;  ///< the variable's: "company_map"
  const sdk::field_map* map;
};

struct provider {
  std::string_view name;  ///< the plugin's: "teamleader"
  std::span<const table> tables;
};

/// In the order of the alphabet.
std::span<const provider> providers();

}  // namespace koppel::fields
