// SPDX-License-Identifier: Apache-2.0
// Where a webhook address leads. Plain HTTP and HTTPS go to this machine's loopback; a host with another name needs a
// route there, as Koppel's own [[route]] sends a provider's hosts to the simulator.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace koppel::provider_sim {

struct webhook_route {
  std::string address;  ///< of the loopback
  std::uint16_t port = 0;
  std::string ca_file;  ///< who signs its certificate; empty: whom the system trusts
};

using webhook_routes = std::map<std::string, webhook_route>;  ///< by host name

struct webhook_target {
  bool tls = false;
  std::string host;       ///< for the certificate
  std::string authority;  ///< for the Host header
  std::string path;
  webhook_route at;
};

/// `problem` says why `url` is not called.
struct webhook_address {
  webhook_target target;
  std::string problem;
};
webhook_address resolve_webhook(const std::string& url, const webhook_routes& routes);

/// An address of the loopback with a port, as a route names it; empty `address` if it is none.
webhook_route loopback_address(const std::string& text);

}  // namespace koppel::provider_sim
