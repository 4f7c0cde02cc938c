// SPDX-License-Identifier: Apache-2.0
// manifest.toml -> core::manifest. The text comes out of a file that anybody may have written: everything in it is
// checked, and whatever is wrong is said with line and column (the first ten things at once). docs/manifest.md is the
// author's side.
#pragma once

#include <koppel/result.hpp>
#include <string_view>

#include "host/core/manifest.hpp"

namespace koppel::plugins {

inline constexpr std::size_t largest_manifest = std::size_t{256} << 10;

/// Where a manifest was found: in a library, whose code reads the streams, or alone in a file, where it also says how
/// they are read. Of that only the presence is looked at here: the connector that reads them (plugins/declarative)
/// knows.
enum class manifest_form { in_library, alone };

result<core::manifest> parse_manifest(std::string_view text, manifest_form form = manifest_form::in_library);

}  // namespace koppel::plugins
