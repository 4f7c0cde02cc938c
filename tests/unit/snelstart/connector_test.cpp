// SPDX-License-Identifier: Apache-2.0
// Requests, refusals and reads by id; walk_test has the reading of whole lists.
#include "simulated_snelstart.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

const std::string landen = R"([{"id":"nl","landcode":"NL","landcodeISO":"NLD"}])";

/// A host whose job has read the countries and waits for relations.
void begin(scripted_host& host) {
  host.sync("relaties");
  host.expect("GET", "/v2/landen");
  host.answer(200, landen);
}

seen_outcome refused_with(int status, const std::string& body, header_list headers = {}) {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  begin(host);
  host.answer(status, body, std::move(headers));
  return host.outcome();
}

seen_page read_by_id(int status, const std::string& body) {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.refetch("relaties", {"0abc"});
  host.answer(200, landen);
  host.expect("GET", "/v2/relaties/0abc");
  host.answer(status, body);
  INFO(host.outcome().detail);
  REQUIRE(host.outcome().error.empty());
  return host.pages().back();
}

}  // namespace

TEST_CASE("a job asks for the countries, then for relations", "[snelstart]") {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.sync("relaties");
  const auto& lands = host.expect("GET", "/v2/landen");
  CHECK(lands.url == "https://b2bapi.snelstart.nl/v2/landen");
  CHECK(lands.header("accept") == "application/json");
  CHECK(lands.header("authorization").empty());  // the host's to add, and the subscription key too
  host.answer(200, landen);
  CHECK(host.expect("GET", "/v2/relaties").url == "https://b2bapi.snelstart.nl/v2/relaties?%24top=500");
  host.answer(200, "[]");
  CHECK(host.outcome().error.empty());
  REQUIRE(host.pages().size() == 1);
  CHECK(host.pages().front().cursor_version == 1);
}

