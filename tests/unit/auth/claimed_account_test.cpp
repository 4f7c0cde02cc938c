// SPDX-License-Identifier: Apache-2.0
// Providers that are a connection's own to name: whose account a grant opens is a claim, and may be asked of nobody.

#include "world.hpp"

namespace koppel::auth {
namespace {

using core::auth_reason;
using core::auth_status;
using test::http_answer;
using test::nameplate_of;
using test::world;

ledger::connection chosen(world& w, const std::string& name, const std::string& host = "login.nameplate.test",
                          const std::string& account = "") {
  return w.add(name, "chooser",
               {{"authorization_url", "https://" + host + "/authorize"},
                {"token_url", "https://" + host + "/token"},
                {"account", account}});
}

/// A connection that works, bound to account "42".
ledger::connection bound(world& w, const std::string& name, const std::string& account = "") {
  auto c = chosen(w, name, "login.nameplate.test", account);
  w.write([&](ledger::transaction& tx) {
    c.auth.status = auth_status::authorized;
    c.auth.generation = 3;
    c.pinned = core::account{"42", "Acme", ""};
    c.auth.who = c.pinned;
    if (!tx.update_connection(c)) FAIL("not updated");
  });
  return c;
}

/// A code of its own for each connection.
result<ledger::connection> given_code(world& w, const ledger::connection& c) {
  confirmation how;
  how.how = confirmation::mode::yes;
  return w.run(w.auth->paste(c.id, core::secret("code-of-" + c.name), how));
}

}  // namespace

TEST_CASE("nobody keeps another customer from an account by claiming it", "[auth][claimed]") {
  world w;
  w.says = {{"POST /token", {test::grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  bound(w, "claims-it");
  const auto c = chosen(w, "owns-it");
  const auto done = given_code(w, c);
  REQUIRE(done);
  CHECK(done->auth.status == auth_status::authorized);
  CHECK(w.now(c).pinned->id == "42");
}

TEST_CASE("within one registration and one token endpoint an account is one connection's", "[auth][claimed]") {
  world w;
  w.says = {{"POST /token", {test::grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto first = bound(w, "first");
  const auto second = chosen(w, "second");
  const auto elsewhere = chosen(w, "elsewhere", "login.eu.nameplate.test");
  w.write([&](ledger::transaction& tx) {
    if (!tx.move_connection(second.id, first.app_id)) FAIL("not moved");
    if (!tx.move_connection(elsewhere.id, first.app_id)) FAIL("not moved");
  });
  const auto refused = given_code(w, second);
  REQUIRE(refused);
  CHECK(refused->auth.reason == auth_reason::account_in_use);
  const auto done = given_code(w, elsewhere);
  REQUIRE(done);
  CHECK(done->auth.status == auth_status::authorized);
}

TEST_CASE("where the probe asks nobody, the refusal of a token without a successor ends the grant", "[auth][claimed]") {
  world w;
  const auto c = bound(w, "acme", "42");
  w.store(c, "old-token");
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == auth_reason::revoked);
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("where the probe asks nobody, a renewal that works proves the grant", "[auth][claimed]") {
  world w;
  w.says = {{"POST /token", {test::grant("new-token", R"(,"expires_in":3600)")}}};
  const auto c = bound(w, "acme", "42");
  w.store(c, "old-token", {}, "refresh-1");
  w.clock.advance(std::chrono::minutes{5});
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == auth_status::authorized);
  CHECK(w.stored_token(c) == "new-token");
  // Refused once more right afterwards: it is no question of the grant.
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == auth_status::authorized);
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("where the probe asks nobody, a renewal that is refused ends the grant", "[auth][claimed]") {
  world w;
  w.says = {{"POST /token", {http_answer(400, R"({"error":"invalid_grant"})")}}};
  const auto c = bound(w, "acme", "42");
  w.store(c, "old-token", {}, "refresh-1");
  w.clock.advance(std::chrono::minutes{5});
  w.run_void(w.auth->credentials_refused(c.id, 401, "401 to a list"));
  CHECK(w.now(c).auth.status == auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == auth_reason::revoked);
}

}  // namespace koppel::auth
