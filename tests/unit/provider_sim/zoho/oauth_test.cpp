// SPDX-License-Identifier: Apache-2.0
// Consent, data centres, codes and tokens of the simulated Zoho, without a socket.
#include <catch2/catch.hpp>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::zoho;
using namespace std::chrono_literals;

namespace {

std::string query_of(const situation& s, const std::string& rest = "&access_type=offline&prompt=consent") {
  return "client_id=" + s.client_id + "&response_type=code&redirect_uri=" + percent_encode(redirect_uri) +
         "&scope=ZohoCRM.modules.ALL,ZohoCRM.users.READ&state=S1" + rest;
}

std::string hidden_token(const reply& page) {
  const std::string mark = "name=\"request\" value=\"";
  const auto from = page.body.find(mark);
  REQUIRE(from != std::string::npos);
  return page.body.substr(from + mark.size(), page.body.find('"', from + mark.size()) - from - mark.size());
}

form_fields allow(situation& s, const std::string& rest = "&access_type=offline&prompt=consent") {
  const auto page = s.oauth("GET", "/oauth/v2/auth", query_of(s, rest));
  REQUIRE(page.status == 200);
  const auto back = s.oauth("POST", "/oauth/v2/auth", "request=" + hidden_token(page) + "&decision=allow");
  REQUIRE(back.status == 302);
  const auto location = situation::header(back, "Location");
  REQUIRE(location.starts_with(std::string(redirect_uri) + "?"));
  return decode_form(location.substr(location.find('?') + 1));
}

std::string error_of(const reply& answer) {
  CHECK(answer.status == 200);
  return situation::text(answer, "error");
}

}  // namespace

TEST_CASE("everybody begins at accounts.zoho.com and is led on to his data centre, which the redirect names",
          "[provider_sim][zoho]") {
  situation s;
  const auto first = s.oauth("GET", "/oauth/v2/auth", query_of(s), "accounts.zoho.com");
  REQUIRE(first.status == 302);
  CHECK(situation::header(first, "Location") == "https://accounts.zoho.eu/oauth/v2/auth?" + query_of(s));

  const auto back = allow(s);
  CHECK(*find_field(back, "state") == "S1");
  CHECK(*find_field(back, "location") == "eu");
  CHECK(*find_field(back, "accounts-server") == "https://accounts.zoho.eu");
  CHECK(find_field(back, "code")->starts_with("1000."));
  const auto answer = s.exchange(*find_field(back, "code"));
  CHECK(situation::text(answer, "api_domain") == "https://www.zohoapis.eu");
  CHECK(situation::text(answer, "refresh_token").starts_with("1000."));
  CHECK(situation::text(answer, "scope").find(',') == std::string::npos);
}

TEST_CASE("a sandbox's token names the sandbox's host, and is good nowhere else", "[provider_sim][zoho]") {
  situation s;
  s.order("POST", "/clients",
          R"({"client_id":")" + s.client_id + R"(","client_secret":")" + s.client_secret +
              R"(","scopes":["ZohoCRM.org.READ"],"account":{"id":"7","name":"Trial","host":"eu/sandbox"}})");
  const auto back = allow(s);
  CHECK(*find_field(back, "location") == "eu");
  const auto answer = s.exchange(*find_field(back, "code"));
  CHECK(situation::text(answer, "api_domain") == "https://sandbox.zohoapis.eu");
  const auto access = situation::text(answer, "access_token");
  for (const auto* other : {"www.zohoapis.eu", "developer.zohoapis.eu", "sandbox.zohoapis.com"})
    CHECK(s.call(access, "/org", "", other).status == 401);
  const auto org = s.call(access, "/org", "", "sandbox.zohoapis.eu");
  REQUIRE(org.status == 200);
  CHECK(boost::json::parse(org.body).at("org").at(0).at("type") == "sandbox");
  CHECK(situation::text(s.refresh(situation::text(answer, "refresh_token")), "api_domain") ==
        "https://sandbox.zohoapis.eu");

  s.order("POST", "/knobs", R"({"api_domain":"https://preview.zohoapis.eu"})");
  CHECK(situation::text(s.exchange(s.code()), "api_domain") == "https://preview.zohoapis.eu");
}

