// SPDX-License-Identifier: Apache-2.0
// Token answers as providers really give them, and worse (the list of docs/auth.md's bad answers).

#include <catch2/catch.hpp>

#include "host/core/oauth.hpp"

using namespace koppel::core;

namespace {

const std::string code = "def502c0de";

auth_rules teamleader() {
  auth_rules rules;
  rules.error_title_path = "/errors/0/title";
  rules.error_hint_path = "/errors/0/meta/hint";
  return rules;
}

auth_rules relaxed() {
  auth_rules rules;
  rules.rotates = auth_rules::rotation::never;
  rules.refresh_token_required = false;
  return rules;
}

std::variant<token_pair, refusal> read(const auth_rules& rules, int status, std::string_view body,
                                       std::string_view grant = "authorization_code") {
  return read_token_answer(rules, grant, status, body, code);
}

refusal refused(const auth_rules& rules, int status, std::string_view body,
                std::string_view grant = "authorization_code") {
  auto answer = read(rules, status, body, grant);
  REQUIRE(std::holds_alternative<refusal>(answer));
  return std::get<refusal>(answer);
}

token_pair granted(const auth_rules& rules, std::string_view body) {
  auto answer = read(rules, 200, body);
  REQUIRE(std::holds_alternative<token_pair>(answer));
  return std::move(std::get<token_pair>(answer));
}

std::optional<std::chrono::seconds> life(std::string_view expires_in) {
  return granted(relaxed(), R"({"access_token":"a","expires_in":)" + std::string(expires_in) + "}").expires_in;
}

}  // namespace

TEST_CASE("Teamleader's grant is read whole", "[auth][token]") {
  const auto pair =
      granted(teamleader(), R"({"token_type":"Bearer","expires_in":3600,"access_token":"AT","refresh_token":"RT"})");
  CHECK(pair.access.reveal() == "AT");
  CHECK(pair.refresh.reveal() == "RT");
  CHECK(pair.expires_in == std::chrono::seconds{3600});
  CHECK_FALSE(pair.scopes);
}

