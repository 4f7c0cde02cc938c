// SPDX-License-Identifier: Apache-2.0
// A record's fields as msgpack bytes, looked at without building a tree: a map is split into views of its values, and
// joined again with sorted keys. Views point into the bytes they were split from.
#pragma once

#include <boost/container/flat_map.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace koppel::core {

using field_views = boost::container::flat_map<std::string_view, std::string_view>;

/// The fields of one msgpack map; nothing if it is no map of strings, has a key twice, or bytes follow it.
std::optional<field_views> split_fields(std::string_view map);

std::string join_fields(const field_views& fields);

bool is_null(std::string_view value);
bool is_list(std::string_view value);

/// One list of all their elements, in this order. Every argument is a list.
std::string concatenated(std::span<const std::string_view> lists);

}  // namespace koppel::core
