// SPDX-License-Identifier: Apache-2.0
// The bus folder: until consumers have keys, its mode 0700 is all that guards the bus.
#pragma once

#include <filesystem>
#include <koppel/result.hpp>
#include <string>

namespace koppel::bus {

/// Creates the folder with mode 0700, or checks that the one that is there is ours and closed to others.
result<> prepare_folder(const std::filesystem::path& folder);

inline std::string follow_endpoint(const std::filesystem::path& folder) {
  return "ipc://" + (folder / "follow").string();
}
inline std::string live_endpoint(const std::filesystem::path& folder) { return "ipc://" + (folder / "live").string(); }

}  // namespace koppel::bus
