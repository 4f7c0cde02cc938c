// SPDX-License-Identifier: Apache-2.0
// held list, show, confirm, reject: what is shown, when somebody is asked, and what is decided on.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "fake_daemon.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;
using koppel::koppelctl::exit_code;
namespace json = boost::json;

const std::string held_contacts = "/v1/connections/teamleader/acme/held/contacts";
const std::string some_held =
    R"({"provider":"teamleader","connection":"acme","stream":"contacts","entity":"contact","held":5000,"rejected":0,)"
    R"("known":6000,"published":40,"since":"2026-07-26T10:00:00Z","mark":5012,)"
    R"("records":[{"id":"c-1","name":"Jan Peeters","since":"2026-07-26T10:00:00Z","rejected":false}]})";

TEST_CASE("held show names the records, and says what can be done", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("GET " + held_contacts + "?limit=20", 200, some_held);

  const auto r = koppelctl_run(daemon.socket(), {"held", "show", "teamleader/acme", "contacts"});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("does not have 5 000 of 6 000 contact records any more") && Contains("Jan Peeters") &&
                        Contains("The first 1 of them:") &&
                        Contains("koppelctl held confirm teamleader/acme contacts --mark 5012") &&
                        Contains("koppelctl held reject teamleader/acme contacts --mark 5012") &&
                        Contains("koppelctl sync run teamleader/acme --stream contacts --full"));
}

TEST_CASE("held show of what was rejected does not offer to reject it", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("GET " + held_contacts + "?limit=20", 200,
                R"({"stream":"contacts","entity":"contact","held":0,"rejected":1,"known":6,"mark":9,)"
                R"("records":[{"id":"c-1","name":"Jan Peeters","rejected":true}]})");

  const auto r = koppelctl_run(daemon.socket(), {"held", "show", "teamleader/acme", "contacts"});

  CHECK_THAT(r.out,
             Contains("The deletion of 1 of 6 contact records was rejected: they stay") && Contains("All of them:") &&
                 !Contains("held reject") &&
                 Contains("If they are to go after all:        koppelctl held confirm teamleader/acme contacts"));
}

TEST_CASE("held confirm asks about what it shows, and decides on that", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("GET " + held_contacts, 200, some_held);
  daemon.answer("POST " + held_contacts, 202, R"({"decided":5000,"accepted":true})");
  const std::vector<std::string> confirm{"held", "confirm", "teamleader/acme", "contacts"};

  CHECK(koppelctl_run(daemon.socket(), confirm, {"n\n", true}).exit == exit_code::refused);
  CHECK(daemon.lines().size() == 1);
  const auto nobody = koppelctl_run(daemon.socket(), confirm);
  CHECK(nobody.exit == exit_code::usage);
  CHECK_THAT(nobody.err, Contains("--mark 5012"));
  const auto r = koppelctl_run(daemon.socket(), confirm, {"y\n", true});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("5 000 deletions are published"));
  CHECK(daemon.body_of("POST " + held_contacts) == json::parse(R"({"accept":true,"mark":5012})").as_object());
}

TEST_CASE("held reject with a mark asks nobody", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("POST " + held_contacts, 202, R"({"decided":5000,"accepted":false})");

  const auto r = koppelctl_run(daemon.socket(), {"held", "reject", "teamleader/acme", "contacts", "--mark", "7"});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("5 000 records stay, here and at the consumers"));
  CHECK(daemon.lines() == std::vector<std::string>{"POST " + held_contacts});
  CHECK(daemon.body_of("POST " + held_contacts) == json::parse(R"({"accept":false,"mark":7})").as_object());
}

TEST_CASE("held list has a row for each stream, or says that there is none", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/held", 200, R"({"held":[]})");
  CHECK_THAT(koppelctl_run(daemon.socket(), {"held", "list"}).out, Contains("No deletions are held"));
  fake_daemon other;
  other.answer("GET /v1/held", 200, R"({"held":[)" + some_held + "]}");
  CHECK_THAT(koppelctl_run(other.socket(), {"held", "list"}).out, Contains("teamleader/acme  contacts  5 000"));
}

TEST_CASE("connection show says since when deletions are held, and what to do", "[koppelctl][held]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections/teamleader/acme", 200,
                R"({"provider":"teamleader","name":"acme","streams":[{"stream":"contacts","records":6000,"held":5000,)"
                R"("held_since":"2026-07-26T10:00:00Z","rejected":0}]})");

  const auto r = koppelctl_run(daemon.socket(), {"connection", "show", "teamleader/acme"});

  CHECK_THAT(r.out, Contains("5 000 deletions of contacts are held since 2026-07-26 10:00:00 UTC: koppelctl held show "
                             "teamleader/acme contacts"));
}

}  // namespace
