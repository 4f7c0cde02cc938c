// SPDX-License-Identifier: Apache-2.0
// What Pro+ saves for a customer: registration, settings and code in one request, and what must not follow from it.

#include <boost/json/parse.hpp>
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

TEST_CASE("a registration that others share is used as it is and never changed by a customer", "[api][rest]") {
  rest_world w;
  // The operator's: one app, which a connection of this customer and one of another use.
  auto shared = w.add("shared");
  w.write([&](ledger::transaction& tx) {
    shared.name = "of-4711";
    shared.customer = "4711";
    shared = *tx.insert_connection(shared);
  });
  const auto token = w.token("x", "4711", {"read", "connect"});
  const std::string here = "/v1/customers/4711/providers/nameplate";
  const auto put = [&](const std::string& body) { return w.call("PUT", here, token, {}, body); };

  CHECK(put(R"({"client_id":"client-shared","client_secret":"secret-canary"})").status == 200);
  CHECK(w.now(shared).app_id == shared.app_id);
  // Without a secret of its own nothing can be changed: the operator's would go where the customer says.
  for (const char* part : {R"({"client_id":"mine"})", R"({"settings":{"region":"evil.example"}})",
                           R"({"redirect_uri":"https://x.example/"})", R"({"client_id":"mine","code":"some-code"})"}) {
    const auto refused = put(part);
    CHECK(refused.status == 422);
    CHECK_THAT(refused.body, Contains("registration of the operator's"));
    CHECK(w.now(shared).settings.empty());
  }
  w.write([](ledger::transaction& tx) { CHECK(tx.apps().size() == 1); });
  const auto own = put(R"({"client_id":"mine","client_secret":"my-canary","redirect_uri":"https://x.example/"})");
  CHECK(own.status == 200);
  CHECK_THAT(own.body, Contains(R"("app":"customer-4711")") && Contains(R"("name":"of-4711")") && !Contains("canary"));
  const auto moved = w.now(shared).app_id;
  CHECK(moved != shared.app_id);
  w.write([&](ledger::transaction& tx) {
    CHECK(tx.find_app(shared.app_id)->client_id == "client-shared");
    CHECK(tx.client_secret(shared.app_id)->reveal() == "secret-canary");
    CHECK(tx.client_secret(moved)->reveal() == "my-canary");
  });
  // A new secret alone: the id and the address stay.
  CHECK(put(R"({"client_secret":"new-canary"})").status == 200);
  w.write([&](ledger::transaction& tx) {
    CHECK(tx.apps().size() == 2);
    CHECK(tx.find_app(moved)->client_id == "mine");
    CHECK(tx.find_app(moved)->redirect_uri == "https://x.example/");
    CHECK(tx.client_secret(moved)->reveal() == "new-canary");
  });
  // An app of this name that serves somebody else is not the customer's to change.
  w.write([&](ledger::transaction& tx) {
    ledger::connection other;
    other.provider = "nameplate";
    other.name = "other";
    other.customer = "4712";
    other.app_id = moved;
    REQUIRE(tx.insert_connection(other));
  });
  CHECK(put(R"({"client_secret":"third-canary"})").status == 409);
  w.write([&](ledger::transaction& tx) { CHECK(tx.client_secret(moved)->reveal() == "new-canary"); });
}

TEST_CASE("a refused code is answered with a link for the next try, which is shown to those who may connect",
          "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  const auto saved = w.call("PUT", "/v1/customers/4711/providers/nameplate", token, {},
                            R"({"client_id":"mine","client_secret":"s","code":"c0de"})");
  CHECK(saved.status == 201);
  const auto link_in = [](const api::answer& a) {
    const auto body = json::parse(a.body);
    const auto* c = body.as_object().if_contains("connection");
    const auto& link = (c ? *c : body).at("open_link");
    return link.is_null() ? std::string() : std::string(link.at("link").as_string());
  };
  const auto link = link_in(saved);
  CHECK_THAT(link, Contains("client_id=mine") && Contains("&state="));
  const std::string of_customer = "/v1/customers/4711/providers/nameplate";
  const std::string one = "/v1/connections/nameplate/customer-4711";
  CHECK(link_in(w.call("GET", of_customer, token)) == link);
  CHECK(link_in(w.call("GET", one, token)) == link);
  const auto reader = w.token("reader", "4711", {"read"});
  CHECK(link_in(w.call("GET", of_customer, reader)).empty());
  CHECK(link_in(w.call("GET", one, reader)).empty());
  CHECK_THAT(w.call("GET", "/v1/connections", token).body, !Contains("state="));
  w.clock.advance(std::chrono::hours{1});
  CHECK(link_in(w.call("GET", one, token)).empty());
}

TEST_CASE("of two that save at once one waits for its turn, and several connections are named", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  std::vector<int> statuses;
  for (int i = 0; i < 2; ++i) {
    net::inbound_request r;
    r.method = "PUT";
    r.path = "/v1/customers/4711/providers/nameplate";
    r.body = R"({"client_id":"a","client_secret":"b","settings":{"region":"be"}})";
    r.headers = {{"host", "localhost"}, {"authorization", "Bearer " + token}, {"content-type", "application/json"}};
    boost::asio::co_spawn(w.io, w.door(std::move(r)),
                          [&](std::exception_ptr, const api::answer& a) { statuses.push_back(a.status); });
  }
  test::run_until(w.io, [&] { return statuses.size() == 2; });
  CHECK(statuses == std::vector<int>{409, 201});

  const std::string here = "/v1/customers/4711/providers/nameplate";
  CHECK(w.call("PUT", here, token, {}, R"({"settings":{"region":"nl"}})").status == 200);
  CHECK_THAT(w.call("GET", here, token).body, Contains(R"("settings":{"region":"nl"})"));
  CHECK(w.call("PUT", here, token, {}, R"({"settings":{"country":"nl"}})").status == 422);
  w.write([&](ledger::transaction& tx) {
    for (auto c : tx.connections()) {
      c.name = "second";
      REQUIRE(tx.insert_connection(c));
    }
  });
  CHECK_THAT(w.call("GET", here, token).body, Contains(R"("name":"customer-4711")"));
  w.write([&](ledger::transaction& tx) {
    for (auto c : tx.connections()) {
      if (c.name != "customer-4711") continue;
      REQUIRE(tx.remove_connection(c.id, false));
      c.name = "third";
      REQUIRE(tx.insert_connection(c));
    }
  });
  CHECK(w.call("GET", here, token).status == 409);
}

TEST_CASE("whoever keeps a copy of a connection is told of settings that were saved, and of its removal",
          "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  const auto put = [&](const std::string& body) {
    return w.call("PUT", "/v1/customers/4711/providers/nameplate", token, {}, body);
  };
  CHECK(put(R"({"client_id":"mine","client_secret":"my-canary"})").status == 201);
  const auto count = w.told.size();
  CHECK(put(R"({"settings":{"region":"us"}})").status == 200);
  REQUIRE(w.told.size() == count + 1);
  CHECK(w.told.back().settings.at("region") == "us");
  CHECK(w.told.back().provider == "nameplate");
  CHECK(put(R"({"settings":{"region":"us"}})").status == 200);
  CHECK(w.told.size() == count + 1);

  CHECK(w.ask("DELETE", "/v1/connections/nameplate/" + w.told.back().name).status == 200);
  CHECK(w.told.back().auth.status == core::auth_status::removed);
}

