// SPDX-License-Identifier: Apache-2.0
// Access to a simulated Workfront: authorize page, codes, sessions and their renewal, per customer's host.
#include <catch2/catch.hpp>

#include "account.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::workfront;
using namespace std::chrono_literals;

namespace {

std::string hidden_token(const reply& page) {
  const std::string mark = "name=\"request\" value=\"";
  const auto from = page.body.find(mark);
  REQUIRE(from != std::string::npos);
  return page.body.substr(from + mark.size(), page.body.find('"', from + mark.size()) - from - mark.size());
}

std::string authorize_query(const customer& c) {
  return "client_id=" + c.client_id + "&response_type=code&redirect_uri=" + percent_encode(redirect_uri) +
         "&state=a%20b";
}

std::string decide(customer& c, const std::string& decision) {
  const auto page = c.oauth("GET", "authorize", authorize_query(c));
  REQUIRE(page.status == 200);
  const auto sent = c.oauth("POST", "authorize", "request=" + hidden_token(page) + "&decision=" + decision);
  REQUIRE(sent.status == 302);
  return customer::header(sent, "Location");
}

}  // namespace

TEST_CASE("the way back names domain and lane beside code and state", "[provider_sim][workfront][oauth]") {
  customer c;
  const auto location = decide(c, "allow");
  CHECK(location.starts_with("https://app.testocloud.be/?code="));
  CHECK(location.ends_with("&domain=acme&lane=my&state=a%20b"));
  const auto code = location.substr(location.find("code=") + 5, 32);
  CHECK(c.exchange(code).status == 200);
}

TEST_CASE("denial goes back without a code, and a knob drops the state", "[provider_sim][workfront][oauth]") {
  customer c;
  CHECK(decide(c, "deny") == "https://app.testocloud.be/?error=access_denied&state=a%20b");
  c.order("POST", "/knobs", R"({"state_dropped":true})");
  CHECK(decide(c, "deny") == "https://app.testocloud.be/?error=access_denied");
  CHECK(decide(c, "allow").ends_with("&domain=acme&lane=my"));
}

TEST_CASE("a code lives two minutes and works once", "[provider_sim][workfront][oauth]") {
  customer c;
  CHECK(c.exchange(c.code(119)).status == 200);
  CHECK(c.exchange(c.code(120)).status == 400);
  const auto code = c.code();
  CHECK(c.exchange(code, "https://app.testocloud.be").status == 400);
  CHECK(c.exchange(code).status == 200);
  CHECK(c.exchange(code).status == 400);
}

TEST_CASE("the token answer is of type sessionID and says nothing about its life", "[provider_sim][workfront][oauth]") {
  customer c;
  const auto body = boost::json::parse(c.exchange(c.code()).body);
  CHECK(body.at("token_type") == "sessionID");
  CHECK(body.at("expires_in") == 0);
  CHECK(body.as_object().contains("wid"));
  c.order("POST", "/knobs", R"({"expires_in":1800})");
  CHECK(boost::json::parse(c.exchange(c.code()).body).at("expires_in") == 1800);
}

TEST_CASE("the client comes in a Basic header with a JSON body, or in either body",
          "[provider_sim][workfront][oauth]") {
  customer c;
  auto asked = c.asking("POST", "/integrations/oauth2/api/v1/token");
  asked.content_type = "application/json";
  asked.authorization = "Basic " + to_base64(c.client_id + ":" + c.client_secret);
  boost::json::object body{{"grant_type", "authorization_code"}, {"code", c.code()}, {"redirect_uri", redirect_uri}};
  asked.body = boost::json::serialize(body);
  CHECK(c.provider.serve(asked, c.now).status == 200);

  asked.authorization = "Basic " + to_base64(c.client_id + ":wrong");
  body["code"] = c.code();
  asked.body = boost::json::serialize(body);
  CHECK(c.provider.serve(asked, c.now).status == 401);

  asked.authorization.clear();
  body["client_id"] = c.client_id;
  body["client_secret"] = c.client_secret;
  asked.body = boost::json::serialize(body);
  CHECK(c.provider.serve(asked, c.now).status == 200);
}

TEST_CASE("an error of the token endpoint has a boolean where others have a word", "[provider_sim][workfront][oauth]") {
  customer c;
  const auto answer = c.refresh("nothing");
  CHECK(answer.status == 400);
  const auto body = boost::json::parse(answer.body);
  CHECK(body.at("error") == true);
  CHECK(body.at("statusCode") == 400);
}

