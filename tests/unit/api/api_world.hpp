// SPDX-License-Identifier: Apache-2.0
// The routes without the sockets: a small host, and requests that are handed to the router.
#pragma once

#include "host/api/control_api.hpp"
#include "tests/unit/auth/world.hpp"

namespace koppel::test {

/// The API over the small host of the auth tests.
struct api_world : world {
  api_world() {
    sync_.emplace(sync::sync_surroundings{supervisor, clock, *book, *host, *provider,
                                          [](const ledger::connection&, const std::string&, boost::json::object) {},
                                          [](std::string, int, std::string) {}},
                  sync::sync_options{});
    api::api_surroundings around{
        supervisor, clock, *book, *host, *auth,     *sync_, [] { return std::vector<std::string>(); },
        "",         "",    "",    "",    &*provider};
    around.changed = [this](const ledger::connection& c) { told.push_back(c); };
    api_.emplace(std::move(around));
    api_->add_routes(router);
  }

  /// Waits until the connection is beyond this generation; `answers` counts.
  void poll(const std::string& name, const std::string& generation) {
    net::inbound_request r;
    r.method = "GET";
    r.path = "/v1/connections/nameplate/" + name;
    r.query = {{"after_generation", generation}};
    boost::asio::co_spawn(io, router(std::move(r)), [this](std::exception_ptr, api::answer a) {
      ++answers;
      status = a.status;
    });
  }

  api::answer ask(const std::string& method, const std::string& path, const std::string& body = "") {
    net::inbound_request r;
    r.method = method;
    r.path = path;
    r.body = body;
    return run(router(std::move(r)));
  }

  std::optional<sync::sync_service> sync_;
  std::optional<api::control_api> api_;
  api::router router;
  int answers = 0, status = 0;
  std::vector<ledger::connection> told;  ///< to whoever keeps a copy of a connection
};

}  // namespace koppel::test
