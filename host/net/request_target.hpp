// SPDX-License-Identifier: Apache-2.0
// A request's target as path and query. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::net {

struct decoded_target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  ///< in order, duplicates kept; '+' is a space
};

/// Takes origin-form ("/path?query") alone. Nothing where two readers could see two different things: a bad percent, an
/// encoded slash or NUL or control character, a dot segment in whatever disguise, a backslash, bytes that are not
/// UTF-8.
std::optional<decoded_target> decode_target(std::string_view target);

}  // namespace koppel::net