TEST_CASE("other providers' grants are read too", "[auth][token]") {
  CHECK(granted(relaxed(), R"({"token":"T","token_type":"bearer"})").access.reveal() == "T");
  CHECK(granted(relaxed(), R"({"access_token":"A","error":null,"errors":[]})").access.reveal() == "A");
  CHECK(granted(relaxed(), R"({"access_token":"A","error":false})").access.reveal() == "A");
  CHECK(granted(relaxed(), R"({"access_token":"A","token_type":"sessionID"})").access.reveal() == "A");
  const auto google = granted(relaxed(), R"({"access_token":"ya29.a","scope":"a b,c","refresh_token":"1//0g"})");
  CHECK(google.scopes == std::vector<std::string>{"a", "b", "c"});
  CHECK(google.refresh.reveal() == "1//0g");
}

TEST_CASE("a refresh token that is null, empty or of another type counts as none", "[auth][token]") {
  for (const auto* body : {R"({"access_token":"A"})", R"({"access_token":"A","refresh_token":null})",
                           R"({"access_token":"A","refresh_token":""})", R"({"access_token":"A","refresh_token":7})"}) {
    CHECK(granted(relaxed(), body).refresh.empty());
    const auto r = refused(teamleader(), 200, body);
    CHECK(r.reason == auth_reason::access_denied);
    CHECK(r.provider_error == "no refresh token");
  }
  // On a refresh it means: keep the one you have.
  CHECK(std::holds_alternative<token_pair>(read(teamleader(), 200, R"({"access_token":"A"})", "refresh_token")));
}

TEST_CASE("a life that is no sensible number of seconds is unknown", "[auth][token]") {
  CHECK(life("3600") == std::chrono::seconds{3600});
  CHECK(life("\"3600\"") == std::chrono::seconds{3600});
  CHECK(life("3600.5") == std::chrono::seconds{3600});
  for (const auto* text : {"0", "-1", "1e18", "null", "\"\"", "\"soon\"", "true", "[]", "1e400"}) {
    INFO(text);
    const auto answer = read(relaxed(), 200, R"({"access_token":"a","expires_in":)" + std::string(text) + "}");
    if (const auto* pair = std::get_if<token_pair>(&answer)) CHECK_FALSE(pair->expires_in);
  }
  CHECK_FALSE(granted(relaxed(), R"({"access_token":"a"})").expires_in);
}

TEST_CASE("where the manifest says so, a life that is too long is in milliseconds", "[auth][token]") {
  auto rules = relaxed();
  rules.expires_in_ms_above = 86400;
  const auto read = [&](std::string_view life) {
    return granted(rules, R"({"access_token":"a","expires_in":)" + std::string(life) + "}").expires_in;
  };
  CHECK(read("3600") == std::chrono::seconds{3600});
  CHECK(read("86400") == std::chrono::seconds{86400});
  CHECK(read("3600000") == std::chrono::seconds{3600});
  CHECK(read("\"3600000\"") == std::chrono::seconds{3600});
  CHECK_FALSE(read("1e18"));
  CHECK(life("3600000") == std::chrono::seconds{3600000});
}

TEST_CASE("what is not clearly a grant is a refusal", "[auth][token]") {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  const std::string bodies[] = {
      "",
      " ",
      "<html>ok</html>",
      "[]",
      "\"token\"",
      "null",
      "{}",
      "{",
      R"({"access_token":"a"} x)",
      R"({"access_token":"a",})",
      R"({"access_token":null})",
      R"({"access_token":7})",
      R"({"access_token":""})",
      R"({"access_token":["a"]})",
      R"({"access_token":"a\r\nX: y"})",
      R"({"access_token":"a b"})",
      R"({"access_token":"a\u0000"})",
      "{\"access_token\":\"\xff\"}",
      R"({"access_token":")" + std::string(1 << 20, 'a') + "\"}",
      R"({"access_token":"a","access_token":"b"})",
      R"({"access_token":"a","error":"","error":"x"})",
      R"({"access_token":"a","x":{"k":1,"k":2}})",
      R"({"access_token":"a","token_type":"mac"})",
      R"({"access_token":"a","token_type":"DPoP"})",
      R"({"access_token":"a","error":"x"})",
      R"({"access_token":"a","error":true})",
      R"({"access_token":"a","errors":[{"code":"x"}]})",
      R"({"access_token":"a","x":)" + deep + "}",
      R"({"access_token":"a","refresh_token":"r\n"})",
  };
  for (const auto& body : bodies) {
    INFO(body.substr(0, 60));
    const auto r = refused(relaxed(), 200, body);
    CHECK(r.reason == auth_reason::unclear);
    CHECK(r.http_status == 200);
  }
}

