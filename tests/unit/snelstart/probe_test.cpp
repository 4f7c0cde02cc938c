// SPDX-License-Identifier: Apache-2.0
// The probe: whose administration is this, and may its relations be read?
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>
#include <map>

using namespace koppel::testing;

namespace {

/// An administration whose answers can be replaced by others.
struct administration {
  std::map<std::string, answer> instead;
  answer operator()(const asked& request) const {
    if (const auto at = instead.find(request.path); at != instead.end()) return at->second;
    if (request.path == "/v2/companyInfo")
      return {200, R"({"administratieIdentifier":"a-7","administratieNaam":"Bakkerij Maes","bedrijfsnaam":"Maes BV"})"};
    return {200, "[]"};
  }
};

seen_outcome probe(const std::map<std::string, answer>& instead) {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.probe();
  host.play(administration{instead});
  return host.outcome();
}

const answer no_scope{403, R"({"message":"Forbidden"})"};

}  // namespace

TEST_CASE("the account is the administration", "[snelstart][probe]") {
  const auto outcome = probe({});
  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "a-7");
  CHECK(outcome.account_name == "Bakkerij Maes");
  CHECK(outcome.streams_refused.empty());

  const auto unnamed =
      probe({{"/v2/companyInfo", {200, R"({"administratieIdentifier":"a-7","bedrijfsnaam":"Maes BV"})"}}});
  CHECK(unnamed.account_name == "Maes BV");
}

TEST_CASE("the probe reads one relation", "[snelstart][probe]") {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.probe();
  host.answer(200, R"({"administratieIdentifier":"a-7"})");
  CHECK(host.expect("GET", "/v2/relaties").query == "$top=1");
}

TEST_CASE("a token without the scope of relations or of countries loses the stream, not the account",
          "[snelstart][probe]") {
  const auto* const path = GENERATE("/v2/relaties", "/v2/landen");
  const auto outcome = probe({{path, no_scope}});
  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "a-7");
  CHECK(outcome.streams_refused == std::vector<std::string>{"relaties"});
}

TEST_CASE("a quota that is spent refuses no stream", "[snelstart][probe]") {
  const answer spent{
      403, R"({"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 00:00:10."})"};
  const auto* const path = GENERATE("/v2/companyInfo", "/v2/relaties", "/v2/landen");
  const auto outcome = probe({{path, spent}});
  CHECK(outcome.error == "try_again");
  CHECK(outcome.retry_after == 10'000);
}

TEST_CASE("nobody is connected whose administration is not known", "[snelstart][probe]") {
  CHECK(probe({{"/v2/companyInfo", no_scope}}).error == "scope_missing");
  CHECK(probe({{"/v2/companyInfo", no_scope}}).http_status == 403);
  for (const auto* body : {"{}", "[]", R"({"administratieIdentifier":null})", R"({"administratieIdentifier":""})"})
    CHECK(probe({{"/v2/companyInfo", {200, body}}}).error == "bug");
  CHECK(probe({{"/v2/companyInfo", {401, ""}}}).error == "authorise_again");
  CHECK(probe({{"/v2/relaties", {500, ""}}}).error == "try_again");
}