TEST_CASE("with rotation the refresh token presented is used up, without it stays",
          "[provider_sim][workfront][oauth]") {
  customer c;
  const auto first = c.connect();
  const auto second = customer::tokens(c.refresh(first.refresh));
  CHECK(second.refresh != first.refresh);
  CHECK(c.refresh(first.refresh).status == 400);

  c.order("POST", "/knobs", R"({"keep_refresh_token":true})");
  const auto third = customer::tokens(c.refresh(second.refresh));
  CHECK(third.refresh == second.refresh);
  CHECK(third.session != second.session);
  CHECK(c.refresh(second.refresh).status == 200);
}

TEST_CASE("a session dies after its life, or when told to, and is renewed", "[provider_sim][workfront][oauth]") {
  customer c;
  const auto pair = c.connect();
  CHECK(c.call(pair.session, "v20.0/user/search").status == 200);
  c.now += 3600s;
  const auto dead = c.call(pair.session, "v20.0/user/search");
  CHECK(dead.status == 401);
  CHECK(customer::error(dead).at("message") == "You are not currently logged in.");

  const auto next = customer::tokens(c.refresh(pair.refresh));
  CHECK(c.call(next.session, "v20.0/user/search").status == 200);
  const boost::json::object body{{"client_id", c.client_id}};
  CHECK(c.order("POST", "/sessions/end", boost::json::serialize(body)).at("ended") == 2);
  CHECK(c.call(next.session, "v20.0/user/search").status == 401);
  CHECK(c.refresh(next.refresh).status == 200);
}

TEST_CASE("a refresh leaves the session before it alive, unless a knob says otherwise",
          "[provider_sim][workfront][oauth]") {
  customer c;
  const auto first = c.connect();
  const auto second = customer::tokens(c.refresh(first.refresh));
  CHECK(c.call(first.session, "v20.0/user/search").status == 200);
  c.order("POST", "/knobs", R"({"refresh_ends_session":true})");
  c.refresh(second.refresh);
  CHECK(c.call(second.session, "v20.0/user/search").status == 401);
}

TEST_CASE("apps and sessions belong to one domain and lane, under both host names",
          "[provider_sim][workfront][oauth]") {
  options given;
  given.domains = "acme,other";
  given.lanes = "my,preview";
  customer c(given);
  const auto session = c.connect().session;
  const auto status_at = [&](const std::string& host) {
    c.host = host;
    return c.call(session, "v20.0/user/search").status;
  };
  CHECK(status_at("acme.my.workfront.com") == 200);
  CHECK(status_at("acme.my.workfront.adobe.com") == 200);
  CHECK(status_at("acme.preview.workfront.com") == 401);
  CHECK(c.oauth("GET", "authorize", authorize_query(c)).status == 400);
  CHECK(status_at("other.my.workfront.com") == 401);
  CHECK(status_at("third.my.workfront.com") == 404);
  CHECK(status_at("acme.workfront.com") == 404);

  CHECK(c.ask_control("POST", "/clients",
                      R"({"client_id":"x","account":{"id":"54b598a700000135b7719dcca6543920","name":"O",
                          "host":"third.my.workfront.com"}})")
            .status == 400);
  c.order("POST", "/clients",
          R"({"client_id":"x","client_secret":"y","account":{"id":"54b598a700000135b7719dcca6543920","name":"O",
              "host":"other.my.workfront.com"}})");
  c.client_id = "x";
  c.client_secret = "y";
  c.host = "other.my.workfront.adobe.com";
  const auto theirs = c.connect().session;
  const auto users = c.data(theirs, "v20.0/user/search?fields=customerID&$$LIMIT=1");
  CHECK(users.at(0).at("customerID") == "54b598a700000135b7719dcca6543920");
}

TEST_CASE("a refresh token that rests for too long is dead where the administrator has it so, rotated or not",
          "[provider_sim][workfront][oauth]") {
  for (const bool kept : {false, true}) {
    customer c;
    c.order("POST", "/knobs",
            std::string(R"({"refresh_idle_seconds":1000,"keep_refresh_token":)") + (kept ? "true}" : "false}"));
    auto pair = c.connect();
    for (int use = 0; use < 3; ++use) {
      c.now += 999s;
      const auto renewed = c.refresh(pair.refresh);
      REQUIRE(renewed.status == 200);
      pair = customer::tokens(renewed);
    }
    c.now += 1000s;
    CHECK(c.refresh(pair.refresh).status == 400);
  }
}

TEST_CASE("the hosts of an option are names, or the simulator does not start", "[provider_sim][workfront]") {
  options given;
  given.domains = "acme,,x";
  CHECK_THROWS(customer(given));
}
