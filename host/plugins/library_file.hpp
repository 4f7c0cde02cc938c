// SPDX-License-Identifier: Apache-2.0
// Looks at a plugin's file without running a line of it: is it a whole shared library for this machine, does it export
// the one symbol, and what is its manifest. The bytes are hostile until proven otherwise.
#pragma once

#include <koppel/result.hpp>
#include <string>

namespace koppel::plugins {

inline constexpr std::size_t largest_library = std::size_t{64} << 20;

/// The text of the manifest in the library at `path`. A failure's sentence begins with the file's name.
result<std::string> read_library(const std::string& path);

}  // namespace koppel::plugins