TEST_CASE("whoever keeps a copy of a connection is handed what a saved code made of it", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  const auto put = [&](const std::string& more) {
    return w.call("PUT", "/v1/customers/4711/providers/nameplate", token, {},
                  R"({"client_id":"mine","client_secret":)" + more + "}");
  };
  w.says = {{"POST /token", {test::grant("one"), test::grant("two")}}, {"GET /me", {test::nameplate_of("42", "Acme")}}};
  CHECK(put(R"("first-canary","code":"c1")").status == 201);
  const auto first = w.told.back();

  w.says["GET /me"] = {test::nameplate_of("42", "Acme Holding")};
  CHECK(put(R"("second-canary","code":"c2","settings":{"region":"us"})").status == 200);
  const auto& copy = w.told.back();
  const auto stored = w.now(first);
  CHECK(copy.auth.status == core::auth_status::authorized);
  REQUIRE(copy.pinned);
  CHECK(copy.pinned->name == "Acme Holding");
  CHECK(copy.learned == stored.learned);
  CHECK(copy.learned.at("asked_in") == "us");
  CHECK(copy.settings.at("region") == "us");

  // Nor does a code that is refused bring an older one back.
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  w.on_request = [&](const std::string& request) {
    if (request.find("c3") == std::string::npos) return;
    w.write([&](ledger::transaction& tx) {
      auto meanwhile = *tx.find_connection(first.id);
      meanwhile.learned["seen"] = "meanwhile";
      if (!tx.update_connection(meanwhile)) FAIL("not updated");
    });
  };
  CHECK(put(R"("third-canary","code":"c3","settings":{"region":"be"})").status == 200);
  CHECK(w.told.back().settings.at("region") == "us");
  CHECK(w.told.back().learned.at("seen") == "meanwhile");
}

