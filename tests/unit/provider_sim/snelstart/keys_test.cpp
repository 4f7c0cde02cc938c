// SPDX-License-Identifier: Apache-2.0
// Keys, tokens and limits of the simulated SnelStart, without a socket.
#include <catch2/catch.hpp>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::snelstart;
using namespace std::chrono_literals;

TEST_CASE("a key buys tokens, as often as one likes, each for an hour", "[provider_sim][snelstart]") {
  situation s;
  const auto answer = s.buy(s.key);
  REQUIRE(answer.status == 200);
  const auto body = boost::json::parse(answer.body);
  CHECK(body.at("token_type") == "bearer");
  CHECK(body.at("expires_in") == 3599);
  CHECK(body.as_object().size() == 3);  // no refresh token

  const auto first = s.token(), second = s.token();
  CHECK(first != second);
  CHECK(s.get(first, "/companyInfo").status == 200);
  CHECK(s.get(second, "/companyInfo").status == 200);
  s.now += 3599s;
  CHECK(s.get(first, "/companyInfo").status == 401);
}

TEST_CASE("a wrong key is refused in the documented words", "[provider_sim][snelstart]") {
  situation s;
  const auto refused = s.buy("nonsense");
  CHECK(refused.status == 400);
  CHECK(boost::json::parse(refused.body).at("error") ==
        "GrantType clientkey was found. Parameter clientkey does not contain a valid value");
  CHECK(s.buy(s.key, "client_credentials").status == 400);

  // Who forgets to escape the key sends spaces for its pluses.
  REQUIRE(s.key.find('+') != std::string::npos);
  request raw;
  raw.method = "POST";
  raw.host = auth_host;
  raw.path = "/b2b/token";
  raw.content_type = "application/x-www-form-urlencoded";
  raw.body = "grant_type=clientkey&clientkey=" + s.key;
  CHECK(s.provider.serve(raw, s.now).status == 400);
  raw.content_type = "application/json";
  CHECK(s.provider.serve(raw, s.now).status == 400);
}

TEST_CASE("a new key ends the old one, its tokens live on until their hour is over", "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  const auto fresh = s.order("POST", "/keys/regenerate", R"({"client_id":"maes"})").at("key");
  CHECK(s.buy(s.key).status == 400);
  CHECK(s.get(token, "/companyInfo").status == 200);
  CHECK(s.buy(fresh.as_string().c_str()).status == 200);

  const auto secrets = s.order("GET", "/secrets");
  CHECK(secrets.at("keys").as_array().size() == 2);
  CHECK(secrets.at("access_tokens").as_array().size() == 2);
  CHECK(s.ask_control("POST", "/keys/regenerate", R"({"client_id":"nobody"})").status == 404);
}

TEST_CASE("a key that is withdrawn ends its tokens if the knob says so, revoke does at once",
          "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  SECTION("withdrawn") {
    s.order("POST", "/keys/withdraw", R"({"client_id":"maes"})");
    CHECK(s.get(token, "/companyInfo").status == 200);
  }
  SECTION("withdrawn, with the knob") {
    s.order("POST", "/knobs", R"({"withdrawal_ends_tokens":true})");
    s.order("POST", "/keys/withdraw", R"({"client_id":"maes"})");
    CHECK(s.get(token, "/companyInfo").status == 401);
  }
  SECTION("revoked") {
    s.order("POST", "/revoke", R"({"client_id":"maes"})");
    CHECK(s.get(token, "/companyInfo").status == 401);
  }
  CHECK(s.buy(s.key).status == 400);
}

TEST_CASE("the gateway wants the subscription key, however good the token is", "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  s.subscription_key = "another";
  const auto wrong = s.get(token, "/relaties");
  CHECK(wrong.status == 401);
  CHECK(boost::json::parse(wrong.body).at("statusCode") == 401);
  CHECK(wrong.body.find("invalid subscription key") != wrong.body.npos);
  s.subscription_key.clear();
  CHECK(s.get(token, "/relaties").body.find("missing subscription key") != wrong.body.npos);

  s.order("POST", "/knobs", R"({"subscription_key":"another"})");
  s.subscription_key = "another";
  CHECK(s.get(token, "/relaties").status == 200);
  CHECK(s.get("nonsense", "/relaties").status == 401);
  CHECK(s.get("nonsense", "/relaties").body.find("subscription") == wrong.body.npos);
}

TEST_CASE("a token without the scope is refused with 403", "[provider_sim][snelstart]") {
  situation s;
  s.order("POST", "/clients", R"({"client_id":"narrow","client_secret":"k","scopes":["relaties:read"],
                                  "account":{"id":"a-2","name":"Smal"}})");
  s.key = "k";
  const auto token = s.token();
  CHECK(s.get(token, "/relaties").status == 200);
  CHECK(s.get(token, "/companyInfo").status == 403);
  CHECK(s.get(token, "/landen").status == 403);
  CHECK(s.get(token, "/echo/here").body == R"("here")");
}

