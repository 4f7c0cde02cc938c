// SPDX-License-Identifier: Apache-2.0
// Waiting for a connection's change over the control socket's route, without the socket.

#include "host/api/control_api.hpp"
#include "tests/unit/auth/world.hpp"

using namespace koppel;
using namespace std::chrono_literals;

namespace {

struct api_world : test::world {
  api_world() {
    sync_.emplace(sync::sync_surroundings{supervisor, clock, *book, *host, *provider,
                                          [](const ledger::connection&, const std::string&, boost::json::object) {},
                                          [](std::string, int, std::string) {}},
                  sync::sync_options{});
    api_.emplace(api::api_surroundings{supervisor, clock, *book, *host, *auth, *sync_,
                                       [] { return std::vector<std::string>(); }, "", "", "", ""});
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

  std::optional<sync::sync_service> sync_;
  std::optional<api::control_api> api_;
  api::router router;
  int answers = 0, status = 0;
};

}  // namespace

TEST_CASE("two that wait for changes wake nobody, and both hear of the change", "[api]") {
  api_world w;
  auto c = w.connected("acme");
  w.poll("acme", "3");
  w.poll("acme", "3");

  // Far fewer than this if they sleep; hundreds of thousands if one's wait ends the other's.
  const auto steps = w.io.run_for(300ms);
  CHECK(steps < 200);
  CHECK(w.answers == 0);

  c.auth.generation = 4;
  w.write([&](ledger::transaction& tx) { REQUIRE(tx.update_connection(c)); });
  w.api_->connection_changed(c);
  test::run_until(w.io, [&] { return w.answers == 2; });
  CHECK(w.status == 200);
}