TEST_CASE("what the authorize page refuses is shown and not redirected", "[provider_sim][zoho]") {
  situation s;
  for (const auto& query : {std::string("client_id=nobody"), query_of(s) + "&redirect_uri=x",
                            "client_id=" + s.client_id + "&redirect_uri=mailto:x&response_type=code&scope=a",
                            "client_id=" + s.client_id + "&redirect_uri=https://a.example/&response_type=code"}) {
    const auto page = s.oauth("GET", "/oauth/v2/auth", query == query_of(s) + "&redirect_uri=x" ? "" : query);
    CHECK(page.status == 400);
    CHECK(page.content_type.starts_with("text/html"));
    CHECK(situation::header(page, "Location").empty());
  }
}

TEST_CASE("a denial goes back with state", "[provider_sim][zoho]") {
  situation s;
  const auto page = s.oauth("GET", "/oauth/v2/auth", query_of(s));
  const auto back = s.oauth("POST", "/oauth/v2/auth", "request=" + hidden_token(page) + "&decision=deny");
  CHECK(situation::header(back, "Location") == std::string(redirect_uri) + "?state=S1&error=access_denied");
}

TEST_CASE("a refresh token comes with offline access only, and without prompt at the first consent only",
          "[provider_sim][zoho]") {
  situation s;
  const auto refresh_token = [&](const std::string& rest) {
    const auto answer = s.exchange(*find_field(allow(s, rest), "code"));
    CHECK_FALSE(situation::text(answer, "access_token").empty());
    return situation::text(answer, "refresh_token");
  };
  CHECK(refresh_token("").empty());
  situation fresh;
  CHECK_FALSE(
      situation::text(fresh.exchange(*find_field(allow(fresh, "&access_type=offline"), "code")), "refresh_token")
          .empty());
  CHECK(refresh_token("&access_type=offline").empty());
  CHECK_FALSE(refresh_token("&access_type=offline&prompt=consent").empty());
}

TEST_CASE("a code lives for a minute, once, and a wrong redirect address leaves it alone", "[provider_sim][zoho]") {
  situation s;
  CHECK(error_of(s.exchange(s.code(60))) == "invalid_code");
  const auto code = s.code(59);
  CHECK(error_of(s.exchange(code, eu_accounts, "https://other.example/")) == "invalid_redirect_uri");
  CHECK_FALSE(situation::text(s.exchange(code), "access_token").empty());
  CHECK(error_of(s.exchange(code)) == "invalid_code");
}

TEST_CASE("another data centre does not know the code, nor the client without Multi-DC", "[provider_sim][zoho]") {
  situation s;
  const auto code = s.code();
  CHECK(error_of(s.exchange(code, "accounts.zoho.com")) == "invalid_code");
  s.order("POST", "/knobs", R"({"no_multi_dc":true})");
  CHECK(error_of(s.exchange(code, "accounts.zoho.com")) == "invalid_client");
  CHECK(s.oauth("GET", "/oauth/v2/auth", query_of(s), "accounts.zoho.com").status == 400);
  const auto granted = boost::json::parse(s.exchange(code).body);
  const std::string refresh(granted.at("refresh_token").as_string().c_str());
  CHECK(error_of(s.refresh(refresh, "accounts.zoho.in")) == "invalid_client");
  CHECK_FALSE(situation::text(s.refresh(refresh), "access_token").empty());
}

TEST_CASE("refusals of a client come with HTTP 200", "[provider_sim][zoho]") {
  situation s;
  const auto refused = [&](const std::string& fields) {
    return error_of(s.oauth("POST", "/oauth/v2/token", "grant_type=refresh_token&refresh_token=x&" + fields));
  };
  CHECK(refused("client_id=nobody&client_secret=x") == "invalid_client");
  CHECK(refused("client_id=" + s.client_id + "&client_secret=x") == "invalid_client_secret");
  CHECK(refused("client_id=" + s.client_id + "&client_secret=" + s.client_secret) == "invalid_code");
}

