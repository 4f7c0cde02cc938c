// SPDX-License-Identifier: Apache-2.0
// Looks at a plugin's file without running a line of it: is it a whole shared library for this machine, does it export
// the one symbol, and what is its manifest; or is it a manifest alone. The bytes are hostile until proven otherwise.
#pragma once

#include <sys/stat.h>

#include <koppel/result.hpp>
#include <string>

namespace koppel::plugins {

inline constexpr std::size_t largest_library = std::size_t{64} << 20;

/// Which file it was, and in which state.
struct file_stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};

  bool operator==(const file_stamp& other) const;
};

/// A library, or a manifest that stands alone.
struct examined_file {
  std::string manifest;  ///< its text
  file_stamp stamp;
};

/// A failure's sentence begins with the file's name.
result<examined_file> read_library(const std::string& path);

/// A manifest without code, "acme.toml": the same rules for the file itself.
result<examined_file> read_manifest_file(const std::string& path);

/// Why what lies at `path` is not the file that was examined, as a sentence that begins with its name; empty where it
/// is. Asked before each start: another file would run under a manifest that is not its own.
std::string changed_since(const std::string& path, const file_stamp& stamp);

}  // namespace koppel::plugins
