// SPDX-License-Identifier: Apache-2.0
// What Workfront's own manifest makes of rules that other tests hold to.

#include <catch2/catch.hpp>

#include <string>

#include "host/core/token_refresh.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

namespace {

koppel::core::manifest workfront() {
  const auto text = koppel::test::read_file(SOURCES "/plugins/workfront/manifest.toml");
  auto parsed = koppel::plugins::parse_manifest(text);
  REQUIRE(parsed.has_value());
  return *std::move(parsed);
}

}  // namespace

TEST_CASE("a refresh token of Workfront's that nobody needs is presented before two weeks of rest end it",
          "[plugins][manifest]") {
  const auto rules = workfront().auth;
  koppel::core::token_age age;
  age.generation = 1;
  age.obtained_at = koppel::core::instant{std::chrono::hours{24 * 365 * 55}};
  for (const double spread : {0.0, 0.5, 0.999}) {
    const auto due = koppel::core::renewal_due(age, rules, spread);
    REQUIRE(due);
    CHECK(*due > age.obtained_at);
    CHECK(*due <= age.obtained_at + std::chrono::days{7});
  }
}

TEST_CASE("what Workfront says of a dead session is known in each form, and no record can say it",
          "[plugins][manifest]") {
  const auto rules = workfront().auth;
  CHECK(rules.authentication == koppel::core::auth_rules::client_authentication::basic_plain);
  const auto means_renewal = [&](int status, std::string_view body) {
    for (const auto& rule : rules.denials)
      if ((rule.status ? *rule.status == status : status >= 400) && body.find(rule.contains) != body.npos)
        return rule.means == koppel::core::denial_rule::meaning::renew;
    return false;
  };
  constexpr std::string_view by_class =
      R"({"error":{"class":"com.attask.common.AuthenticationException","message":"x"}})";
  constexpr std::string_view by_words = R"({"error":{"class":"x","message":"You are not currently logged in."}})";
  for (const int status : {200, 400, 403, 500}) {
    CHECK(means_renewal(status, by_class));
    CHECK(means_renewal(status, by_words));
  }
  CHECK_FALSE(means_renewal(200, R"({"data":[{"ID":"1","description":"You are not currently logged in."}]})"));
  CHECK_FALSE(means_renewal(200, R"({"data":[{"ID":"1","description":"com.attask.common.AuthenticationException"}]})"));
  CHECK_FALSE(means_renewal(200, R"({"data":[{"name":"\"message\":\"You are not currently logged in.\""}]})"));
}
