// SPDX-License-Identifier: Apache-2.0
// The way from a host to the provider and back: with latency, and with all that goes wrong on it. What has left the
// host arrives, or not, whatever becomes of the host.
#pragma once

#include <memory>
#include <string>

#include "host/net/http_transport.hpp"
#include "tests/simulation/provider.hpp"
#include "tests/simulation/request_watch.hpp"
#include "tests/simulation/world.hpp"

namespace koppel::simulation {

class network final : public net::http_transport {
 public:
  /// `boot` numbers the host's life.
  network(world& w, provider& p, request_watch& watch, std::uint64_t boot)
      : world_(w), provider_(p), watch_(watch), boot_(boot) {}

  runtime::awaitable<result<net::response>> send(net::request r, net::exchange_limits limits) override;

 private:
  struct exchange;
  void dispatch(const std::shared_ptr<exchange>& e);

  world& world_;
  provider& provider_;
  request_watch& watch_;
  const std::uint64_t boot_;
};

}  // namespace koppel::simulation
