// SPDX-License-Identifier: Apache-2.0
// The field tables of every manifest that has some.
#pragma once

#include <koppel/sdk/field_table.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace koppel::fields {

struct provider {
  std::string name;  ///< the plugin's: "teamleader"
  std::vector<sdk::stream_fields> tables;
};

/// Of the folders in `plugins` whose manifest.toml has a table; in the order of the alphabet. Kinds of value are known
/// by name alone: whether the plugin has them, its own tests see. Throws std::runtime_error with the folder and what is
/// wrong.
std::vector<provider> providers_in(const std::filesystem::path& plugins);

}  // namespace koppel::fields
