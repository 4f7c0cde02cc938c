// SPDX-License-Identifier: Apache-2.0
// A certificate authority of one's own and a leaf for the provider's host names, as files in one folder.
#pragma once

#include <filesystem>

namespace koppel::provider_sim {

struct certificate_files {
  std::filesystem::path ca;
  std::filesystem::path ca_key;
  std::filesystem::path leaf;
  std::filesystem::path leaf_key;
};

/// Makes the four files in `folder`, or takes those that are there. Throws std::runtime_error if that fails.
certificate_files ensure_certificates(const std::filesystem::path& folder);

}  // namespace koppel::provider_sim
