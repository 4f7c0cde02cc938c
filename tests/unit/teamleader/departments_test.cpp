// SPDX-License-Identifier: Apache-2.0
// Reading departments: one answer is the whole list, whatever kind of run it is.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

/// Gives the same rows to whatever page it is asked for, as Teamleader does.
struct account {
  std::size_t* asked_for;
  answer operator()(const asked& request) const {
    ++*asked_for;
    if (request.path == "/departments.list") {
      std::string rows;
      for (int i = 0; i < 130; ++i)
        rows += (i ? ",{\"id\":\"" : "{\"id\":\"") + std::to_string(i) + R"(","name":"D","status":"active"})";
      return {200, R"({"data":[)" + rows + "]}"};
    }
    if (request.json("/id") == R"("7")") return {404, R"({"errors":[{"title":"Not found","status":404}]})"};
    if (request.json("/id") == R"("8")") return {200, R"({"data":{"id":"9","name":"another one's"}})"};
    if (const auto id = request.json("/id"); id.size() < 6)
      return {200, R"({"data":{"id":)" + id + R"(,"name":"D","status":"active","iban":"BE)" + id.substr(1) + "}}"};
    if (request.json("/id") == R"("here")") return {200, R"({"data":{"id":"here","name":"D","iban":"BE1"}})"};
    if (request.json("/id") == R"("no-uuid")") return {400, R"({"errors":[{"title":"id invalid uuid"}]})"};
    return {404, R"({"errors":[{"title":"Not found","status":404}]})"};
  }
};

}  // namespace

TEST_CASE("a list of departments is one request, for archived ones too, and each is read by its id for the rest",
          "[teamleader][departments]") {
  for (const bool full : {true, false}) {
    scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
    job_options with;
    with.full = full;
    with.cursor = full ? "" : "left by another version";
    host.sync("departments", with);
    const auto& request = host.expect("POST", "/departments.list");
    CHECK(request.url == "https://api.focus.teamleader.eu/departments.list");
    CHECK(request.header("x-api-version") == "2023-09-26");
    CHECK(request.body ==
          R"({"filter":{"status":["active","archived"]},"sort":[{"field":"created_at","order":"asc"}]})");

    std::size_t asked_for = 0;
    host.play(account{&asked_for});

    REQUIRE(host.outcome().error.empty());
    CHECK(asked_for == 131);
    const auto records = host.records();
    CHECK(records.size() == 130);
    CHECK(records.at("129").field("iban") == R"("BE129")");
    CHECK(host.cursor().empty());
    CHECK(host.pages().size() == 1);
    // One that is not given by its id is what the list says.
    for (const auto* not_given : {"7", "8"}) {
      CHECK(records.at(not_given).field("name") == R"("D")");
      CHECK(records.at(not_given).field("iban") == "absent");
    }
  }
}

TEST_CASE("a list of departments that was interrupted is read from its beginning", "[teamleader][departments]") {
  std::size_t asked_for = 0;
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.hold_commits(true);
  host.sync("departments");
  host.play(account{&asked_for}, 1);
  host.cut();
  CHECK(host.pages().empty());
  host.hold_commits(false);
  host.resume("departments");
  host.play(account{&asked_for});

  CHECK(host.outcome().error.empty());
  CHECK(host.records().size() == 130);
}

TEST_CASE("a provider in trouble amid the departments is none that has lost its fields", "[teamleader][departments]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.sync("departments");
  host.answer(200, R"({"data":[{"id":"1","name":"D"},{"id":"2","name":"D"}]})");
  host.answer(200, R"({"data":{"id":"1","name":"D","iban":"BE1"}})");
  host.expect("POST", "/departments.info");
  host.answer(503, "");
  CHECK(host.outcome().error == "try_again");
  CHECK(host.pages().empty());
}

TEST_CASE("an account without departments is an empty list, and an answer that is no list ends the run",
          "[teamleader][departments]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.sync("departments");
  host.answer(200, R"({"data":[]})");
  CHECK(host.outcome().error.empty());

  for (const auto* body : {"{}", R"({"data":{}})", "<html>", ""}) {
    scripted_host other(load_plugin(TEAMLEADER_PLUGIN));
    other.sync("departments");
    other.answer(200, body);
    const bool page_or_nothing = body[0] != '{';
    CHECK(other.outcome().error == (page_or_nothing ? "try_again" : "bug"));
    CHECK(other.pages().empty());
  }
}

TEST_CASE("without the box, the stream of departments says that a scope is missing", "[teamleader][departments]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.sync("departments");
  host.answer(403, R"({"errors":[{"title":"Forbidden","status":403}]})");

  CHECK(host.outcome().error == "scope_missing");
  CHECK(host.outcome().http_status == 403);
}

TEST_CASE("a department that a list did not show is read by its id, and only a 404 says that it is gone",
          "[teamleader][departments]") {
  std::size_t asked_for = 0;
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.refetch("departments", {"here", "gone", "no-uuid"});
  CHECK(host.expect("POST", "/departments.info").body == R"({"id":"here"})");
  host.play(account{&asked_for});

  REQUIRE(host.outcome().error.empty());
  REQUIRE(host.pages().size() == 1);
  const auto& page = host.pages().front();
  REQUIRE(page.records.size() == 2);
  CHECK_FALSE(page.records[0].gone);
  CHECK(page.records[0].field("iban") == R"("BE1")");
  CHECK(page.records[1].gone);
  CHECK(page.records[1].entity == "department");
  CHECK(page.records[1].id == "gone");
  CHECK(page.set_aside == 1);
}
