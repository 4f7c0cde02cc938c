// SPDX-License-Identifier: Apache-2.0
// The JSON view and builders, and requests made with them.
#include <koppel/sdk/http.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

TEST_CASE("absent and null stay apart, however deep one looks", "[json]") {
  const auto row = json::parse(R"({"a":null,"b":{"c":"text"},"n":42,"f":1.5,"t":true,"list":[1,"two",null]})");

  CHECK(row["a"].is_null());
  CHECK(row["missing"].is_absent());
  CHECK_FALSE(row["missing"].is_null());
  CHECK(row["missing"]["deeper"]["still"].is_absent());
  CHECK(row.at("/b/c").text() == "text");
  CHECK(row.at("/a/c/d").is_null());
  CHECK(row.at("/b/x").is_absent());
  CHECK(row.at("/n/x").is_absent());
  CHECK(row.at("").size() == 6);
  CHECK(row["n"].integer() == 42);
  CHECK(row["n"].text() == std::nullopt);
  CHECK(row["f"].number() == 1.5);
  CHECK(row["f"].integer() == std::nullopt);
  CHECK(row["t"].boolean() == true);
  CHECK(row["b"].text() == std::nullopt);
}

TEST_CASE("a list that is missing is not an empty list", "[json]") {
  const auto answer = json::parse(R"({"data":[],"other":null})");

  CHECK(answer.array("data").empty());
  CHECK_THROWS_AS(answer.array("other"), job_failure);
  CHECK_THROWS_AS(answer.array("missing"), job_failure);
  CHECK(answer["missing"].items().empty());
}

TEST_CASE("items outlive the answer they came in", "[json]") {
  json_items items;
  {
    const response gone(200, {}, R"({"data":[{"id":"x"},{"id":"y"}]})");
    items = gone.array("data");
  }
  std::string ids;
  for (const auto& item : items) ids += *item["id"].text();
  CHECK(ids == "xy");
  CHECK(items[2].is_absent());
}

TEST_CASE("what is not JSON, too deep, or followed by more is refused", "[json]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(json::parse(nested(32)));
  CHECK_THROWS_AS(json::parse(nested(33)), job_failure);
  CHECK_THROWS_AS(json::parse(""), job_failure);
  CHECK_THROWS_AS(json::parse("{} {}"), job_failure);
  CHECK_THROWS_AS(json::parse("\"\xff\""), job_failure);
  CHECK_THROWS_AS(json::parse("{\"a\":1"), job_failure);
}

TEST_CASE("bodies are built with everything escaped", "[json]") {
  const auto inner = json_object().add("size", 100).add("since", std::int64_t{1} << 40);
  const auto body = json_object()
                        .add("page", inner)
                        .add("quote\"", "a\"b\\c\n\x01 é")
                        .add("flag", true)
                        .add("nothing", nullptr)
                        .add("list", json_array().add("x").add(7).add(json_object()));

  CHECK(
      body.text() ==
      R"({"page":{"size":100,"since":1099511627776},"quote\"":"a\"b\\c\n\u0001 é","flag":true,"nothing":null,"list":["x",7,{}]})");
  CHECK_NOTHROW(json::parse(body.text()));
}

TEST_CASE("a body that has a name grows where it stands", "[json]") {
  json_object body;
  body.add("size", 100).add("name", "x").add("flag", false).add("nothing", nullptr);
  json_array list;
  list.add("x").add(7);
  body.add("list", list);

  CHECK(body.text() == R"({"size":100,"name":"x","flag":false,"nothing":null,"list":["x",7]})");
}

TEST_CASE("query parameters and forms are percent-encoded", "[http]") {
  const auto asked = request("GET", "https://api.example/x").query("filter", "a&b=c/d é").query("page", "2");
  CHECK(asked.url == "https://api.example/x?filter=a%26b%3Dc%2Fd%20%C3%A9&page=2");

  auto named = request("GET", "https://api.example/x");
  named.query("page", "2").query("size", "5");
  CHECK(named.url == "https://api.example/x?page=2&size=5");

  const auto posted = request("POST", "https://api.example/x").form({{"grant type", "a+b"}, {"c", ""}});
  CHECK(posted.body == "grant%20type=a%2Bb&c=");
  CHECK(posted.headers.front().second == "application/x-www-form-urlencoded");
}

TEST_CASE("an error names the path, never the query or the body", "[http]") {
  const auto asked = request("GET", "https://api.example/people?email=jan@example.com");
  const http_error error(asked, response(404, {}, "secret"));
  CHECK(std::string(error.what()) == "GET /people was answered with 404");

  const auto wait_of = [&](std::string value) {
    return http_error(asked, response(503, {{"retry-after", std::move(value)}}, "")).retry_after.count();
  };
  CHECK(wait_of("12") == 12'000);
  CHECK(wait_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0);
  CHECK(wait_of("-1") == 0);
  CHECK(wait_of("99999999999999999999") == 0);
  // Also of an answer whose status says nothing of a wait.
  CHECK(http_error(asked, response(403, {{"retry-after", "12"}}, "")).retry_after.count() == 0);
  CHECK(retry_after(response(403, {{"retry-after", "12"}}, "")).count() == 12'000);
}
