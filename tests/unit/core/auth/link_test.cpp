// SPDX-License-Identifier: Apache-2.0
// The outgoing half of OAuth: links and token requests, character by character.

#include <catch2/catch.hpp>

#include "host/core/oauth.hpp"

using namespace koppel::core;

namespace {

auth_rules teamleader() {
  auth_rules rules;
  rules.authorize_url = "https://focus.teamleader.eu/oauth2/authorize";
  rules.token_url = "https://focus.teamleader.eu/oauth2/access_token";
  rules.scopes = {"companies", "contacts"};
  return rules;
}

link_parameters parameters() {
  return {"74db53122ef0913c240ffeeda65c9e2a", "https://app.testocloud.be/", "st-at_e", {}};
}

exchange_parameters exchange() { return {"id&1", "se cret+/=", "def502+/%ab", "https://app.testocloud.be/?a=b", {}}; }

std::string header(const token_request& r, std::string_view name) {
  for (const auto& [known, value] : r.headers)
    if (known == name) return value;
  return {};
}

}  // namespace

TEST_CASE("a link carries what the provider asks for, and no scope unless the manifest says so", "[auth][link]") {
  auto rules = teamleader();
  CHECK(authorization_link(rules, parameters()) ==
        "https://focus.teamleader.eu/oauth2/authorize?client_id=74db53122ef0913c240ffeeda65c9e2a&response_type=code"
        "&redirect_uri=https%3A%2F%2Fapp.testocloud.be%2F&state=st-at_e");
  rules.send_scope = true;
  CHECK(authorization_link(rules, parameters()).ends_with("&state=st-at_e&scope=companies%20contacts"));
}

TEST_CASE("a link encodes whatever could end a parameter", "[auth][link]") {
  auto p = parameters();
  p.client_id = "a&b=c d+e#f%25";
  CHECK(authorization_link(teamleader(), p).find("client_id=a%26b%3Dc%20d%2Be%23f%2525&") != std::string::npos);
}

TEST_CASE("extra parameters of the manifest are added, and never replace ours", "[auth][link]") {
  auto rules = teamleader();
  rules.extra_authorize_parameters = {
      {"access_type", "offline"}, {"state", "fixed"}, {"redirect_uri", "https://evil.example/"}};
  rules.authorize_url += "?lang=nl";
  const auto link = authorization_link(rules, parameters());
  CHECK(link.find("authorize?lang=nl&client_id=") != std::string::npos);
  CHECK(link.ends_with("&access_type=offline"));
  CHECK(link.find("fixed") == std::string::npos);
  CHECK(link.find("evil") == std::string::npos);
}

TEST_CASE("a link is never made for anything but https", "[auth][link]") {
  auto rules = teamleader();
  for (const auto* url : {"http://focus.teamleader.eu/", "focus.teamleader.eu", "", "https://a b/"}) {
    rules.authorize_url = url;
    CHECK(authorization_link(rules, parameters()).empty());
  }
}

TEST_CASE("PKCE is S256 of RFC 7636's own example", "[auth][link]") {
  const std::string_view verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  CHECK(pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  auto p = parameters();
  p.verifier = verifier;
  CHECK(authorization_link(teamleader(), p)
            .ends_with("&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"));
}

TEST_CASE("base64url has no padding and no sign that a query would change", "[auth][link]") {
  CHECK(base64url(std::string_view("\xfb\xff\xfe", 3)) == "-__-");
  CHECK(base64url("a") == "YQ");
  CHECK(base64url("") == "");
}

TEST_CASE("a token request as a form with the client in the body", "[auth][link]") {
  const auto request = code_exchange(teamleader(), exchange());
  CHECK(request.url == "https://focus.teamleader.eu/oauth2/access_token");
  CHECK(header(request, "content-type") == "application/x-www-form-urlencoded");
  CHECK(header(request, "authorization").empty());
  CHECK(request.body.reveal() ==
        "grant_type=authorization_code&code=def502%2B%2F%25ab&redirect_uri=https%3A%2F%2Fapp.testocloud.be%2F%3Fa%3Db"
        "&client_id=id%261&client_secret=se%20cret%2B%2F%3D");
}

TEST_CASE("a token request with Basic keeps the client out of the body", "[auth][link]") {
  auto rules = teamleader();
  rules.authentication = auth_rules::client_authentication::basic;
  exchange_parameters p = exchange();
  p.client_id = "Aladdin";
  p.client_secret = "open";
  p.verifier = "v";
  const auto request = code_exchange(rules, p);
  CHECK(header(request, "authorization") == "Basic QWxhZGRpbjpvcGVu");
  CHECK(request.body.reveal().find("client") == std::string_view::npos);
  CHECK(request.body.reveal().ends_with("&code_verifier=v"));

  // A colon of the client id would end it: RFC 6749 has both encoded first.
  p.client_id = "Ala:ddin";
  CHECK(header(code_exchange(rules, p), "authorization") == "Basic QWxhJTNBZGRpbjpvcGVu");
}

TEST_CASE("a token request with Basic for a provider that decodes nothing has id and secret as they are",
          "[auth][link]") {
  auto rules = teamleader();
  rules.authentication = auth_rules::client_authentication::basic_plain;
  exchange_parameters p = exchange();
  p.client_id = "Aladdin";
  p.client_secret = "o+p/e=n:%";
  const auto request = code_exchange(rules, p);
  CHECK(header(request, "authorization") == "Basic QWxhZGRpbjpvK3AvZT1uOiU=");
  CHECK(request.body.reveal().find("client") == std::string_view::npos);
}

TEST_CASE("a token request as JSON", "[auth][link]") {
  auto rules = teamleader();
  rules.format = auth_rules::body_format::json;
  exchange_parameters p = exchange();
  p.client_secret = "a\"b";
  const auto request = code_exchange(rules, p);
  CHECK(header(request, "content-type") == "application/json");
  CHECK(request.body.reveal() ==
        R"({"grant_type":"authorization_code","code":"def502+/%ab","redirect_uri":"https://app.testocloud.be/?a=b",)"
        R"("client_id":"id&1","client_secret":"a\"b"})");
}
