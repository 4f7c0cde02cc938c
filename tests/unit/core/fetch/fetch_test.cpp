// SPDX-License-Identifier: Apache-2.0
// A request from a template, and the part of its answer that is wanted.

#include <catch2/catch.hpp>

#include "host/core/fetch.hpp"

using namespace koppel::core;

namespace {

fetch_request of(const std::string& url, std::map<std::string, std::string> variables = {}) {
  return fill({"GET", url, "", std::move(variables)});
}

fetch_request with_body(const std::string& body, std::map<std::string, std::string> variables = {}) {
  return fill({"POST", "https://api.test/x", body, std::move(variables)});
}

std::string selected(std::string_view body, std::string_view path) {
  const auto found = select(body, path);
  return found.complaint.empty() ? shown(found.value) : found.complaint;
}

const std::string contacts =
    R"({"data":{"last_name":"Peeters","first_name":null,"tags":["a","b"],"a.b":{"c/d":7,"e~f":true}},"meta":[]})";

}  // namespace

TEST_CASE("variables are percent-encoded where they stand", "[fetch]") {
  const auto got =
      of("https://api.test/people/{{id}}/mails?q={{what}}&again={{id}}", {{"id", "a b:c"}, {"what", "x=1&y=ü/{{id}}"}});
  CHECK(got.complaint.empty());
  CHECK(got.url == "https://api.test/people/a%20b%3Ac/mails?q=x%3D1%26y%3D%C3%BC%2F%7B%7Bid%7D%7D&again=a%20b%3Ac");
  CHECK(of("https://api.test/contacts.info?id=7").url == "https://api.test/contacts.info?id=7");
}

TEST_CASE("a variable that is missing or stands nowhere is named", "[fetch]") {
  CHECK(of("https://api.test/?id={{id}}").complaint == "The variable \"id\" is missing: add --var id=VALUE.");
  CHECK(of("https://api.test/", {{"id", "7"}}).complaint.starts_with("The variable \"id\" stands nowhere"));
  for (const auto* bad : {"{{", "{{}}", "{{a b}}", "{{a", "{{ id }}"}) {
    INFO(bad);
    CHECK(of("https://api.test/?x=" + std::string(bad), {{"id", "7"}}).complaint.find("is no placeholder") !=
          std::string::npos);
  }
}

TEST_CASE("no variable decides where a request goes", "[fetch]") {
  for (const auto* url : {"https://{{x}}/", "https://{{x}}.api.test/", "{{x}}://api.test/", "https://api.test{{x}}",
                          "https://u:{{x}}@api.test/", "{{x}}"}) {
    INFO(url);
    CHECK(of(url, {{"x", "y"}}).complaint.find("in the path and in the query") != std::string::npos);
  }
  for (const auto* value : {"..", ".", "", "a/b", "..\\x"}) {
    INFO(value);
    CHECK(of("https://api.test/a/{{x}}/c", {{"x", value}}).complaint.find("stands in the path") != std::string::npos);
    CHECK(of("https://api.test/a?x={{x}}", {{"x", value}}).complaint.empty());
  }
}

TEST_CASE("a body is JSON, and a variable cannot leave the text that it stands in", "[fetch]") {
  CHECK(with_body(R"({"id":"{{id}}"})", {{"id", "7\",\"admin\":\"yes"}}).body == R"({"id":"7\",\"admin\":\"yes"})");
  CHECK(with_body(R"({"q":"say \"{{w}}\""})", {{"w", "a\\\n"}}).body == R"({"q":"say \"a\\\n\""})");
  CHECK(with_body(R"({"n":{{n}},"b":[{{b}}]})", {{"n", "-1.5"}, {"b", "true"}}).body == R"({"n":-1.5,"b":[true]})");
  CHECK(with_body(R"([{{n}}])", {{"n", "1,2"}}).complaint.find("outside a text") != std::string::npos);
  CHECK(with_body(R"({"n":{{n}}})", {{"n", "\"x\""}}).complaint.find("outside a text") != std::string::npos);
  CHECK(with_body("{\"n\":").complaint.find("no JSON") != std::string::npos);
  CHECK(fill({"GET", "https://api.test/", "{}", {}}).complaint.starts_with("A GET has no body"));
  CHECK(fill({"TRACE", "https://api.test/", "", {}}).complaint.starts_with("The method has to be"));
}

TEST_CASE("a part of an answer is selected by names and numbers", "[fetch]") {
  CHECK(selected(contacts, "data.last_name") == "Peeters");
  CHECK(selected(contacts, "data.first_name") == "null");
  CHECK(selected(contacts, "data.tags.1") == "b");
  CHECK(selected(contacts, "data.tags") == R"(["a","b"])");
  CHECK(selected(contacts, "/data/a.b/c~1d") == "7");
  CHECK(selected(contacts, "/data/a.b/e~0f") == "true");
}

TEST_CASE("what is missing is named, with what is there instead and without its values", "[fetch]") {
  CHECK(selected(contacts, "data.lastname") ==
        "The answer has no \"lastname\" in data: that has last_name, first_name, tags, a.b.");
  CHECK(selected(contacts, "dat") == "The answer has no \"dat\" at its top: it has data, meta.");
  CHECK(selected(contacts, "data.tags.2") == "The answer has no \"2\" in data.tags: that is a list of 2: 0 to 1.");
  CHECK(selected(contacts, "meta.0") == "The answer has no \"0\" in meta: that is an empty list.");
  CHECK(selected(contacts, "data.last_name.x") == "The answer has no \"x\" in data.last_name: that is a text.");
  CHECK(selected(contacts, "data.tags.-1").find("Peeters") == std::string::npos);
  CHECK(selected("<html>\x1b[2J", "a") ==
        "The answer is no JSON, so nothing can be selected from it; it begins: <html>\\x1b[2J");
  CHECK(selected("", "a").ends_with("it begins: (nothing)"));
  CHECK(selected(std::string(100'000, '['), "a").starts_with("The answer is no JSON"));
}
