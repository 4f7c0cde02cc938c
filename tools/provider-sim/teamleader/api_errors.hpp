// SPDX-License-Identifier: Apache-2.0
// The error envelope of the API: {"errors":[{"code":0,"title":...,"status":...,"meta":{"field":...}}]}.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>

#include "http_message.hpp"

namespace koppel::provider_sim::teamleader {

inline reply api_error(int status, std::string_view title, std::string_view field = {}) {
  boost::json::object error{{"code", 0}, {"title", title}, {"status", status}};
  if (!field.empty()) error["meta"] = boost::json::object{{"field", field}};
  return json_reply(status,
                    boost::json::serialize(boost::json::object{{"errors", boost::json::array{std::move(error)}}}));
}

inline reply data_reply(boost::json::value data) {
  return json_reply(200, boost::json::serialize(boost::json::object{{"data", std::move(data)}}));
}

}  // namespace koppel::provider_sim::teamleader
