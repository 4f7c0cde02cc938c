// SPDX-License-Identifier: Apache-2.0
// A code that is tried with new settings, or leads elsewhere: what becomes of the grant that there was.

#include "tests/unit/api/chosen_provider.hpp"
#include "tests/unit/api/rest_world.hpp"

using namespace koppel;
using Catch::Contains;
using test::rest_world;
using test::working_for_4711;

namespace {

/// Customer 4711's connection, whose grant may work again when its secret is mended.
ledger::connection stopped_for_4711(rest_world& w) {
  auto c = working_for_4711(w);
  w.write([&](ledger::transaction& tx) {
    c = *tx.find_connection(c.id);
    c.auth.status = core::auth_status::misconfigured;
    c.auth.reason = core::auth_reason::secret_wrong;
    if (!tx.update_connection(c)) FAIL("not updated");
  });
  return c;
}

}  // namespace

TEST_CASE("a code that is refused takes the settings with it, and a renewal meanwhile goes where the grant came from",
          "[api][rest]") {
  rest_world w;
  const std::string acme = "acme.my.atlas.test", globex = "globex.my.atlas.test";
  const auto c = w.working_at(acme);
  const auto token = w.token("x", "4711", {"read", "connect"});
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})"), test::grant("renewed")};

  // While the code is under way somebody needs a newer token.
  std::string tried_with;
  std::optional<auth::renewal> renewal;
  w.on_request = [&](const std::string& request) {
    if (request.find("grant_type=authorization_code") == std::string::npos) return;
    tried_with = w.now(c).settings.at("host");
    boost::asio::co_spawn(w.io, w.provider->renew(c.id, 1, auth::renewal_cause::expired),
                          [&](std::exception_ptr, auth::renewal became) { renewal = std::move(became); });
  };
  const auto saved = w.call(
      "PUT", "/v1/customers/4711/providers/atlas", token, {},
      R"({"client_id":"mine","client_secret":"my-canary","settings":{"host":")" + globex + R"("},"code":"c0de"})");
  CHECK(saved.status == 200);
  CHECK_THAT(saved.body, Contains("Failed, Status code: BadRequest"));
  test::run_until(w.io, [&] { return renewal.has_value(); });

  CHECK(tried_with == globex);
  CHECK(renewal->what == auth::renewal::outcome::renewed);
  const auto now = w.now(c);
  CHECK(now.settings.at("host") == acme);
  CHECK(now.app_id == c.app_id);
  CHECK(now.auth.status == core::auth_status::authorized);
  const auto& asked = w.server->requests();
  REQUIRE(asked.size() == 2);
  CHECK_THAT(asked[0], Contains("client_id=mine") && !Contains("secret-canary"));
  CHECK_THAT(asked[1], Contains("client_id=client-operators") && Contains("refresh_token=old-refresh"));
  w.write([&](ledger::transaction& tx) { CHECK(tx.client_secret(c.app_id)->reveal() == "secret-canary"); });
}

TEST_CASE("settings that lead a working grant elsewhere are saved with a code from there alone", "[api][rest]") {
  rest_world w;
  const std::string acme = "acme.my.atlas.test", globex = "globex.my.atlas.test";
  const auto c = w.working_at(acme);
  const auto link = w.run(w.auth->begin(c.id, {}, ""));
  REQUIRE(link);
  const auto token = w.token("x", "4711", {"read", "connect"});
  const auto refused =
      w.call("PUT", "/v1/customers/4711/providers/atlas", token, {},
             R"({"client_id":"client-operators","client_secret":"mine","settings":{"host":")" + globex + R"("}})");
  CHECK(refused.status == 422);
  CHECK_THAT(refused.body, Contains("Another address needs an authorization code"));
  CHECK(w.now(c).settings.at("host") == acme);
  CHECK(w.now(c).app_id == c.app_id);
  CHECK(w.server->requests().empty());

  // Where the grant is over, a code for the new address takes its place, and no open link's code follows.
  w.write([&](ledger::transaction& tx) {
    auto over = *tx.find_connection(c.id);
    over.auth.status = core::auth_status::needs_reauth;
    if (!tx.update_connection(over)) FAIL("not updated");
  });
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  const auto saved = w.call(
      "PUT", "/v1/customers/4711/providers/atlas", token, {},
      R"({"client_id":"mine","client_secret":"my-canary","settings":{"host":")" + globex + R"("},"code":"c0de"})");
  CHECK(saved.status == 200);
  CHECK(w.now(c).settings.at("host") == globex);
  CHECK(w.stored_token(c).empty());
  for (const auto& request : w.server->requests())
    CHECK_THAT(request, !Contains("old-refresh") && !Contains("old-token"));
}

