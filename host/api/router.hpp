// SPDX-License-Identifier: Apache-2.0
// Method and path pattern to handler: "/v1/connections/{provider}/{name}". Answers 404 and 405 itself, in the API's
// error form, and reads bodies.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/api/caller.hpp"
#include "host/net/http_server.hpp"

namespace koppel::api {

/// What a handler gets: the request, the parts of the path, and the body as an object (empty where there is none).
struct call {
  net::inbound_request request;
  std::map<std::string, std::string, std::less<>> path;
  boost::json::object body;
  caller who;

  /// A query parameter, or empty.
  std::string query(std::string_view name) const;
};

using answer = net::outbound_response;
using handler = std::function<runtime::awaitable<answer>(call)>;

answer json_answer(int status, const boost::json::value& body);
/// {"error":{"code","message"}}; the message is a sentence that says what to do.
answer error_answer(int status, std::string_view code, std::string_view message);

class router {
 public:
  void add(std::string method, std::string_view pattern, handler h);
  runtime::awaitable<answer> operator()(net::inbound_request r, caller who = {}) const;

 private:
  struct route {
    std::string method;
    std::vector<std::string> parts;  ///< "{name}" is a parameter
    handler handle;
  };
  std::vector<route> routes_;
};

}  // namespace koppel::api
