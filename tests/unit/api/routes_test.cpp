// SPDX-License-Identifier: Apache-2.0
// The control socket's routes, without the socket: waiting for a connection's change, plugins, apps.

#include "tests/unit/api/api_world.hpp"

using namespace koppel;
using namespace std::chrono_literals;
using test::api_world;

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

TEST_CASE("a rescan over the route says what became of each plugin", "[api]") {
  api_world w;
  std::filesystem::remove(w.root / "plugins" / "bystander.so");

  const auto done = w.ask("POST", "/v1/plugins/rescan");

  CHECK(done.status == 200);
  CHECK(done.body.find(R"("name":"nameplate")") != std::string::npos);
  CHECK(done.body.find(R"("change":"unchanged")") != std::string::npos);
  CHECK(done.body.find(R"("change":"removed")") != std::string::npos);
  CHECK(w.ask("POST", "/v1/plugins/rescan", R"({"now":true})").status == 400);

  std::filesystem::remove_all(w.root / "plugins");
  const auto refused = w.ask("POST", "/v1/plugins/rescan");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("does not exist") != std::string::npos);
}

TEST_CASE("an app's secret is replaced by name, and never shown", "[api]") {
  api_world w;
  const auto c = w.connected("acme");

  const auto done = w.ask("POST", "/v1/apps/nameplate/acme/secret", R"({"client_secret":"another-canary"})");

  CHECK(done.status == 200);
  CHECK(done.body.find("canary") == std::string::npos);
  w.write([&](ledger::transaction& tx) { CHECK(tx.client_secret(c.app_id)->reveal() == "another-canary"); });
  CHECK(w.ask("POST", "/v1/apps/nameplate/nobody/secret", R"({"client_secret":"x"})").status == 404);
  CHECK(w.ask("POST", "/v1/apps/nameplate/acme/secret", "{}").status == 400);
}