TEST_CASE("a grant that was refused for settings is kept, and asked about again when they are mended", "[api]") {
  rest_world w;
  const auto c = working_for_4711(w);
  w.write([&](ledger::transaction& tx) {
    auto over = *tx.find_connection(c.id);
    over.auth.status = core::auth_status::misconfigured;
    over.auth.reason = core::auth_reason::secret_wrong;
    over.settings["of_a_former_version"] = "x";
    if (!tx.update_connection(over)) FAIL("not updated");
  });
  const auto patch = [&](const std::string& settings) {
    return w.ask("PATCH", "/v1/connections/chooser/of-4711", R"({"settings":)" + settings + "}");
  };
  const auto in_question = [&] {
    bool said = false;
    w.write([&](ledger::transaction& tx) {
      const auto age = tx.find_token_age(c.id);
      said = age && age->unproven;
    });
    return said;
  };
  // It may come back where it came from: nothing leads it elsewhere, and nobody throws it away.
  CHECK(patch(R"({"token_url":"https://login.eu.nameplate.test/token"})").status == 422);
  CHECK(w.stored_token(c) == "old-token");
  CHECK_FALSE(in_question());

  // A setting that the plugin no longer has is in nobody's way.
  CHECK(patch(R"({"account":"43","of_a_former_version":""})").status == 200);
  CHECK_FALSE(w.now(c).settings.contains("of_a_former_version"));
  CHECK(in_question());
}

TEST_CASE("a grant that may come back survives a code that gives no access elsewhere", "[api]") {
  rest_world w;
  const auto c = stopped_for_4711(w);
  const auto elsewhere = [&](const std::string& token_url, const std::string& code) {
    return w.ask("PATCH", "/v1/connections/chooser/of-4711",
                 R"({"settings":{"token_url":")" + token_url + R"("},"code":")" + code + "\"}");
  };
  const auto nothing_lost = [&] {
    CHECK(w.stored_token(c) == "old-token");
    CHECK(w.now(c).settings.at("token_url") == "https://login.nameplate.test/token");
    w.write([&](ledger::transaction& tx) { CHECK(auth::auth_service::may_come_back(tx, *tx.find_connection(c.id))); });
    for (const auto& request : w.server->requests())
      CHECK_THAT(request, !Contains("old-refresh") && !Contains("old-token"));
  };
  CHECK(elsewhere("https://login.eu.nameplate.test/token", "two words").status == 422);
  nothing_lost();
  CHECK(w.now(c).auth.reason == core::auth_reason::secret_wrong);

  const auto unreachable = elsewhere("https://login.nowhere.test/token", "c0de");
  CHECK(unreachable.status == 422);
  CHECK_THAT(unreachable.body, Contains("cannot be reached") && Contains("The settings are as they were."));
  CHECK(w.stored_token(c) == "old-token");
  CHECK(w.now(c).settings.at("token_url") == "https://login.nameplate.test/token");
}

TEST_CASE("a grant that may come back survives a code that is refused elsewhere, and goes there no more than before",
          "[api]") {
  rest_world w;
  const auto c = stopped_for_4711(w);
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  const auto refused = w.ask("PATCH", "/v1/connections/chooser/of-4711",
                             R"({"settings":{"token_url":"https://login.eu.nameplate.test/token"},"code":"c0de"})");
  CHECK(refused.status == 200);
  CHECK_THAT(refused.body, Contains("Failed, Status code: BadRequest"));
  CHECK(w.stored_token(c) == "old-token");
  CHECK(w.now(c).settings.at("token_url") == "https://login.nameplate.test/token");
  REQUIRE(w.requests_to("POST /token") == 1);
  CHECK_THAT(w.server->requests().front(), Contains("code=c0de") && !Contains("old-refresh"));
}

TEST_CASE("a code from another address takes the place of a grant that may come back", "[api]") {
  rest_world w;
  const auto c = stopped_for_4711(w);
  w.says["POST /token"] = {test::grant("new-token")};
  const auto saved = w.ask("PATCH", "/v1/connections/chooser/of-4711",
                           R"({"settings":{"token_url":"https://login.eu.nameplate.test/token"},"code":"c0de"})");
  CHECK(saved.status == 200);
  CHECK(w.stored_token(c) == "new-token");
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.now(c).settings.at("token_url") == "https://login.eu.nameplate.test/token");
  REQUIRE(w.requests_to("POST /token") == 1);
  CHECK_THAT(w.server->requests().front(), Contains("Host: login.eu.nameplate.test") && !Contains("old-refresh"));
}
