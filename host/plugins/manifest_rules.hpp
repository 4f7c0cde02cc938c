// SPDX-License-Identifier: Apache-2.0
// What single values of a manifest may look like. Each function says what is wrong, or nothing. Pure.
#pragma once

#include <string>

#include "host/core/host_name.hpp"

namespace koppel::plugins {

/// [a-z], then [a-z0-9-], at most 32; `underscores` allows '_' too.
std::string wrong_name(const std::string& text, bool underscores);
std::string wrong_version(const std::string& text);
using core::wrong_host;
using core::wrong_https_url;
/// "/exact/path", or a prefix that ends in '*'.
std::string wrong_egress_path(const std::string& text);
std::string wrong_header_name(const std::string& text);
std::string wrong_header_value(const std::string& text);
/// "", "/a/0/b": RFC 6901.
std::string wrong_json_pointer(const std::string& text);
std::string wrong_pattern(const std::string& text);
bool matches_pattern(const std::string& pattern, const std::string& text);
/// One of the entities of docs/bus.md, or "<plugin>.<entity>".
std::string wrong_entity(const std::string& text, const std::string& plugin);

}  // namespace koppel::plugins
