// SPDX-License-Identifier: Apache-2.0
// What single values of a manifest may look like. Each function says what is wrong, or nothing. Pure.
#pragma once

#include <string>

namespace koppel::plugins {

/// [a-z], then [a-z0-9-], at most 32; `underscores` allows '_' too.
std::string wrong_name(const std::string& text, bool underscores);
std::string wrong_version(const std::string& text);
/// A DNS name in lower case with at least one dot: no scheme, port, wildcard or IP address.
std::string wrong_host(const std::string& text);
/// https://name/..., without user, port other than 443, or fragment.
std::string wrong_https_url(const std::string& text);
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
