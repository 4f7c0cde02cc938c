// SPDX-License-Identifier: Apache-2.0
// Consent, codes and tokens of the simulated Teamleader, without a socket.
#include <catch2/catch.hpp>

#include "digest.hpp"
#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::teamleader;
using namespace std::chrono_literals;

namespace {

std::string hidden_token(const reply& page) {
  const std::string mark = "name=\"request\" value=\"";
  const auto from = page.body.find(mark);
  REQUIRE(from != std::string::npos);
  return page.body.substr(from + mark.size(), page.body.find('"', from + mark.size()) - from - mark.size());
}

std::string authorize_query(const situation& s, const std::string& uri = redirect_uri) {
  return "client_id=" + s.client_id + "&response_type=code&redirect_uri=" + percent_encode(uri);
}

std::string hint(const reply& answer) {
  return boost::json::parse(answer.body).at("errors").at(0).at("meta").at("hint").as_string().c_str();
}

}  // namespace

TEST_CASE("the consent page names integration, account and scopes, and leads to a code", "[provider_sim][oauth]") {
  situation s;
  const auto page = s.oauth("GET", "/oauth2/authorize", authorize_query(s) + "&state=a%20b%26c");
  REQUIRE(page.status == 200);
  CHECK(page.body.find("Geef toegang") != std::string::npos);
  CHECK(page.body.find("Acme BVBA") != std::string::npos);
  CHECK(page.body.find("Testo Pro+ Sync") != std::string::npos);
  CHECK(page.body.find("Departementen") != std::string::npos);

  const auto allowed = s.oauth("POST", "/oauth2/authorize", "request=" + hidden_token(page) + "&decision=allow");

  REQUIRE(allowed.status == 302);
  const auto location = situation::header(allowed, "Location");
  CHECK(location.starts_with("https://app.testocloud.be/?code=def502"));
  CHECK(location.ends_with("&state=a%20b%26c"));
  const auto code = location.substr(location.find("code=") + 5, location.find('&') - location.find("code=") - 5);
  CHECK(code.size() > 800);
  CHECK(s.exchange(code).status == 200);
}

TEST_CASE("a consent page can be answered once", "[provider_sim][oauth]") {
  situation s;
  const auto page = s.oauth("GET", "/oauth2/authorize", authorize_query(s));
  const auto answer = "request=" + hidden_token(page) + "&decision=allow";
  CHECK(s.oauth("POST", "/oauth2/authorize", answer).status == 302);
  CHECK(s.oauth("POST", "/oauth2/authorize", answer).status == 400);
}

TEST_CASE("denial goes back with access_denied, whether with state is a knob", "[provider_sim][oauth]") {
  situation s;
  const auto deny = [&] {
    const auto page =
        s.oauth("GET", "/oauth2/authorize", authorize_query(s, "https://x.test/back?tenant=7") + "&state=S");
    const auto denied = s.oauth("POST", "/oauth2/authorize", "request=" + hidden_token(page) + "&decision=deny");
    return situation::header(denied, "Location");
  };
  CHECK(deny() == "https://x.test/back?tenant=7&error=access_denied&state=S");
  s.order("POST", "/knobs", R"({"denial_drops_state":true})");
  CHECK(deny() == "https://x.test/back?tenant=7&error=access_denied");
}

TEST_CASE("what the authorize page refuses is not redirected", "[provider_sim][oauth]") {
  situation s;
  const auto refuse = [&](const std::string& query, int status, const std::string& title) {
    const auto answer = s.oauth("GET", "/oauth2/authorize", query);
    CHECK(answer.status == status);
    CHECK(situation::title(answer) == title);
    CHECK(situation::header(answer, "Location").empty());
  };
  refuse(authorize_query(s) + "&scope=contacts", 400, "invalid_scope");
  refuse("client_id=nobody&response_type=code&redirect_uri=https%3A%2F%2Fx.test%2F", 401, "invalid_client");
  refuse("client_id=" + s.client_id + "&response_type=token&redirect_uri=https%3A%2F%2Fx.test%2F", 400,
         "unsupported_grant_type");
  refuse(authorize_query(s, "javascript:alert(1)"), 400, "invalid_request");

  s.order("POST", "/clients", R"({"client_id":"strict","client_secret":"x","redirect_uris":["https://a.test/"],
                                  "account":{"id":"1","name":"A"}})");
  refuse("client_id=strict&response_type=code&redirect_uri=https%3A%2F%2Fa.test", 400, "invalid_request");
  CHECK(
      s.oauth("GET", "/oauth2/authorize", "client_id=strict&response_type=code&redirect_uri=https://a.test/").status ==
      200);
}

TEST_CASE("names on the consent page are escaped", "[provider_sim][oauth]") {
  situation s;
  s.order("POST", "/clients", R"({"client_id":"c","name":"<script>","account":{"id":"1","name":"A & B"}})");
  const auto page = s.oauth("GET", "/oauth2/authorize", "client_id=c&response_type=code&redirect_uri=https://a.test/");
  CHECK(page.body.find("<script>") == std::string::npos);
  CHECK(page.body.find("A &amp; B") != std::string::npos);
}

TEST_CASE("a code lives ten minutes", "[provider_sim][oauth]") {
  situation s;
  CHECK(s.exchange(s.code(599)).status == 200);

  const auto late = s.exchange(s.code(600));
  CHECK(late.status == 400);
  CHECK(situation::title(late) == "invalid_grant");
  CHECK(hint(late) == "Authorization code has expired");
}

TEST_CASE("a code works once", "[provider_sim][oauth]") {
  situation s;
  const auto code = s.code();
  CHECK(s.exchange(code).status == 200);
  const auto again = s.exchange(code);
  CHECK(again.status == 400);
  CHECK(situation::title(again) == "invalid_grant");
}

