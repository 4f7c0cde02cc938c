// SPDX-License-Identifier: Apache-2.0
// The one way out: HTTPS with the certificate, the host name and SNI always checked, TLS 1.2 or newer, pooled
// keep-alive connections, one deadline over the whole exchange, no redirect, no retry (that is core's decision, one
// layer up), `Accept-Encoding: identity`. Owns no policy: which hosts are allowed is decided before it is asked. Main
// strand only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/net/http_transport.hpp"

namespace koppel::net {

/// [[route]] of the configuration: requests to `host` go to `address` ("127.0.0.1:8443"), trusting `ca_file` alone.
/// Name and SNI stay those of `host`.
struct route {
  std::string host;
  std::string address;
  std::string ca_file;
};

struct client_options {
  std::vector<route> routes;
  std::size_t connections_per_host =
      limits::connections_per_host;                            ///< more requests wait in line, within their deadline
  std::chrono::milliseconds idle_limit = limits::pooled_idle;  ///< a connection that idled for longer is not used again
};

class http_client final : public http_transport {
 public:
  /// Fails where a route's CA file cannot be read or its address is none.
  static result<std::unique_ptr<http_client>> make(runtime::asio::any_io_executor executor, client_options options);
  ~http_client() override;

  /// When a pooled connection turns out to be closed before the first byte of an answer, a request with a safe method
  /// (GET, HEAD, OPTIONS), or one of which nothing was written, is sent once more on a new connection; anything else is
  /// errc::cut.
  runtime::awaitable<result<response>> send(request r, exchange_limits limits = {}) override;

  /// Look-ups of names that run, also those that nobody waits for any more: threads that cannot be ended.
  std::size_t look_ups_under_way() const;

 private:
  class impl;
  explicit http_client(std::shared_ptr<impl> p);
  std::shared_ptr<impl> impl_;
};

}  // namespace koppel::net
