// SPDX-License-Identifier: Apache-2.0
// The shell: two listeners on the loopback (TLS for the provider, plain HTTP for control) and the courier of webhooks,
// all on one thread. Beast and SSL stay in server.cpp and courier.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "certificates.hpp"
#include "simulator.hpp"

namespace koppel::provider_sim {

class server {
 public:
  /// Listens at once (port 0: any); throws boost::system::system_error if it cannot. `behind` outlives the server.
  server(simulator& behind, const certificate_files& certificates, std::uint16_t port, std::uint16_t control_port);
  ~server();

  std::uint16_t port() const;
  std::uint16_t control_port() const;

  /// Serves until SIGTERM or SIGINT.
  void run();

 private:
  struct shell;
  std::unique_ptr<shell> shell_;
};

}  // namespace koppel::provider_sim
