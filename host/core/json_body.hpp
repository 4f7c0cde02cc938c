// SPDX-License-Identifier: Apache-2.0
// A request's body as one JSON object, strictly: UTF-8, at most 32 levels, no name twice in an object. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace koppel::core {

struct json_body {
  boost::json::object object;
  std::string complaint;  ///< a sentence; empty when all was well
};

json_body read_json_body(std::string_view text);

}  // namespace koppel::core