TEST_CASE("a customer may say an operator's setting again as it is, and change it no more than before", "[api][rest]") {
  rest_world w;
  const auto c = chosen_by_4711(w, "intranet.example.com");
  const auto token = w.token("x", "4711", {"read", "connect"});
  const auto put = [&](json::object settings) {
    const json::object body{{"client_id", "mine"}, {"client_secret", "my-canary"}, {"settings", std::move(settings)}};
    return w.call("PUT", "/v1/customers/4711/providers/chooser", token, {}, json::serialize(body));
  };
  auto settings = at_host("login.nameplate.test");
  settings["private_hosts"] = "https://Intranet.Example.com/";
  CHECK(put(settings).status == 200);
  CHECK(w.now(c).settings.at("private_hosts") == "intranet.example.com");
  settings["private_hosts"] = "intranet.example.com db.example.com";
  const auto refused = put(settings);
  CHECK(refused.status == 403);
  CHECK_THAT(refused.body, Contains("operators_setting") && Contains("private_hosts"));
  settings["private_hosts"] = "";
  CHECK(put(settings).status == 200);
  CHECK(w.now(c).settings.at("private_hosts") == "intranet.example.com");
  // Of a connection that is not there yet, nothing was said before.
  const auto other = w.token("y", "4712", {"read", "connect"});
  settings["private_hosts"] = "intranet.example.com";
  const json::object body{{"client_id", "mine"}, {"client_secret", "my-canary"}, {"settings", settings}};
  CHECK(w.call("PUT", "/v1/customers/4712/providers/chooser", other, {}, json::serialize(body)).status == 403);
}

