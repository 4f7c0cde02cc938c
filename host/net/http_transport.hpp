// SPDX-License-Identifier: Apache-2.0
// How requests leave the host: net::http_client does it with TLS over sockets, the simulation within its own world.
#pragma once

#include "host/net/http.hpp"
#include "host/runtime/asio.hpp"

namespace koppel::net {

class http_transport {
 public:
  virtual ~http_transport() = default;

  /// One exchange: no redirect, no retry. Errors: see errc. The detail names the host, never a query nor a header.
  virtual runtime::awaitable<result<response>> send(request r, exchange_limits limits) = 0;
};

}  // namespace koppel::net
