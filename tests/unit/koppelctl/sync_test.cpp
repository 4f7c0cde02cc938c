// SPDX-License-Identifier: Apache-2.0
// sync run: which runs are ours, when they are over, and what that means.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "fake_daemon.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;
using koppel::koppelctl::exit_code;
namespace json = boost::json;

const std::string runs_of_acme = "GET /v1/syncs?provider=teamleader&connection=acme&limit=100";
const std::vector<std::string> sync_run{"sync", "run", "teamleader/acme"};

std::string a_run(const std::string& id, const std::string& stream, const std::string& state,
                  const std::string& ended = "", const std::string& more = "") {
  return R"({"id":")" + id + R"(","provider":"teamleader","connection":"acme","stream":")" + stream +
         R"(","mode":"full","state":")" + state +
         R"(","read":1200,"upserted":3,"started_at":"2026-07-26T10:00:00Z","ended_at":")" + ended + "\"" + more + "}";
}

/// Asked for while nothing of it runs: whether it may be waited for.
void works(fake_daemon& daemon) {
  daemon.answer("GET /v1/connections/teamleader/acme", 200, R"({"auth":{"status":"authorized","display":"Success"}})");
}

std::string answer_of(const std::string& runs, const std::string& queued = "") {
  return R"({"runs":[)" + runs + R"(],"queued":[)" + queued + "]}";
}

TEST_CASE("a run is waited for from the queue to its end, and runs of the past do not count", "[koppelctl][sync]") {
  fake_daemon daemon;
  works(daemon);
  const auto old = a_run("r1", "contacts", "failed", "T1");
  daemon.answer(runs_of_acme, 200, answer_of(old));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts","companies"]})");
  const auto waiting = R"({"provider":"teamleader","connection":"acme","stream":"companies"})";
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r2", "contacts", "running") + "," + old, waiting));
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r2", "contacts", "completed", "T2") + "," + old, waiting));
  daemon.answer(
      runs_of_acme, 200,
      answer_of(a_run("r3", "companies", "running") + "," + a_run("r2", "contacts", "completed", "T2") + "," + old));
  daemon.answer(runs_of_acme, 200,
                answer_of(a_run("r3", "companies", "completed", "T3") + "," +
                          a_run("r2", "contacts", "completed", "T2") + "," + old));

  const auto r = koppelctl_run(daemon.socket(), {"sync", "run", "teamleader/acme", "--full", "--json"});

  CHECK(r.exit == exit_code::ok);
  CHECK(daemon.body_of("POST /v1/syncs") ==
        json::parse(R"({"provider":"teamleader","connection":"acme","full":true})").as_object());
  const auto document = json::parse(r.out);
  const auto& runs = document.at("runs").as_array();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at("id") == "r3");
  CHECK(runs[1].at("id") == "r2");
}

TEST_CASE("one failed stream makes the whole command fail, with its reason", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts","companies"]})");
  daemon.answer(runs_of_acme, 200,
                answer_of(a_run("r1", "contacts", "completed", "T1") + "," +
                          a_run("r2", "companies", "failed", "T1", R"(,"error":"The provider refused.")")));

  const auto r = koppelctl_run(daemon.socket(), sync_run);

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.out, Contains("completed  1 200") && Contains("The provider refused."));
}

TEST_CASE("an interrupted run that goes on under its id is ours when it ends again", "[koppelctl][sync]") {
  fake_daemon daemon;
  works(daemon);
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "interrupted", "T1")));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "interrupted", "T1")));
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "completed", "T2")));

  CHECK(koppelctl_run(daemon.socket(), sync_run).exit == exit_code::ok);
}

TEST_CASE("a run that went on already does not answer a wish that is still queued", "[koppelctl][sync]") {
  fake_daemon daemon;
  works(daemon);
  const auto later = R"(,"started_at":"2026-07-26T11:00:00Z")";
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "running")));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "failed", "T1"), R"({"stream":"contacts"})"));
  daemon.answer(
      runs_of_acme, 200,
      answer_of(a_run("r2", "contacts", "completed", "T2", later) + "," + a_run("r1", "contacts", "failed", "T1")));

  const auto r = koppelctl_run(daemon.socket(), {"sync", "run", "teamleader/acme", "--json"});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("\"r2\"") && !Contains("\"r1\""));
}

TEST_CASE("a run whose connection works no more by its turn is not waited for", "[koppelctl][sync]") {
  fake_daemon daemon;
  works(daemon);
  daemon.answer("GET /v1/connections/teamleader/acme", 200,
                R"({"auth":{"status":"needs_reauth","display":"Failed, access revoked"}})");
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");
  daemon.answer(runs_of_acme, 200, answer_of("", R"({"stream":"contacts"})"));

  const auto r = koppelctl_run(daemon.socket(), sync_run);

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.err, Contains("contacts does not begin") && Contains("needs_reauth") &&
                        Contains("Failed, access revoked") && Contains("koppelctl connection show teamleader/acme"));
}

TEST_CASE("progress is shown at a terminal and leaves nothing behind", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "running")));
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "completed", "T1")));

  const auto r = koppelctl_run(daemon.socket(), {"sync", "run", "teamleader/acme", "--stream", "contacts"}, {"", true});

  CHECK_THAT(r.err, Contains("contacts: 1 200 records read") && Contains("3 upserted"));
  CHECK_THAT(r.err, Catch::Matchers::EndsWith("\r\x1b[K"));
  CHECK(daemon.body_of("POST /v1/syncs").at("stream") == "contacts");
}

TEST_CASE("the table of runs begins on a line without progress", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "running")));
  daemon.answer(runs_of_acme, 200, answer_of(a_run("r1", "contacts", "completed", "T1")));

  const auto r = koppelctl_run(daemon.socket(), sync_run, {"", true, koppel::koppelctl::language::en, true});

  CHECK_THAT(r.out, Contains("0 deleted\r\x1b[KSTARTED (UTC)"));
}

TEST_CASE("a run that holds deletions says where to look", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts","companies"]})");
  daemon.answer(runs_of_acme, 200,
                answer_of(a_run("r1", "contacts", "completed", "T1", R"(,"held":5000)") + "," +
                          a_run("r2", "companies", "completed", "T1", R"(,"held":0)")));

  const auto r = koppelctl_run(daemon.socket(), sync_run);

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Catch::Matchers::EndsWith("\nWarning: 5 000 deletions of contacts are held, for they are many: "
                                              "koppelctl held show teamleader/acme contacts\n"));
  CHECK_THAT(r.out, !Contains("held show teamleader/acme companies"));
}

TEST_CASE("with --no-wait it returns when the daemon has accepted", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer(runs_of_acme, 200, answer_of(""));
  daemon.answer("POST /v1/syncs", 202, R"({"streams":["contacts"]})");

  const auto r = koppelctl_run(daemon.socket(), {"sync", "run", "teamleader/acme", "--no-wait"});

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "Asked for: contacts. See: koppelctl sync list teamleader/acme\n");
}

TEST_CASE("the list shows what waits before what ran", "[koppelctl][sync]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/syncs?provider=teamleader&connection=acme&limit=5", 200,
                answer_of(a_run("r1", "contacts", "running", "", R"(,"resumed":true)"),
                          R"({"provider":"teamleader","connection":"acme","stream":"companies"})"));

  const auto r = koppelctl_run(daemon.socket(), {"sync", "list", "teamleader/acme", "--limit", "5"});

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out.find("queued") < r.out.find("full, resumed"));
}

}  // namespace
