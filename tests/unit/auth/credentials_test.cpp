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

/// A connection whose pair is old enough to be renewed; nothing says when its access token ends.
ledger::connection with_refresh_token(world& w) {
  const auto c = w.connected("acme");
  w.store(c, "old-token", {}, "refresh-1");
  w.clock.advance(std::chrono::minutes{5});
  return c;
}

const std::string new_pair = test::grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")");

TEST_CASE("a refused token is renewed before its grant is given up", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}"), nameplate_of("42", "Acme")}}, {"POST /token", {new_pair}}};
  const auto c = with_refresh_token(w);
  w.run_void(w.auth->credentials_refused(c.id, 401, "in other words than a 401"));
  CHECK(w.now(c).auth == c.auth);
  CHECK(w.events().empty());
  CHECK(w.stored_token(c) == "new");
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.requests_to("GET /me") == 2);
}

TEST_CASE("an access token that ended on the way to the question is renewed as well", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {nameplate_of("42", "Acme")}}, {"POST /token", {new_pair}}};
  const auto c = w.connected("acme");
  w.store(c, "over", w.clock.now(), "refresh-1");
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth == c.auth);
  CHECK(w.stored_token(c) == "new");
}

TEST_CASE("a grant whose renewed token is refused as well is dead, after one renewal", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}, {"POST /token", {new_pair}}};
  const auto c = with_refresh_token(w);
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::revoked);
  CHECK(w.events().size() == 1);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.stored_token(c) == "new");
}

TEST_CASE("a pair that was renewed a moment ago and is refused is not renewed again", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}, {"POST /token", {new_pair}}};
  const auto c = w.connected("acme");
  w.store(c, "just-renewed", {}, "refresh-1");
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.requests_to("POST /token") == 0);
}

TEST_CASE("a refused token whose renewal is refused has its answer, and is presented once", "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}, {"POST /token", {http_answer(400, R"({"error":"invalid_grant"})")}}};
  const auto c = with_refresh_token(w);
  for (int i = 0; i < 2; ++i) w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::revoked);
  CHECK(w.now(c).auth.http_status == 400);
  CHECK(w.events().size() == 1);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("a refused token whose renewal has no definite answer is not presented again at once",
          "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}, {"POST /token", {http_answer(500, "{}")}}};
  const auto c = with_refresh_token(w);
  for (int i = 0; i < 2; ++i) w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth == c.auth);
  CHECK(w.events().empty());
  CHECK(w.requests_to("POST /token") == 1);
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
  w.store(c, "stored-in-time", {}, "", "ask");
  w.resume_until(c, core::auth_status::awaiting_confirmation);
  CHECK(w.now(c).auth.who->id == "42");
  CHECK(w.stored_token(c) == "stored-in-time");
}

/// The link was opened, the pair stored, and the host away until the access token was over.
ledger::connection stored_too_long_ago(world& w) {
  const auto c = w.add("acme");
  REQUIRE(w.run(w.auth->begin(c.id, {}, "")));
  w.store(c, "over", w.clock.now() - std::chrono::minutes{1}, "refresh-1", "ask");
  return c;
}

TEST_CASE("a grant whose access token ended while the host was away is renewed and then verified",
          "[auth][credentials]") {
  world w;
  w.says = {{"POST /token", {new_pair}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = stored_too_long_ago(w);
  w.resume_until(c, core::auth_status::awaiting_confirmation);
  CHECK(w.stored_token(c) == "new");
  CHECK(w.requests_to("POST /token") == 1);
  for (const auto& r : w.server->requests()) CHECK(r.find("Bearer over") == std::string::npos);
}

TEST_CASE("a grant whose access token is refused, of whose age nobody knows, is renewed once", "[auth][credentials]") {
  world w;
  w.says = {{"POST /token", {new_pair}}, {"GET /me", {http_answer(401, "{}"), nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  w.store(c, "old", std::nullopt, "refresh-1", "yes");
  w.clock.advance(std::chrono::minutes{10});
  w.resume_until(c, core::auth_status::authorized);
  CHECK(w.stored_token(c) == "new");
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a grant that was revoked while the host was away says so, and is not presented again",
          "[auth][credentials]") {
  world w;
  w.says = {{"POST /token", {http_answer(400, R"({"error":"invalid_grant"})")}}};
  const auto c = stored_too_long_ago(w);
  const auto others = w.supervisor.running();
  w.resume_until(c, core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::revoked);
  test::run_until(w.io, [&] { return w.supervisor.running() == others; });
  w.start_auth();
  w.run_void(w.auth->resume());
  CHECK(w.supervisor.running() == others);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.stored_token(c) == "over");
}

TEST_CASE("a provider in trouble at the start keeps a grant whose access token is over", "[auth][credentials]") {
  world w;
  w.says = {{"POST /token", {http_answer(429, "{}", "Retry-After: 40\r\n")}}};
  const auto c = stored_too_long_ago(w);
  w.run_void(w.auth->resume());
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 1; });
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
  CHECK(w.stored_token(c) == "over");
  CHECK(w.requests_to("GET /me") == 0);
}

TEST_CASE("a bound connection whose new grant nobody could be asked about is asked about at the next start",
          "[auth][credentials]") {
  world w;
  w.says = {{"GET /me", {nameplate_of("42", "Acme")}}};
  auto c = w.connected("acme");
  w.store(c, "new", {}, "", "ask");
  w.write([&](ledger::transaction& tx) {
    c.auth.status = core::auth_status::waiting;
    REQUIRE(tx.update_connection(c));
  });
  w.resume_until(c, core::auth_status::authorized);
  CHECK(w.stored_token(c) == "new");
}

TEST_CASE("a mended secret brings back the connections that it had cost", "[auth][credentials]") {
  world w;
  w.says = {{"POST /token", {http_answer(401, R"({"error":"invalid_client"})"), new_pair}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  auto c = w.connected("acme");
  w.store(c, "over", w.clock.now() - std::chrono::minutes{1}, "refresh-1");
  CHECK(w.run(w.provider->renew(c.id, 2, renewal_cause::expired)).what == renewal::outcome::impossible);
  REQUIRE(w.now(c).auth.status == core::auth_status::misconfigured);
  w.run_void(w.auth->resume());
  CHECK(w.requests_to("POST /token") == 1);

  w.write([&](ledger::transaction& tx) { auth_service::question_refused_grants(tx, c.app_id); });
  w.resume_until(c, core::auth_status::authorized);
  CHECK(w.stored_token(c) == "new");
  CHECK(w.now(c).pinned == c.pinned);
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
