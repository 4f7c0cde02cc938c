// SPDX-License-Identifier: Apache-2.0
// Credentials that are refused while in use, and a start after an interrupted exchange.

#include "world.hpp"

namespace koppel::auth {
namespace {

using test::http_answer;
using test::nameplate_of;
using test::world;

TEST_CASE("a refusal that the probe does not confirm changes nothing", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.connected("acme");
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.requests_to("GET /me") == 1);
  CHECK(w.now(c).auth == c.auth);
  CHECK(w.events().empty());
}

TEST_CASE("a refusal that the probe confirms is one event, and the credentials are kept", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}};
  const auto c = w.connected("acme");
  int ended = 0;
  for (int i = 0; i < 2; ++i)  // two streams meet it at once
    boost::asio::co_spawn(w.io, w.auth->credentials_refused(c.id, 401, "401 to a list"),
                          [&](std::exception_ptr) { ++ended; });
  test::run_until(w.io, [&] { return ended == 2; });

  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::revoked);
  REQUIRE(w.events().size() == 1);
  CHECK(w.events()[0].find(R"("display":"Failed, Status code: Unauthorized")") != std::string::npos);
  CHECK(w.requests_to("GET /me") == 1);
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("a token that has expired needs no second question", "[auth][credentials]") {
  world w;
  const auto c = w.connected("acme");
  w.store(c, "expired", w.clock.now());
  w.run_void(w.auth->credentials_refused(c.id, 401, "expired"));
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::unclear);
  CHECK(w.server->requests().empty());
}

TEST_CASE("a trouble of the provider is no verdict on the credentials", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(503, "")}}};
  const auto c = w.connected("acme");
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth == c.auth);
}

TEST_CASE("a grant that was stored before the process ended is verified at the next start", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  REQUIRE(w.run(w.auth->begin(c.id, {}, "")));
  w.store(c, "stored-in-time");
  w.run_void(w.auth->resume());
  CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
  CHECK(w.now(c).auth.who->id == "42");
  CHECK(w.stored_token(c) == "stored-in-time");
}

TEST_CASE("a bound connection that waits for a new code is left alone at the start", "[auth][credentials]") {
  world w;
  auto c = w.connected("acme");
  w.write([&](ledger::transaction& tx) {
    c.auth.status = core::auth_status::waiting;
    REQUIRE(tx.update_connection(c));
  });
  w.run_void(w.auth->resume());
  CHECK(w.server->requests().empty());
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
}

}  // namespace
}  // namespace koppel::auth
