// SPDX-License-Identifier: Apache-2.0
// What a list may hold, and what the SDK makes of it: of the list "E4 Provider answers" (21 to 40) of the project's
// reliability notes the rows that are about content. By a connector that is a manifest alone, against a scripted
// provider.
#include "described.hpp"

using namespace koppel::declarative::test;

namespace {

const std::string once =
    "request = \"GET /things\"\nrecords = \"/things\"\nupdated_at = \"/changed\"\n"
    "paging = { style = \"none\" }\n";
const std::string by_link =
    "request = \"GET /things\"\nrecords = \"/things\"\n"
    "paging = { style = \"link\", next = \"/next\" }\n";
const std::string fields = "name = \"/name\"\nremarks = \"/remarks\"\n";

std::unique_ptr<scripted_host> read(const std::string& answer) {
  auto host = told(manifest_of(once, fields));
  host->sync("things");
  host->answer(200, answer);
  return host;
}

std::string end_of(const std::string& answer) {
  const auto host = read(answer);
  return host->outcome().error + ": " + host->outcome().detail;
}

}  // namespace

TEST_CASE("an error with 200 is no empty list, E4 27", "[declarative][E4]") {
  for (const auto* body : {R"({"error":{"message":"An error occurred"}})", R"({"things":null,"error":"x"})", "{}"})
    CHECK(end_of(body) == "bug: an answer without a list at /things");
}

TEST_CASE("a next link leads neither to another host, nor in a circle, nor for ever, E4 28", "[declarative][E4]") {
  const auto with_next = [](const std::string& next, int first = 1) {
    return answer{200, R"({"things":)" + rows(first, 1) + R"(,"next":")" + next + "\"}"};
  };
  const auto end = [&](const std::string& more, const std::function<answer(const asked&)>& provider) {
    auto host = told(manifest_of(by_link + more, fields));
    host->sync("things");
    host->play(provider);
    return host->outcome().detail;
  };
  CHECK(end("", [&](const asked&) { return with_next("https://evil.example/things"); }) ==
        "the provider's next page is not on the host that was asked");
  CHECK(end("", [&](const asked&) { return with_next("/things"); }) ==
        "the provider names as the next page the one that it has just shown");
  int page = 0;
  auto host =
      told(manifest_of("request = \"GET /things\"\nrecords = \"/things\"\npaging = { style = \"link\", next = "
                       "\"/next\", most_pages = 5 }\n",
                       fields));
  host->sync("things");
  host->play([&](const asked&) { return ++page, with_next("/things?p=" + std::to_string(page), page); });
  CHECK(page == 5);
  CHECK(host->outcome().detail.find("more than 5 pages") != std::string::npos);
}

TEST_CASE("one id on two pages is one record, the newer row's, E4 29", "[declarative][E4]") {
  auto host = told(manifest_of(by_link, fields));
  host->sync("things");
  host->answer(200, R"({"things":[{"id":0,"name":"x"},{"id":1,"name":"old"}],"next":"/things?p=2"})");
  host->answer(200, R"({"things":[{"id":1,"name":"new"}],"next":null})");
  CHECK(host->outcome().error.empty());
  REQUIRE(host->records().size() == 2);
  CHECK(host->records().at("1").field("name") == R"("new")");
}

TEST_CASE("a row without a usable id is set aside, a number and its digits are one id, E4 30", "[declarative][E4]") {
  const auto host = read(R"({"things":[{"id":null,"name":"x"},{"id":{},"name":"y"},{"id":7,"name":"seven"},
                             {"id":"7","name":"seven, as text"}]})");
  CHECK(host->outcome().error.empty());
  CHECK(host->pages().at(0).set_aside == 2);
  REQUIRE(host->records().size() == 1);
  CHECK(host->records().at("7").field("name") == R"("seven, as text")");
}

TEST_CASE("a row's time may be missing, in the future or in the year 1, E4 31", "[declarative][E4]") {
  const auto host =
      read(R"({"things":[{"id":"1","name":"none"},{"id":"2","name":"later","changed":"2999-01-01T00:00:00Z"},
      {"id":"3","name":"first","changed":"0001-01-01T00:00:00Z"},{"id":"4","name":"odd","changed":"yesterday"}]})");
  CHECK(host->outcome().error.empty());
  CHECK(host->records().size() == 4);
  CHECK(host->records().at("1").updated_at.empty());
  CHECK(host->records().at("4").updated_at.empty());
  // A future time moves no cursor beyond now: reading_test.cpp has "no later than the run began".
}

TEST_CASE("JSON of any depth is refused beyond 32, and an integer beyond 2^53 keeps its digits, E4 32",
          "[declarative][E4]") {
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  CHECK(end_of(R"({"things":[],"x":)" + deep + "}").starts_with("bug: an answer that is not JSON"));
  const auto host = read(R"({"things":[{"id":9007199254740993,"name":"x"}]})");
  CHECK(host->outcome().error.empty());
  CHECK(host->records().count("9007199254740993") == 1);
  const auto beyond = read(R"({"things":[{"id":99999999999999999999999,"name":"x"}]})");
  CHECK(beyond->outcome().error.empty());
  CHECK(beyond->records().empty());
  CHECK(beyond->pages().at(0).set_aside == 1);
}

TEST_CASE("bytes that are no UTF-8 end the read, and NUL in a name harms nothing, E4 40", "[declarative][E4]") {
  CHECK(end_of("{\"things\":[{\"id\":\"1\",\"name\":\"caf\xe9\"}]}").starts_with("bug: an answer that is not JSON"));
  const auto host =
      read(R"({"things":[{"id":"1","name":"a\u0000b"},{"id":"a\u0000b","name":"x"},{"id":"2","name":"y"}]})");
  CHECK(host->outcome().error.empty());
  CHECK(host->records().count("2") == 1);
  CHECK(host->records().at("1").field("name") == R"("a\u0000b")");
}
