// SPDX-License-Identifier: Apache-2.0
// The data folder: ours alone (0700), and held by one host at a time. The lock goes when the process does, however it
// ends.
#pragma once

#include <cstdint>
#include <koppel/result.hpp>
#include <string>

namespace koppel::ledger {

/// Makes the folder if it is missing and refuses one that others may enter.
result<void> prepare_folder(const std::string& folder);

class folder_lock {
 public:
  /// errc::locked names the process that holds it.
  static result<folder_lock> take(const std::string& folder);
  folder_lock(folder_lock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  folder_lock& operator=(folder_lock&&) = delete;
  ~folder_lock();

 private:
  explicit folder_lock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// Bytes that we may still write on the folder's disk; very many where nobody can say.
std::uint64_t free_bytes(const std::string& folder);

/// Makes names in the folder durable (after a rename).
result<void> sync_folder(const std::string& folder);

}  // namespace koppel::ledger
