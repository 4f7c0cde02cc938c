// SPDX-License-Identifier: Apache-2.0
// Where a grant's token may be used when settings change: which hosts are added by whose word, and what a trial keeps.

#include <boost/json/serialize.hpp>

#include "tests/unit/api/chosen_provider.hpp"
#include "tests/unit/api/rest_world.hpp"

using namespace koppel;
using Catch::Contains;
using test::at_host;
using test::chosen_by_4711;
using test::rest_world;
using test::working_for_4711;
namespace json = boost::json;

TEST_CASE("a host that is added for fetch takes a grant's token there by the word of whoever runs Koppel alone",
          "[api][rest]") {
  rest_world w;
  const auto c = working_for_4711(w);
  const std::string path = "/v1/connections/chooser/of-4711";
  const auto admin = w.token("z", std::nullopt, {"admin"});
  const auto hosts = [](const std::string& list) { return R"({"settings":{"api_hosts":")" + list + R"("}})"; };
  const auto by_token = [&](const std::string& list) { return w.call("PATCH", path, admin, {}, hosts(list)); };

  // An admin's token may be stolen, and what it adds and asks for would bring it every grant's token.
  const auto refused = by_token("api.nameplate.test evil.example");
  CHECK(refused.status == 422);
  CHECK_THAT(refused.body, Contains("be used at api.nameplate.test evil.example too") &&
                               Contains("needs an authorization code") &&
                               Contains("koppelctl connection set chooser/of-4711 api_hosts=HOSTS"));
  CHECK_FALSE(w.now(c).settings.contains("api_hosts"));

  CHECK(w.ask("PATCH", path, hosts("api.nameplate.test api.eu.nameplate.test")).status == 200);
  CHECK(w.now(c).settings.at("api_hosts") == "api.nameplate.test api.eu.nameplate.test");
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "old-token");
  // It is asked there at once, though the token was in use before.
  w.says["GET /v2/me"] = {test::nameplate_of("42", "Acme")};
  const auto fetched = [&](const std::string& host) {
    return w.ask("POST", path + "/fetch", R"({"url":"https://)" + host + R"(/v2/me"})").status;
  };
  CHECK(fetched("api.eu.nameplate.test") == 200);

  // Fewer hosts, or the same in another order, lead nowhere.
  CHECK(by_token("api.eu.nameplate.test api.nameplate.test").status == 200);
  CHECK(by_token("api.nameplate.test").status == 200);
  CHECK(fetched("api.nameplate.test") == 200);
  CHECK(fetched("api.eu.nameplate.test") == 422);
  CHECK(by_token("api.eu.nameplate.test").status == 422);
  // Nor does the operator's socket lead a grant to another address without a code.
  CHECK(
      w.ask("PATCH", path, R"({"settings":{"api_hosts":"a.example","token_url":"https://a.example/token"}})").status ==
      422);
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("while a code is tried with other hosts, no request takes the former grant's token there", "[api][rest]") {
  rest_world w;
  const auto c = working_for_4711(w);
  const std::string path = "/v1/connections/chooser/of-4711";
  const auto admin = w.token("z", std::nullopt, {"admin"});
  w.says = {{"POST /token", {test::http_answer(400, R"({"error":"invalid_grant"})")}},
            {"GET /v2/me", {test::nameplate_of("42", "Acme")}}};
  const auto begin = [&](const std::string& method, const std::string& at, const std::string& body, int& status) {
    net::inbound_request r;
    r.method = method;
    r.path = at;
    r.body = body;
    r.headers = {{"host", "localhost"}, {"authorization", "Bearer " + admin}, {"content-type", "application/json"}};
    boost::asio::co_spawn(w.io, w.door(std::move(r)),
                          [&status](std::exception_ptr, const api::answer& a) { status = a.status; });
  };
  int tried = 0, fetched = 0;
  w.server->hold();
  begin("PATCH", path, R"({"settings":{"api_hosts":"api.eu.nameplate.test"},"code":"c0de"})", tried);
  test::run_until(w.io, [&] { return w.server->held() == 1; });
  begin("POST", path + "/fetch", R"({"url":"https://api.eu.nameplate.test/v2/me"})", fetched);
  test::run_until(w.io, [&] { return fetched != 0 || w.server->held() == 2; });
  CHECK(w.server->held() == 1);
  w.server->release();
  test::run_until(w.io, [&] { return tried != 0 && fetched != 0; });
  CHECK(tried == 200);
  CHECK(fetched == 503);
  CHECK(w.requests_to("GET /v2/me") == 0);
  CHECK_FALSE(w.now(c).settings.contains("api_hosts"));
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("what is told of a code names the service that the connection's settings name", "[api][rest]") {
  rest_world w;
  const auto c = chosen_by_4711(w);
  const auto token = w.token("x", "4711", {"read", "connect"});
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  auto settings = at_host("login.nameplate.test");
  const auto saved = [&](const std::string& code) {
    const json::object body{
        {"client_id", "mine"}, {"client_secret", "my-canary"}, {"settings", settings}, {"code", code}};
    return w.call("PUT", "/v1/customers/4711/providers/chooser", token, {}, json::serialize(body)).body;
  };
  CHECK_THAT(saved("c1"), Contains("The house's own refused the authorization code"));
  CHECK_THAT(w.events().back(), Contains("The house's own refused the authorization code"));
  settings["service"] = "Acme CRM";
  CHECK_THAT(saved("c2"), Contains("Acme CRM refused the authorization code"));
  CHECK_THAT(w.ask("GET", "/v1/connections/chooser/of-4711").body, Contains("Acme CRM a refusé le code"));
  CHECK(w.now(c).auth.reason == core::auth_reason::code_refused);
}