TEST_CASE("the limits are an administration's, of the minute and of the hour", "[provider_sim][snelstart]") {
  knobs few;
  few.minute_limit = 3;
  few.hour_limit = 5;
  situation s(20, few);
  s.order("POST", "/clients", R"({"client_id":"other","client_secret":"k","scopes":["settings:read"],
                                  "account":{"id":"a-2","name":"Ander"}})");
  const auto token = s.token();
  for (int i = 0; i < 3; ++i) CHECK(s.get(token, "/landen").status == 200);
  const auto full = s.get(token, "/landen");
  CHECK(full.status == 429);
  CHECK(s.header(full, "Retry-After") == "60");
  CHECK(boost::json::parse(full.body).at("message") == "Rate limit is exceeded. Try again in 60 seconds.");
  CHECK(s.get(s.token(), "/landen").status == 429);  // another token of the same administration
  s.key = "k";
  CHECK(s.get(s.token(), "/landen").status == 200);

  s.now += 61s;
  s.order("POST", "/knobs", R"({"hour_is_quota":true,"retry_after":false})");
  CHECK(s.get(token, "/landen").status == 200);
  CHECK(s.get(token, "/landen").status == 200);
  const auto spent = s.get(token, "/landen");
  CHECK(spent.status == 403);
  CHECK(s.header(spent, "Retry-After").empty());
  CHECK(boost::json::parse(spent.body).at("message") ==
        "Out of call volume quota. Quota will be replenished in 00:58:59.");
}

TEST_CASE("the activation page posts the chosen administration's key once, and sends the browser on",
          "[provider_sim][snelstart]") {
  knobs settings;
  settings.webhook_url = "http://127.0.0.1:1/webhook";
  const bool camel = GENERATE(false, true);
  if (camel) settings.coupling_casing = "camel";
  situation s(20, settings);
  request asked;
  asked.method = "GET";
  asked.host = web_host;
  asked.path = "/couplings/activate/" + settings.app_short_name;
  asked.query = "referenceKey=r%2B1&successUrl=https%3A%2F%2Fend.example%2F%3Fa%26b";
  const auto form = s.provider.serve(asked, s.now);
  CHECK(form.status == 200);
  CHECK(form.body.find("Bakkerij Maes") != std::string::npos);
  CHECK(form.body.find("value=\"https://end.example/?a&amp;b\"") != std::string::npos);
  CHECK(s.carry().empty());

  asked.method = "POST";
  asked.body = asked.query;
  const auto sent = s.provider.serve(asked, s.now);
  CHECK(sent.status == 303);
  CHECK(situation::header(sent, "Location") == "https://end.example/?a&b");
  const auto due = s.carry();
  REQUIRE(due.size() == 1);
  CHECK(due[0].what.url == settings.webhook_url);
  CHECK(due[0].what.attempts_left == 1);
  const auto body = boost::json::parse(due[0].what.body);
  CHECK(body.at(camel ? "koppelSleutel" : "KoppelSleutel").as_string() == boost::json::string_view(s.key));
  CHECK(body.at(camel ? "actionType" : "ActionType") == "Create");
  CHECK(body.at(camel ? "referenceKey" : "ReferenceKey") == "r+1");

  s.order("POST", "/keys/regenerate", R"({"client_id":"maes"})");
  s.order("POST", "/keys/withdraw", R"({"client_id":"maes"})");
  const auto later = s.carry();
  REQUIRE(later.size() == 2);
  CHECK(later[0].what.body.find("Regenerate") != std::string::npos);
  CHECK(later[1].what.body.find("Delete") != std::string::npos);
  CHECK(boost::json::parse(later[1].what.body).at(camel ? "koppelSleutel" : "KoppelSleutel").is_null());
}

TEST_CASE("an activation link of nobody's, or without a reference, couples nothing", "[provider_sim][snelstart]") {
  knobs settings;
  settings.webhook_url = "http://127.0.0.1:1/webhook";
  situation s(20, settings);
  request asked;
  asked.method = "POST";
  asked.host = web_host;
  asked.path = "/couplings/activate/somebody-else";
  asked.body = "referenceKey=r";
  CHECK(s.provider.serve(asked, s.now).status == 404);
  asked.path = "/couplings/activate/" + settings.app_short_name;
  asked.body = "referenceKey=" + std::string(501, 'r');
  CHECK(s.provider.serve(asked, s.now).status == 400);
  asked.body = "";
  CHECK(s.provider.serve(asked, s.now).status == 400);
  CHECK(s.carry().empty());
}
