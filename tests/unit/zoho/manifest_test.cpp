// SPDX-License-Identifier: Apache-2.0
// What the host makes of Zoho's answers by the manifest: refusals with HTTP 200, the throttle, the data centre.
#include <catch2/catch.hpp>
#include <set>

#include "host/core/code_age.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/core/oauth.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

using namespace koppel;
using namespace std::chrono_literals;

namespace {

core::manifest zoho() {
  const auto read = plugins::parse_manifest(test::read_file(ZOHO_MANIFEST));
  if (!read) FAIL(read.error().detail);
  return *read;
}

core::refusal refused(std::string_view grant, int status, std::string_view body) {
  const auto answer = core::read_token_answer(zoho().auth, grant, status, body, "1000.presented");
  REQUIRE(std::holds_alternative<core::refusal>(answer));
  return std::get<core::refusal>(answer);
}

std::string reason(std::string_view grant, const std::string& error) {
  std::set<std::string> reasons;
  for (const int status : {200, 400})
    reasons.insert(std::string(core::to_string(refused(grant, status, R"({"error":")" + error + "\"}").reason)));
  REQUIRE(reasons.size() == 1);
  return *reasons.begin();
}

}  // namespace

TEST_CASE("Zoho's refusals have their reasons, with HTTP 200 as with 400", "[zoho][manifest]") {
  CHECK(reason("authorization_code", "invalid_code") == "code_refused");
  CHECK(reason("refresh_token", "invalid_code") == "revoked");
  CHECK(reason("authorization_code", "invalid_client") == "wrong_data_centre");
  CHECK(reason("refresh_token", "invalid_client") == "client_unknown");
  CHECK(reason("authorization_code", "invalid_client_secret") == "secret_wrong");
  CHECK(reason("refresh_token", "invalid_client_secret") == "secret_wrong");
  CHECK(reason("authorization_code", "invalid_redirect_uri") == "redirect_mismatch");
}

TEST_CASE("Access Denied is no refusal, whatever its status", "[zoho][manifest]") {
  for (const int status : {200, 400}) {
    const auto answer = refused(
        "refresh_token", status,
        R"({"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"})");
    CHECK(answer.throttled == 600s);
  }
  const auto of_code = refused("authorization_code", 200, R"({"error":"Access Denied","status":"failure"})");
  CHECK(of_code.throttled == 600s);
  CHECK_FALSE(core::may_outlive({}, *of_code.throttled, zoho().auth.code_lifetime));
  CHECK_FALSE(refused("refresh_token", 200, R"({"error":"invalid_code"})").throttled);
}

TEST_CASE("a token answer is taken with its scopes and names a data centre of the manifest", "[zoho][manifest]") {
  const auto manifest = zoho();
  const std::string_view body =
      R"({"access_token":"1000.a","refresh_token":"1000.b","scope":"ZohoCRM.modules.accounts.READ ZohoCRM.users.READ",)"
      R"("api_domain":"https://www.zohoapis.eu","token_type":"Bearer","expires_in":3600})";
  const auto answer = core::read_token_answer(manifest.auth, "authorization_code", 200, body, "1000.presented");
  REQUIRE(std::holds_alternative<core::token_pair>(answer));
  CHECK(std::get<core::token_pair>(answer).expires_in == 3600s);
  CHECK(core::missing_scopes(manifest, std::get<core::token_pair>(answer).scopes).streams ==
        std::vector<std::string>{"contacts"});
  CHECK(std::get<core::token_pair>(answer).lives.where == core::account_place{"eu", ""});
  CHECK(manifest.auth.regions.size() == 9);
  CHECK(manifest.auth.regions.front().name == "us");
}

TEST_CASE("a sandbox's token goes to the sandbox's host of its data centre, and one for an unknown host to none",
          "[zoho][manifest]") {
  const auto manifest = std::make_shared<const core::manifest>(zoho());
  for (const auto& region : manifest->auth.regions)
    for (const std::string environment : {"", "sandbox", "developer"}) {
      const auto host = region.values.at(environment.empty() ? "api" : environment);
      INFO(host);
      CHECK(host.starts_with((environment.empty() ? "www" : environment) + ".zohoapis."));
      const auto said = core::place_of_answer(manifest->auth, R"({"api_domain":"https://)" + host + "\"}");
      CHECK(said.where == core::account_place{region.name, environment});
      std::map<std::string, std::string> learned;
      core::remember_place(learned, said.where);
      const auto own = core::manifest_for(manifest, {}, learned);
      for (const auto& rule : own->egress) CHECK(rule.host == host);
      CHECK(core::job_settings(*manifest, {}, learned).at("region.api") == host);
    }
  for (const auto* host : {"www.zohoapis.example", "crmsandbox.zoho.eu", "accounts.zoho.eu"})
    CHECK(core::place_of_answer(manifest->auth, R"({"api_domain":"https://)" + std::string(host) + "\"}").unknown);
}

TEST_CASE("no more requests are under way at once than the smallest edition lets through", "[zoho][manifest]") {
  const auto limits = zoho().limits;
  REQUIRE(limits.size() == 1);
  CHECK(limits[0].at_once == 5);
  CHECK(limits[0].bucket == std::vector<std::string>{"account"});
}

TEST_CASE("a missing refresh token is a failure of the connecting", "[zoho][manifest]") {
  CHECK(zoho().auth.refresh_token_required);
}
