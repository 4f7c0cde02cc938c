// SPDX-License-Identifier: Apache-2.0
// What a client of any OAuth 2 provider has to tolerate (docs/generic-oauth2.md), as far as no other test has it.

#include <catch2/catch.hpp>

#include "host/core/oauth.hpp"

using namespace koppel::core;

namespace {

auth_rules any_provider() {
  auth_rules rules;
  rules.authorize_url = "https://accounts.example.com/auth";
  rules.token_url = "https://accounts.example.com/token";
  rules.rotates = auth_rules::rotation::either;
  rules.refresh_token_required = false;
  return rules;
}

refusal refused(int status, std::string_view body, std::string_view grant) {
  auto answer = read_token_answer(any_provider(), grant, status, body, "presented");
  REQUIRE(std::holds_alternative<refusal>(answer));
  return std::get<refusal>(answer);
}

token_pair granted(std::string_view body, std::string_view grant = "authorization_code") {
  auto answer = read_token_answer(any_provider(), grant, 200, body, "presented");
  REQUIRE(std::holds_alternative<token_pair>(answer));
  return std::move(std::get<token_pair>(answer));
}

}  // namespace

TEST_CASE("Intercom's grant has its token twice, no life and no successor", "[auth][token][generic]") {
  const auto pair = granted(R"({"token":"dG9rOm","access_token":"dG9rOm","token_type":"bearer"})");
  CHECK(pair.access.reveal() == "dG9rOm");
  CHECK(pair.refresh.empty());
  CHECK_FALSE(pair.expires_in);
  CHECK(refused(200, R"({"type":"error.list","errors":[{"code":"server_error","message":"Server Error"}],"token":"x"})",
                "authorization_code")
            .provider_error == "server_error");
}

TEST_CASE("Google's renewal brings no refresh token, and what else it brings is no matter", "[auth][token][generic]") {
  const auto pair = granted(
      R"({"access_token":"ya29.a0Af","expires_in":3599,"scope":"openid https://www.googleapis.com/auth/userinfo.email",
          "token_type":"Bearer","id_token":"eyJ.eyJ.sig","refresh_token_expires_in":604799})",
      "refresh_token");
  CHECK(pair.refresh.empty());
  CHECK(pair.expires_in == std::chrono::seconds{3599});
  CHECK(pair.scopes == std::vector<std::string>{"openid", "https://www.googleapis.com/auth/userinfo.email"});
}

TEST_CASE("an error is read as a text, a boolean, an object or a list", "[auth][token][generic]") {
  const auto of = [](std::string_view body) { return refused(400, body, "refresh_token"); };
  CHECK(of(R"({"error":"invalid_grant","error_description":"Token has been expired or revoked."})").reason ==
        auth_reason::revoked);
  CHECK(of(R"({"error":true,"message":"no"})").reason == auth_reason::unclear);
  CHECK(of(R"({"error":{"code":401,"message":"m","status":"UNAUTHENTICATED","errors":[{"reason":"x"}]}})")
            .provider_error == "UNAUTHENTICATED");
  CHECK(of(R"({"error":{"error":"invalid_grant"}})").reason == auth_reason::revoked);
  CHECK(of(R"({"error":["invalid_grant"]})").reason == auth_reason::revoked);
  CHECK(of(R"({"error":7})").provider_error.empty());
  CHECK(refused(200, R"({"access_token":"a","error":{"code":1}})", "refresh_token").reason == auth_reason::unclear);
}

TEST_CASE("scopes that are refused are a refusal with a reason, wherever it is said", "[auth][token][generic]") {
  CHECK(reason_of_callback_error("invalid_scope") == auth_reason::access_denied);
  CHECK(reason_of_callback_error("INVALID_OAUTHSCOPE") == auth_reason::access_denied);
  CHECK(reason_of_callback_error("server_error") == auth_reason::unclear);
  const auto exchange = refused(400, R"({"error":"invalid_scope"})", "authorization_code");
  CHECK(exchange.reason == auth_reason::access_denied);
  CHECK(exchange.provider_error == "invalid_scope");
  // A renewal asks for none: what is meant is not known.
  CHECK(refused(400, R"({"error":"invalid_scope"})", "refresh_token").reason == auth_reason::unclear);
}

