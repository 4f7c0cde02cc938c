// SPDX-License-Identifier: Apache-2.0

#include "host/core/json_body.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace koppel::core {
namespace json = boost::json;
namespace {

constexpr std::size_t deepest = 32;

/// Members of all objects in it, however deep.
std::size_t members(const json::value& v) {
  std::size_t count = 0;
  if (const auto* list = v.if_array())
    for (const auto& one : *list) count += members(one);
  if (const auto* o = v.if_object())
    for (const auto& one : *o) count += 1 + members(one.value());
  return count;
}

/// Colons outside of strings: one a member, in text that is known to be JSON.
std::size_t colons(std::string_view text) {
  std::size_t count = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      in_string = !in_string;
    else if (!in_string && text[i] == ':')
      ++count;
  }
  return count;
}

}  // namespace

json_body read_json_body(std::string_view text) {
  json_body read;
  boost::system::error_code ec;
  json::parse_options strict;
  strict.max_depth = deepest;
  auto value = json::parse(json::string_view(text.data(), text.size()), ec, {}, strict);
  if (ec || !value.is_object()) {
    read.complaint = "The body has to be one JSON object" + (ec ? ": " + ec.message() : "") + ".";
  } else if (members(value) != colons(text)) {
    // The parser keeps the last of two: which one somebody else saw, nobody knows.
    read.complaint = "The body has a name twice in one object.";
  } else {
    read.object = std::move(value.as_object());
  }
  return read;
}

}  // namespace koppel::core
