// SPDX-License-Identifier: Apache-2.0
// The door of REST: lets in who addresses this listener by its own name, is no foreign web page, and has a token. A
// browser on this machine can be made to send requests here by any page, and any name can be made to point here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/api/control_api.hpp"
#include "host/api/router.hpp"

namespace koppel::api {

/// How the listener may be called: names and addresses without port, v6 in brackets, lower case.
struct door_names {
  std::vector<std::string> hosts;
  std::uint16_t port = 0;
};

/// For a listener at this address: the names of loopback, the address, and what the configuration adds (or "").
door_names names_of(const std::string& address, std::uint16_t port, const std::string& public_name);

/// Whether this Host header names the listener: exactly, with its port or without one.
bool is_called(const door_names& names, std::string_view host);

/// The token of an Authorization header; empty where it holds none.
std::string_view bearer_of(const net::header_list& headers);

class rest_door {
 public:
  rest_door(control_api& api, door_names names);
  runtime::awaitable<answer> operator()(net::inbound_request r);

 private:
  control_api& api_;
  const door_names names_;
  router router_;
};

}  // namespace koppel::api
