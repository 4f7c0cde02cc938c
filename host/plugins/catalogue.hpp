// SPDX-License-Identifier: Apache-2.0
// What lies in the plugin folder: every .so file and every .toml file, with its manifest or with the reason why it
// cannot be used.
#pragma once

#include <koppel/result.hpp>
#include <memory>
#include <string>
#include <vector>

#include "host/core/manifest.hpp"
#include "host/plugins/library_file.hpp"

namespace koppel::plugins {

struct candidate {
  std::string file;  ///< whole path
  std::string name;  ///< of the manifest; the file's name where the manifest cannot be read
  std::shared_ptr<const core::manifest> manifest;  ///< shared with whatever works by it, and outlives the plugin so
  file_stamp stamp;                                ///< of the file that was examined
  std::string text;                                ///< of the manifest: the plugin is told it
  bool alone = false;                              ///< a manifest without a library
  std::string reason;                              ///< where there is no usable manifest: a whole sentence
};

/// In the order of the file names, with the operator's figures for `limits` in the manifests. Files that do not end in
/// ".so" or ".toml", or begin with a dot, are none of ours.
result<std::vector<candidate>> read_folder(const std::string& folder, const std::vector<core::limit_override>& limits);

}  // namespace koppel::plugins
