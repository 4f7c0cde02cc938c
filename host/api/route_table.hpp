// SPDX-License-Identifier: Apache-2.0
// What a route is, for both doors and for the OpenAPI document that is made from the table (openapi.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/api/caller.hpp"
#include "host/api/router.hpp"

namespace koppel::api {

class control_api;

/// A parameter of a query, or a member of a body or an answer.
struct field {
  std::string name;
  std::string type;  ///< "string", "integer", "boolean", "object", "strings", or the name of a schema (openapi.cpp);
                     ///< "a|b": either
  std::string about;
  bool required = false;
};

struct route {
  enum class doors { both, control };
  /// Who may come: anybody whose token has the scope, or only those that are bound to no customer.
  enum class reach { customers, whole_daemon };

  std::string method, path;
  doors open_to = doors::both;
  scope needs = scope::admin;
  reach of = reach::whole_daemon;
  runtime::awaitable<answer> (control_api::*handle)(call) = nullptr;
  std::string summary;
  std::vector<field> query, body;
  int success = 200;
  std::string answers;  ///< the schema of what a success answers
};

}  // namespace koppel::api
