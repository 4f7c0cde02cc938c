// SPDX-License-Identifier: Apache-2.0
// A certificate authority of one's own and a leaf for the provider's host names, as files in one folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace koppel::provider_sim {

struct certificate_files {
  std::filesystem::path ca;
  std::filesystem::path ca_key;
  std::filesystem::path leaf;
  std::filesystem::path leaf_key;
};

/// Makes the four files in `folder`, or takes those that are there. A leaf that does not cover all of `hosts` is made
/// anew by the same authority. Throws std::runtime_error if that fails.
certificate_files ensure_certificates(const std::filesystem::path& folder, const std::vector<std::string>& hosts);

}  // namespace koppel::provider_sim
