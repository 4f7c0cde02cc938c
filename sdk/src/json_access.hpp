// SPDX-License-Identifier: Apache-2.0
// The one door from the public JSON view to the parser behind it; for sources of the SDK only.
#pragma once

#include <koppel/sdk/json.hpp>

#include <boost/json/value.hpp>

namespace koppel::sdk {

struct json_access {
  static const boost::json::value* value(const json& of) { return static_cast<const boost::json::value*>(of.at_); }
  static json make(std::shared_ptr<const void> document, const boost::json::value* at) {
    return {std::move(document), at};
  }
};

}  // namespace koppel::sdk