TEST_CASE("each refusal says what is to be done", "[snelstart][refusals]") {
  CHECK(refused_with(401, "").error == "authorise_again");
  CHECK(refused_with(403, R"({"message":"Forbidden"})").error == "scope_missing");
  CHECK(refused_with(404, R"({"statusCode":404,"message":"Resource not found"})").error == "permanent");
  CHECK(refused_with(503, "<html>").error == "try_again");
  CHECK(refused_with(503, "<html>").http_status == 503);

  const auto limited =
      refused_with(429, R"({"statusCode":429,"message":"Rate limit is exceeded. Try again in 26 seconds."})");
  CHECK(limited.error == "try_again");
  CHECK(limited.retry_after == 26'000);
  CHECK(refused_with(429, R"({"message":"Try again in 26 seconds."})", {{"retry-after", "7"}}).retry_after == 7'000);
  CHECK(refused_with(429, "").retry_after == 0);
  CHECK(refused_with(429, R"({"message":"Not in the mood"})").retry_after == 0);
  CHECK(refused_with(429, R"({"message":"Try again in 99999999999 seconds."})").retry_after <= 86'400'000);

  const std::string spent =
      R"({"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 00:12:30."})";
  CHECK(refused_with(403, spent).error == "try_again");
  CHECK(refused_with(403, spent).retry_after == 750'000);
  CHECK(refused_with(403, spent, {{"retry-after", "60"}}).retry_after == 60'000);
}

TEST_CASE("the four shapes of a refusal become a sentence for operators", "[snelstart][refusals]") {
  const std::string asked = "GET /v2/relaties was answered with 400";
  const auto sentence = [](const std::string& body) {
    const auto outcome = refused_with(400, body);
    CHECK(outcome.error == "bug");
    return outcome.detail;
  };
  CHECK(sentence(R"([{"errorCode":"ALG-0104","message":"Ongeldig OData filter","details":null}])") ==
        asked + ": ALG-0104");
  CHECK(sentence(R"({"Message":"Could not find a property named 'Nonsense' on type 'RelatieModel'."})") ==
        asked + ": Could not find a property named 'Nonsense' on type 'RelatieModel'.");
  CHECK(sentence(R"({"message":"The request is invalid.","modelState":{"top":["no"],"skip":["no"]}})") ==
        asked + ": The request is invalid. top skip");
  CHECK(sentence(R"({"statusCode":400,"message":"Bad"})") == asked + ": Bad");
  for (const auto* other : {"", "<html>", "[]", "{}", "7", R"({"message":7})", R"([[]])"})
    CHECK(sentence(other) == asked);
  CHECK(sentence(R"({"message":")" + std::string(5000, 'x') + R"("})").size() < 300);
}

TEST_CASE("the countries are refused as the relations are", "[snelstart][refusals]") {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.sync("relaties");
  host.answer(403, "");
  CHECK(host.outcome().error == "scope_missing");
  host.sync("relaties");
  host.answer(200, "{}");
  CHECK(host.outcome().error == "bug");
}

TEST_CASE("an answer that is no list ends the run, and is no end of the list", "[snelstart][hostile]") {
  for (const auto* body : {"", "<html>", "{}", "null", "7", R"({"value":[]})"}) {
    scripted_host host(load_plugin(SNELSTART_PLUGIN));
    begin(host);
    host.answer(200, body);
    const bool page_or_nothing = body[0] == '\0' || body[0] == '<';
    CHECK(host.outcome().error == (page_or_nothing ? "try_again" : "bug"));
    CHECK(host.pages().empty());
  }
}

TEST_CASE("rubbish among the rows is set aside, and the others go on", "[snelstart][hostile]") {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  begin(host);
  host.answer(200, R"([{"naam":"no id"},{"id":7},null,[],{"id":""},
    {"id":"good","naam":7,"email":[],"relatiesoort":"Klant","vestigingsAdres":"Dorpsstraat 1","modifiedOn":"soon"}])");

  REQUIRE(host.outcome().error.empty());
  const auto& page = host.pages().front();
  CHECK(page.set_aside == 5);
  REQUIRE(page.records.size() == 1);
  CHECK(page.records[0].facets.empty());  // better nothing than something wrong
  CHECK(host.log().size() == 4);
  CHECK(host.log().back() ==
        "warn: a company has an unexpected type of value at /vestigingsAdres; the field is left out");
}

TEST_CASE("a read by id says what the relation is, or that it is gone, and nothing else means gone",
          "[snelstart][refetch]") {
  const auto here = read_by_id(200, R"({"id":"0abc","naam":"An","relatiesoort":["Klant"]})");
  REQUIRE(here.records.size() == 1);
  CHECK(here.records[0].field("name") == R"("An")");
  CHECK_FALSE(here.records[0].gone);

  CHECK(read_by_id(404, "").records.at(0).gone);
  CHECK(read_by_id(404, R"({"Message":"Niet gevonden"})").records.at(0).gone);
  CHECK(read_by_id(400, R"([{"errorCode":"REL-0005","message":"Relatie niet gevonden"}])").records.at(0).gone);

  const auto hidden = read_by_id(403, "");
  CHECK(hidden.set_aside == 1);
  CHECK(hidden.records.empty());

  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {404, R"({"statusCode":404,"message":"Resource not found"})"},  // of the gateway: there is no such API
           {400, R"([{"errorCode":"ALG-0102","message":"Onbekende fout"}])"},
           {400, ""},
           {401, ""},
           {404, "<html>of a proxy</html>"},
           {410, ""},
           {429, ""},
           {500, R"([{"errorCode":"ALG-0102"}])"}}) {
    scripted_host host(load_plugin(SNELSTART_PLUGIN));
    host.refetch("relaties", {"0abc"});
    host.answer(200, landen);
    host.answer(status, body);
    INFO(status << ' ' << body);
    CHECK_FALSE(host.outcome().error.empty());
  }
}

TEST_CASE("a relation that SnelStart does not show because it is nonactief is inactive, and keeps what is known of it",
          "[snelstart][refetch]") {
  const int status = GENERATE(400, 404);
  const auto page = read_by_id(status, R"([{"errorCode":"ALG-0105","message":"Item is nonactief"}])");
  REQUIRE(page.records.size() == 1);
  CHECK_FALSE(page.records[0].gone);
  REQUIRE(page.records[0].facets.size() == 1);
  CHECK(page.records[0].facet_json("state") == R"({"status":"inactive"})");
}

TEST_CASE("ids and answers that do not fit are set aside", "[snelstart][refetch]") {
  CHECK(read_by_id(200, R"({"id":"0abd","naam":"Another"})").set_aside == 1);
  CHECK(read_by_id(200, R"({"id":"0abc","relatiesoort":["Eigen"]})").set_aside == 1);
  CHECK(read_by_id(400, R"([{"errorCode":"ALG-0103","message":"Ongeldig id"}])").set_aside == 1);

  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.refetch("relaties", {"../landen", "0abc/../0abd", ""});
  CHECK(host.requests() == 0);
}

TEST_CASE("a job that reads many relations by id reads the countries once", "[snelstart][refetch]") {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  simulated_snelstart snelstart;
  snelstart.put_many("a", 30, 0, 1);
  host.refetch("relaties", {"a1", "a2", "a3", "a29", "a30"});
  host.play(std::ref(snelstart));
  CHECK(host.outcome().error.empty());
  CHECK(snelstart.lands_read == 1);
  CHECK(host.requests() == 6);
  CHECK(host.records().at("a30").gone);
}