TEST_CASE("a scope that the link asked for and nobody granted is missing, under whatever name it comes",
          "[auth][token][generic]") {
  manifest m;
  m.auth = any_provider();
  m.auth.of_settings.scopes = "scopes";
  m.auth.scopes = {"openid", "email", "offline_access", "https://www.googleapis.com/auth/contacts", "Mail.Read"};
  const auto missing = [&](std::vector<std::string> granted) { return missing_scopes(m, granted).scopes; };
  const std::string contacts = "https://www.googleapis.com/auth/contacts",
                    mail = "https://graph.microsoft.com/Mail.Read";
  CHECK(missing({contacts, mail}).empty());
  CHECK(missing({"contacts", "mail.read"}).empty());
  CHECK(missing({mail, "openid"}) == std::vector<std::string>{contacts});
  CHECK(missing({contacts + ".readonly", "xMail.Read"}) == std::vector<std::string>{contacts, "Mail.Read"});
  CHECK(missing_scopes(m, std::vector<std::string>{mail}).streams.empty());
  // Who does not say what was granted has granted what was asked for (RFC 6749, 5.1).
  CHECK(missing_scopes(m, std::nullopt).scopes.empty());
  // Where the manifest has the scopes, its streams say which are needed.
  m.auth.of_settings.scopes.clear();
  CHECK(missing({"openid"}).empty());
}

TEST_CASE("what a server in trouble says of a grant ends nothing", "[auth][token][generic]") {
  for (const int status : {500, 502, 503, 429, 408, 302}) {
    INFO(status);
    CHECK(refused(status, R"({"error":"invalid_grant"})", "refresh_token").reason == auth_reason::unclear);
  }
  CHECK(refused(400, "<html>invalid_grant</html>", "refresh_token").reason == auth_reason::unclear);
}

TEST_CASE("tokens of four KiB and codes of two are taken, and a code is decoded once", "[auth][token][generic]") {
  const std::string token(4096, 't'), code = "4/0A" + std::string(2040, 'c');
  const auto pair = granted(R"({"access_token":")" + token + R"(","refresh_token":")" + token + R"(r"})");
  CHECK(pair.access.reveal() == token);
  CHECK(pair.refresh.reveal() == token + "r");

  const auto pasted = read_pasted(any_provider(),
                                  "https://app.example/?state=s&code=4%2F0A%2525" + std::string(2040, 'c') +
                                      "&scope=openid%20email&authuser=0&hd=example.com&prompt=consent",
                                  "id");
  CHECK(pasted.problem == answer_problem::none);
  CHECK(pasted.code.reveal() == "4/0A%25" + std::string(2040, 'c'));
  CHECK(pasted.place.empty());
  CHECK(read_callback(any_provider(), {{"code", code}, {"state", "s"}, {"location", "evil"}}).code.reveal() == code);
}

TEST_CASE("the kind of a token is compared whatever its case, and one that needs proof is of no use",
          "[auth][token][generic]") {
  for (const auto* type : {"Bearer", "bearer", "BEARER", "sessionID", ""})
    CHECK(granted(R"({"access_token":"a","token_type":")" + std::string(type) + "\"}").access.reveal() == "a");
  CHECK(refused(200, R"({"access_token":"a","token_type":"dpop"})", "authorization_code").reason ==
        auth_reason::unclear);
}

TEST_CASE("who issued an answer is judged by the connection's own addresses", "[auth][callback][generic]") {
  const query_list query{{"code", "c"}, {"state", "s"}, {"iss", "https://accounts.example.com"}};
  CHECK(read_callback(any_provider(), query).problem == answer_problem::none);
  auto of_another = any_provider();
  of_another.authorize_url = of_another.token_url = "https://login.other.example/x";
  CHECK(read_callback(of_another, query).problem == answer_problem::wrong_issuer);
  CHECK(read_callback(of_another, query, {"https://accounts.example.com/auth"}).problem == answer_problem::none);
}
