// SPDX-License-Identifier: Apache-2.0
// The REST API as an OpenAPI 3.1 document, made from the table of routes. docs/openapi.json is a copy; a test compares.
// Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "host/api/route_table.hpp"

namespace koppel::api {

boost::json::object openapi(const std::vector<route>& routes);

/// Two spaces a level, as people read it.
std::string pretty(const boost::json::value& v);

}  // namespace koppel::api