TEST_CASE("a preset fills what a customer saves, and what is given stands over it", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  const auto put = [&](const std::string& more) {
    return w.call("PUT", "/v1/customers/4711/providers/chooser", token, {},
                  R"({"client_id":"mine","client_secret":"my-canary",)" + more + "}");
  };
  CHECK(put(R"("preset":"nobody's")").status == 422);
  CHECK_THAT(put(R"("preset":"nobody's")").body, Contains("bad_preset") && Contains("it has house"));
  const auto made = put(R"("preset":"house","settings":{"account":"theirs"})");
  CHECK(made.status == 201);
  CHECK_THAT(made.body,
             Contains(R"("account":"theirs")") && Contains(R"("token_url":"https://login.nameplate.test/token")"));
  CHECK(put(R"("preset":"house")").status == 200);
}

TEST_CASE("an operator changes settings one by one, and a working grant follows nowhere without a code", "[api]") {
  rest_world w;
  const auto c = working_for_4711(w);
  const std::string path = "/v1/connections/chooser/of-4711";
  const auto patch = [&](const std::string& body) { return w.ask("PATCH", path, body); };

  CHECK(patch(R"({"settings":{"private_hosts":"intranet.example.com"}})").status == 200);
  CHECK(w.now(c).settings.at("private_hosts") == "intranet.example.com");
  CHECK(w.now(c).settings.at("account") == "42");
  CHECK(patch(R"({"settings":{"private_hosts":"","account":"43"}})").status == 200);
  CHECK_FALSE(w.now(c).settings.contains("private_hosts"));
  CHECK(w.now(c).settings.at("account") == "43");
  CHECK(patch("{}").status == 400);
  CHECK(patch(R"({"settings":{"nonsense":"x"}})").status == 422);
  CHECK_THAT(patch(R"({"settings":{"token_url":""}})").body, Contains("needs the setting"));
  CHECK(w.ask("PATCH", "/v1/connections/chooser/nobody", R"({"settings":{"account":"1"}})").status == 404);

  const std::string elsewhere = R"({"settings":{"token_url":"https://login.eu.nameplate.test/token"})";
  const auto refused = patch(elsewhere + "}");
  CHECK(refused.status == 422);
  CHECK_THAT(refused.body, Contains("Another address needs an authorization code"));
  CHECK(w.stored_token(c) == "old-token");

  // A code that gives no access leaves everything as it was.
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  const auto tried = patch(elsewhere + R"(,"code":"c0de"})");
  CHECK(tried.status == 200);
  CHECK_THAT(tried.body, Contains("Failed, Status code: BadRequest"));
  CHECK(w.now(c).settings.at("token_url") == "https://login.nameplate.test/token");
  CHECK(w.now(c).auth.status == core::auth_status::authorized);

  // A grant that works no more is given up.
  w.write([&](ledger::transaction& tx) {
    auto over = *tx.find_connection(c.id);
    over.auth.status = core::auth_status::needs_reauth;
    if (!tx.update_connection(over)) FAIL("not updated");
  });
  CHECK(patch(elsewhere + "}").status == 200);
  CHECK(w.now(c).settings.at("token_url") == "https://login.eu.nameplate.test/token");
  CHECK(w.stored_token(c).empty());
  CHECK(w.now(c).app_id == c.app_id);
}

TEST_CASE("a code that would not be sent saves nothing", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"read", "connect"});
  const std::string here = "/v1/customers/4711/providers/nameplate";
  const auto put = [&](const std::string& body) { return w.call("PUT", here, token, {}, body); };
  const std::string unsent[] = {R"("code":"two words")", R"("code":"mine")",
                                R"("code":"https://app.example/?code=c0de&state=of-no-link")"};
  for (const auto& code : unsent)
    CHECK(put(R"({"client_id":"mine","client_secret":"my-canary",)" + code + "}").status == 422);
  CHECK(w.call("GET", here, token).status == 404);
  w.write([](ledger::transaction& tx) {
    CHECK(tx.apps().empty());
    CHECK(tx.connections().empty());
  });
  CHECK(w.events().empty());
  CHECK(w.told.empty());

  // Nor over a connection that waits.
  CHECK(put(R"({"client_id":"mine","client_secret":"my-canary"})").status == 201);
  const auto count = w.told.size();
  for (const auto& code : unsent)
    CHECK(
        put(R"({"client_id":"mine","client_secret":"other-canary","settings":{"region":"us"},)" + code + "}").status ==
        422);
  w.write([](ledger::transaction& tx) {
    REQUIRE(tx.apps().size() == 1);
    CHECK(tx.client_secret(tx.apps().front().id)->reveal() == "my-canary");
    CHECK_FALSE(tx.connections().front().settings.contains("region"));
  });
  CHECK(w.told.size() == count);
  CHECK(w.server->requests().empty());

  // What was saved before a code turned out to be of no use is told with the refusal.
  w.says["POST /token"] = {test::http_answer(400, R"({"error":"invalid_grant"})")};
  CHECK(put(R"({"settings":{"region":"us"},"code":"c0de"})").status == 200);
  const auto again = put(R"({"settings":{"region":"be"},"code":"c0de"})");
  CHECK(again.status == 422);
  CHECK_THAT(again.body, Contains("sent to the provider before") && Contains("The settings were saved"));
}

TEST_CASE("only an operator changes settings by name", "[api][rest]") {
  rest_world w;
  const auto c = working_for_4711(w);
  const std::string path = "/v1/connections/chooser/of-4711", body = R"({"settings":{"account":"43"}})";
  CHECK(w.call("PATCH", path, w.token("x", "4711", {"read", "connect"}), {}, body).status == 403);
  CHECK(w.call("PATCH", path, w.token("y", std::nullopt, {"read", "connect"}), {}, body).status == 403);
  CHECK(w.now(c).settings.at("account") == "42");
  CHECK(w.call("PATCH", path, w.token("z", std::nullopt, {"admin"}), {}, body).status == 200);
  CHECK(w.now(c).settings.at("account") == "43");
}