TEST_CASE("the words of a refusal decide its reason", "[auth][token]") {
  struct said {
    int status;
    std::string_view body;
    auth_reason reason;
    std::string_view error;
  };
  const said cases[] = {
      {400, R"({"errors":[{"status":400,"title":"invalid_grant","meta":{"hint":"Token has been revoked"}}]})",
       auth_reason::code_refused, "invalid_grant"},
      {400, R"({"error":"invalid_grant","error_description":"Bad Request"})", auth_reason::code_refused,
       "invalid_grant"},
      {400, R"({"error":"invalid_grant","error_description":"redirect_uri does not match"})",
       auth_reason::redirect_mismatch, "invalid_grant"},
      {400, R"({"error":"invalid_request","message":"Invalid redirect URI"})", auth_reason::redirect_mismatch,
       "invalid_request"},
      {400, R"({"error":"redirect_uri_mismatch"})", auth_reason::redirect_mismatch, "redirect_uri_mismatch"},
      {401, R"({"error":"invalid_client"})", auth_reason::secret_wrong, "invalid_client"},
      {400, R"({"error":"invalid_client"})", auth_reason::secret_wrong, "invalid_client"},
      {400, R"({"error":"unauthorized_client"})", auth_reason::client_unknown, "unauthorized_client"},
      {200, R"({"error":"invalid_code"})", auth_reason::code_refused, "invalid_code"},
      {400, R"({"error":{"code":"invalid_grant","message":"x"}})", auth_reason::code_refused, "invalid_grant"},
      {400, R"({"error":true,"message":"no"})", auth_reason::unclear, ""},
      {400, R"({"type":"error.list","errors":[{"code":"server_error","message":"Server Error"}]})",
       auth_reason::unclear, "server_error"},
      {400, "Bad Request", auth_reason::unclear, ""},
      {400, "", auth_reason::unclear, ""},
      {404, "<html>", auth_reason::unclear, ""},
      {302, "", auth_reason::unclear, ""},
      {307, R"({"error":"invalid_grant"})", auth_reason::unclear, "invalid_grant"},
      {503, R"({"error":"invalid_grant"})", auth_reason::unclear, "invalid_grant"},
      {429, R"({"error":"invalid_grant"})", auth_reason::unclear, "invalid_grant"},
      {503, "", auth_reason::unclear, ""},
      {400, R"({"access_token":"a","refresh_token":"r"})", auth_reason::unclear, ""},
  };
  for (const auto& c : cases) {
    INFO(c.status << " " << c.body);
    const auto r = refused(teamleader(), c.status, c.body);
    CHECK(to_string(r.reason) == to_string(c.reason));
    CHECK(r.provider_error == c.error);
    CHECK(r.http_status == c.status);
  }
  CHECK(refused(teamleader(), 400, R"({"error":"invalid_grant"})", "refresh_token").reason == auth_reason::revoked);
}

TEST_CASE("a manifest's own rules come first, and each part of a rule has to fit", "[auth][token]") {
  auto rules = teamleader();
  const auto reason = [&](int status, std::string_view grant = "authorization_code") {
    return refused(rules, status, R"({"errors":[{"title":"Invalid_Request","meta":{"hint":"the code is Expired"}}]})",
                   grant)
        .reason;
  };
  CHECK(reason(400) == auth_reason::unclear);
  rules.refusals = {{"authorization_code", 400, "code is expired", "code_expired"}};
  CHECK(reason(400) == auth_reason::code_expired);
  CHECK(reason(401) == auth_reason::unclear);
  CHECK(reason(400, "refresh_token") == auth_reason::unclear);
  rules.refusals = {{"", std::nullopt, "", "no such reason"},
                    {"", std::nullopt, "", "wrong_data_centre"},
                    {"", std::nullopt, "", "revoked"}};
  CHECK(reason(400) == auth_reason::wrong_data_centre);
}

TEST_CASE("nothing of a body but a clean error code is kept, and no echo of the code", "[auth][token]") {
  CHECK(cleaned_error("invalid_grant") == "invalid_grant");
  CHECK(cleaned_error("") == "");
  CHECK(cleaned_error(std::string(64, 'a')) == std::string(64, 'a'));
  for (const auto& text :
       {std::string(65, 'a'), std::string("<b>"), std::string("a\nb"), std::string("a;b"), std::string("caf\xc3\xa9")})
    CHECK(cleaned_error(text) == "unreadable");
  CHECK(refused(teamleader(), 400, R"({"error":"<script>"})").provider_error == "unreadable");
  CHECK(refused(teamleader(), 400, R"({"error":"bad code def502c0de"})").provider_error == "unreadable");
}

TEST_CASE("scopes that streams need and the grant lacks are named, where the provider says what it granted",
          "[auth][token]") {
  manifest m;
  m.streams.resize(3);
  m.streams[0].name = "companies", m.streams[0].scope = "companies";
  m.streams[1].name = "contacts", m.streams[1].scope = "contacts";
  m.streams[2].name = "anything";
  CHECK(missing_scopes(m, std::nullopt).streams.empty());
  const auto gap = missing_scopes(m, std::vector<std::string>{"companies", "other"});
  CHECK(gap.scopes == std::vector<std::string>{"contacts"});
  CHECK(gap.streams == std::vector<std::string>{"contacts"});
}