TEST_CASE("the redirect_uri of the exchange must be byte-identical, and a mismatch does not use the code up",
          "[provider_sim][oauth]") {
  situation s;
  const auto code = s.code();
  const auto wrong = s.exchange(code, "https://app.testocloud.be");
  CHECK(wrong.status == 400);
  CHECK(hint(wrong) == "Invalid redirect URI");
  CHECK(s.exchange(code).status == 200);
}

TEST_CASE("the token endpoint takes JSON as well as a form", "[provider_sim][oauth]") {
  situation s;
  const boost::json::object body{{"grant_type", "authorization_code"},
                                 {"client_id", s.client_id},
                                 {"client_secret", s.client_secret},
                                 {"code", s.code()},
                                 {"redirect_uri", redirect_uri}};
  const auto answer = s.oauth("POST", "/oauth2/access_token", boost::json::serialize(body), "application/json");
  CHECK(answer.status == 200);
  const auto parsed = boost::json::parse(answer.body);
  CHECK(parsed.at("token_type") == "Bearer");
  CHECK(parsed.at("expires_in") == 3600);
}

TEST_CASE("a wrong secret is invalid_client and leaves the code alone", "[provider_sim][oauth]") {
  situation s;
  const auto code = s.code();
  std::swap(s.client_secret, s.client_id);
  CHECK(s.exchange(code).status == 401);
  std::swap(s.client_secret, s.client_id);
  CHECK(s.exchange(code).status == 200);
}

TEST_CASE("a refresh replaces both tokens, the old refresh token is refused with a hint", "[provider_sim][oauth]") {
  situation s;
  const auto first = s.connect();
  const auto second = situation::tokens(s.refresh(first.refresh));

  CHECK(second.refresh != first.refresh);
  CHECK(s.call(first.access, "users.me").status == 401);
  CHECK(s.call(second.access, "users.me").status == 200);

  const auto reuse = s.refresh(first.refresh);
  CHECK(reuse.status == 400);
  CHECK(situation::title(reuse) == "invalid_grant");
  CHECK(hint(reuse) == "Token has been revoked");
  CHECK(s.call(second.access, "users.me").status == 200);
}

TEST_CASE("with a knob the old access token survives a refresh, until it expires", "[provider_sim][oauth]") {
  knobs settings;
  settings.old_access_survives = true;
  situation s({1, 1}, settings);
  const auto first = s.connect();
  s.refresh(first.refresh);
  CHECK(s.call(first.access, "users.me").status == 200);
  s.now += 3600s;
  CHECK(s.call(first.access, "users.me").status == 401);
}

TEST_CASE("an access token lives an hour, its refresh token does not age", "[provider_sim][oauth]") {
  situation s;
  const auto pair = s.connect();
  s.now += 3599s;
  CHECK(s.call(pair.access, "users.me").status == 200);
  s.now += 1s;
  const auto expired = s.call(pair.access, "users.me");
  CHECK(expired.status == 401);
  CHECK(situation::title(expired) == "Unauthorized");
  s.now += 24h * 300;
  CHECK(s.refresh(pair.refresh).status == 200);
}

TEST_CASE("a token belongs to the client it was issued to", "[provider_sim][oauth]") {
  situation s;
  const auto pair = s.connect();
  s.order("POST", "/clients", R"({"client_id":"other","client_secret":"x","account":{"id":"1","name":"A"}})");
  const auto code = s.code();
  s.client_id = "other";
  s.client_secret = "x";
  CHECK(s.refresh(pair.refresh).status == 400);
  CHECK(s.exchange(code).status == 400);
}

TEST_CASE("errors about a code can take the plain OAuth form", "[provider_sim][oauth]") {
  situation s;
  s.order("POST", "/knobs", R"({"plain_code_errors":true})");
  const auto answer = s.exchange("def502nothing");
  CHECK(answer.status == 400);
  CHECK(boost::json::parse(answer.body).at("error") == "invalid_grant");
}

TEST_CASE("what the refusal of a code is called is a knob", "[provider_sim][oauth]") {
  situation s;
  s.order("POST", "/knobs", R"({"code_error":"invalid_request"})");
  const auto expired = s.exchange(s.code(700));
  CHECK(expired.status == 400);
  CHECK(situation::title(expired) == "invalid_request");
  CHECK(hint(expired) == "Authorization code has expired");
  CHECK(s.exchange(s.code()).status == 200);
}

TEST_CASE("revoking a client ends every grant of it", "[provider_sim][oauth]") {
  situation s;
  const auto pair = s.connect();
  const boost::json::object body{{"client_id", s.client_id}};
  CHECK(s.order("POST", "/revoke", boost::json::serialize(body)).at("ended") == 2);
  CHECK(s.call(pair.access, "users.me").status == 401);
  CHECK(hint(s.refresh(pair.refresh)) == "Token has been revoked");
}

TEST_CASE("every presentation of a code or refresh token is counted, by its digest alone", "[provider_sim][oauth]") {
  situation s;
  const auto pair = s.connect();
  s.refresh(pair.refresh);
  s.refresh(pair.refresh);

  const auto presented = s.order("GET", "/tokens/presented");

  CHECK(boost::json::serialize(presented).find(pair.refresh) == std::string::npos);
  bool found = false;
  for (const auto& one : presented.at("presented").as_array()) {
    if (one.at("sha256") != boost::json::value(sha256_hex(pair.refresh).c_str())) continue;
    found = true;
    CHECK(one.at("kind") == "refresh");
    CHECK(one.at("count") == 2);
    CHECK(one.at("results") == boost::json::value({"ok", "revoked"}));
  }
  CHECK(found);
}
