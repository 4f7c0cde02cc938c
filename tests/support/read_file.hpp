// SPDX-License-Identifier: Apache-2.0
// The bytes of a file at once: read one by one, a library with its debug information takes seconds under a sanitizer.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace koppel::test {

/// Throws, which fails the test by the file's name, where it cannot be read.
inline std::string read_file(const std::filesystem::path& path) {
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw std::runtime_error(path.string() + " cannot be read");
  return bytes;
}

}  // namespace koppel::test
