// SPDX-License-Identifier: Apache-2.0
// msgpack to a JSON tree, for the messages of the wire: there bin is not text, and one bin field is wanted as bytes.
#pragma once

#include <boost/json/value.hpp>
#include <koppel/result.hpp>
#include <string_view>

namespace koppel::bus {

enum class bins {
  base64,    ///< bin and ext become base64 strings
  refuse,    ///< bin and ext are malformed
  keep_one,  ///< one top-level bin is handed out as bytes, its field left out; anything else is malformed
};

struct json_tree {
  boost::json::value root;
  std::string_view bytes;      ///< keep_one: the bin, inside the input
  std::string_view bytes_key;  ///< keep_one: under which key it was
};

/// Exactly one object, nothing behind it; depth, counts, keys and UTF-8 are checked as everywhere.
result<json_tree> tree_from_msgpack(std::string_view bytes, bins how);

}  // namespace koppel::bus
