// SPDX-License-Identifier: Apache-2.0
#include "tools/fields/tables.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace koppel::fields {

std::vector<provider> providers_in(const std::filesystem::path& plugins) {
  std::vector<provider> out;
  for (const auto& entry : std::filesystem::directory_iterator(plugins)) {
    const auto name = entry.path().filename().string();
    std::ifstream in(entry.path() / "manifest.toml", std::ios::binary);
    if (!in) continue;
    const std::string text(std::istreambuf_iterator<char>(in), {});
    try {
      auto tables = sdk::read_field_tables(text, sdk::kind_list::with_unknown());
      if (!tables.empty()) out.push_back({name, std::move(tables)});
    } catch (const std::runtime_error& why) {
      throw std::runtime_error(name + ": " + why.what());
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace koppel::fields
