// SPDX-License-Identifier: Apache-2.0
// koppelctl fetch: what it asks the daemon, what of the answer is on the output, how it ends.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "fake_daemon.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;
using koppel::koppelctl::exit_code;
namespace json = boost::json;

const std::string line = "POST /v1/connections/generic/crm/fetch";

TEST_CASE("a fetch hands over its template, and prints what was selected", "[koppelctl][fetch]") {
  fake_daemon daemon;
  daemon.answer(line, 200, R"({"status":200,"selected":"Peeters"})");

  const auto r = koppelctl_run(daemon.socket(), {"fetch", "generic/crm", "https://api.test/contacts.info?id={{id}}",
                                                 "--var", "id=a=b", "--var", "n=", "--select", "data.last_name"});

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "Peeters\n");
  REQUIRE(daemon.requests().size() == 1);
  CHECK(daemon.requests()[0].body == json::parse(R"({"url":"https://api.test/contacts.info?id={{id}}","method":"GET",
      "variables":{"id":"a=b","n":""},"select":"data.last_name"})")
                                         .as_object());
}

TEST_CASE("a whole answer is printed line by line, and cannot move the cursor", "[koppelctl][fetch]") {
  fake_daemon daemon;
  daemon.answer(line, 200, R"({"status":200,"body":"{\r\n\t\"a\": \"\u001b[2J\"\n}"})");

  const auto r = koppelctl_run(daemon.socket(),
                               {"fetch", "generic/crm", "https://api.test/x", "--method", "post", "--body", "{}"});

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "{\n\t\"a\": \"\\x1b[2J\"\n}\n");
  CHECK(daemon.requests()[0].body.at("method") == "POST");
  CHECK(daemon.requests()[0].body.at("body") == "{}");
}

TEST_CASE("what cannot be fetched is said in the daemon's words", "[koppelctl][fetch]") {
  fake_daemon daemon;
  daemon.answer(
      line, 502,
      R"({"error":{"code":"provider_refused","message":"The provider answered 404. It says: no such contact"}})");

  const auto r = koppelctl_run(daemon.socket(), {"fetch", "generic/crm", "https://api.test/x"});

  CHECK(r.exit == exit_code::refused);
  CHECK(r.out.empty());
  CHECK_THAT(r.err, Contains("The provider answered 404. It says: no such contact"));
}

TEST_CASE("only connections that can be asked are offered", "[koppelctl][fetch]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections?status=authorized", 200,
                R"({"connections":[{"provider":"generic","name":"crm","customer":"4711",
                    "auth":{"status":"authorized","account":{"id":"a.test/42","name":"Acme","environment":""}}}]})");
  const auto some = koppelctl_run(daemon.socket(), {"fetch", "--list"});
  CHECK_THAT(some.out, Contains("generic/crm  4711      Acme"));

  fake_daemon idle;
  idle.answer("GET /v1/connections?status=authorized", 200, R"({"connections":[]})");
  CHECK_THAT(koppelctl_run(idle.socket(), {"fetch", "--list"}).out, Contains("No connection is authorized."));
}

TEST_CASE("a fetch that says too little asks the daemon nothing", "[koppelctl][fetch]") {
  fake_daemon daemon;
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"fetch"},
                                             {"fetch", "generic/crm"},
                                             {"fetch", "crm", "https://api.test/"},
                                             {"fetch", "generic/crm", "https://api.test/", "--var", "id"},
                                             {"fetch", "generic/crm", "https://api.test/", "--method", "TRACE"}}) {
    const auto r = koppelctl_run(daemon.socket(), arguments);
    CHECK(r.exit == exit_code::usage);
    CHECK_FALSE(r.err.empty());
  }
  CHECK(daemon.requests().empty());
}

}  // namespace
