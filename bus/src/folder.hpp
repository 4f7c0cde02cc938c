// SPDX-License-Identifier: Apache-2.0
// The bus folder: until consumers have keys, its mode 0700 is all that guards the bus.
#pragma once

#include <filesystem>
#include <koppel/result.hpp>
#include <string>

namespace koppel::bus {

/// Creates the folder with mode 0700, or checks that the one that is there is ours and closed to others.
result<> prepare_folder(const std::filesystem::path& folder);

/// Keeps the folder for this host until it is destroyed. ZeroMQ binds over whatever socket is there, a living one too,
/// and unlinks at its end whatever is there then: so it has to outlive the ZeroMQ context.
class folder_lock {
 public:
  folder_lock() = default;
  ~folder_lock() { release(); }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

  /// The folder has to be there (`prepare_folder`). folder_in_use: another host has it.
  result<> take(const std::filesystem::path& folder);
  void release();

 private:
  int file_ = -1;
};

inline std::string follow_endpoint(const std::filesystem::path& folder) {
  return "ipc://" + (folder / "follow").string();
}
inline std::string live_endpoint(const std::filesystem::path& folder) { return "ipc://" + (folder / "live").string(); }

}  // namespace koppel::bus