TEST_CASE("a refresh gives an access token and no refresh token, the old one goes on", "[provider_sim][zoho]") {
  situation s;
  const auto pair = s.connect();
  const auto answer = s.refresh(pair.refresh);
  CHECK(situation::text(answer, "refresh_token").empty());
  CHECK(situation::text(answer, "api_domain") == "https://www.zohoapis.eu");
  CHECK(s.call(pair.access, "/org").status == 200);
  CHECK(s.call(situation::text(answer, "access_token"), "/org").status == 200);
  s.now += 3601s;
  CHECK(s.call(pair.access, "/org").status == 401);
  CHECK_FALSE(situation::text(s.refresh(pair.refresh), "access_token").empty());
}

TEST_CASE("the eleventh access token in ten minutes is denied until they are over, and is no refusal",
          "[provider_sim][zoho]") {
  situation s;
  const bool with_400 = GENERATE(false, true);
  s.order("POST", "/knobs", with_400 ? R"({"throttle_with_400":true})" : "{}");
  const auto pair = s.connect();
  for (int i = 0; i < 10; ++i) REQUIRE_FALSE(situation::text(s.refresh(pair.refresh), "access_token").empty());
  const auto denied = s.refresh(pair.refresh);
  CHECK(denied.status == (with_400 ? 400 : 200));
  CHECK(situation::text(denied, "error") == "Access Denied");
  CHECK(situation::text(denied, "status") == "failure");
  CHECK(s.call(pair.access, "/org").status == 401);  // the oldest of eleven that lived
  s.now += 10min;
  CHECK_FALSE(situation::text(s.refresh(pair.refresh), "access_token").empty());
}

TEST_CASE("the twenty-first refresh token of a user drops the oldest with its access token, silently",
          "[provider_sim][zoho]") {
  situation s;
  const auto oldest = s.connect();
  for (int i = 0; i < 19; ++i) {
    s.now += 61s;
    REQUIRE_FALSE(s.connect().refresh.empty());
  }
  CHECK(s.call(oldest.access, "/org").status == 200);
  s.now += 61s;
  const auto newest = s.connect();
  CHECK(s.call(oldest.access, "/org").status == 401);
  CHECK(error_of(s.refresh(oldest.refresh)) == "invalid_code");
  CHECK_FALSE(situation::text(s.refresh(newest.refresh), "access_token").empty());
}

TEST_CASE("a refresh token that is revoked takes all its access tokens along", "[provider_sim][zoho]") {
  situation s;
  const auto pair = s.connect();
  const auto second = situation::text(s.refresh(pair.refresh), "access_token");
  CHECK(s.oauth("POST", "/oauth/v2/token/revoke", "token=" + pair.refresh).body == R"({"status":"success"})");
  CHECK(s.call(pair.access, "/org").status == 401);
  CHECK(s.call(second, "/org").status == 401);
  CHECK(error_of(s.refresh(pair.refresh)) == "invalid_code");
  CHECK(s.oauth("POST", "/oauth/v2/token/revoke", "token=x").status == 400);

  const auto other = s.connect();
  s.order("POST", "/revoke", R"({"client_id":")" + s.client_id + "\"}");
  CHECK(situation::text(s.call(other.access, "/org"), "code") == "INVALID_TOKEN");
}

TEST_CASE("a client of an account in no data centre is refused", "[provider_sim][zoho]") {
  situation s;
  CHECK(s.ask_control("POST", "/clients", R"({"scopes":[],"account":{"id":"1","name":"A","host":"mars"}})").status ==
        400);
  const auto made = s.order("POST", "/clients", R"({"scopes":["ZohoCRM.org.READ"],"account":{"id":"1","name":"A"}})");
  s.client_id = made.at("client_id").as_string();
  s.client_secret = made.at("client_secret").as_string();
  CHECK(situation::text(s.exchange(s.code()), "api_domain") == "https://www.zohoapis.eu");
}
