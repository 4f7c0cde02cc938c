// SPDX-License-Identifier: Apache-2.0
// Reading Teamleader: to the last record, whatever shares a second, wherever a run is cut.
#include "simulated_teamleader.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

struct account {
  scripted_host host{load_plugin(TEAMLEADER_PLUGIN)};
  simulated_teamleader teamleader;

  void run_to_the_end() {
    host.play(std::ref(teamleader));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  std::set<std::string> ids_seen() const {
    std::set<std::string> out;
    for (const auto& [id, record] : host.records()) out.insert(id);
    return out;
  }
};

constexpr std::int64_t a_day_later = 1'714'644'000'000;  // 2024-05-02T10:00:00Z; the simulated rows are of the first

job_options incremental(const std::string& cursor) {
  job_options out;
  out.cursor = cursor;
  out.now = a_day_later;
  return out;
}

job_options full() {
  auto out = incremental("");
  out.full = true;
  return out;
}

}  // namespace

TEST_CASE("a list request is what Teamleader's manual wants", "[teamleader]") {
  account a;
  a.host.sync("companies");
  const auto& request = a.host.expect("POST", "/companies.list");

  CHECK(request.url == "https://api.focus.teamleader.eu/companies.list");
  CHECK(request.header("x-api-version") == "2023-09-26");
  CHECK(request.header("content-type") == "application/json");
  CHECK(request.body ==
        R"({"page":{"size":100,"number":1},"sort":[{"field":"updated_at","order":"asc"}],"includes":"custom_fields"})");

  a.host.answer(200, R"({"data":[]})");
  CHECK(a.host.outcome().error.empty());
  a.host.sync("contacts");
  a.host.expect("POST", "/contacts.list");
}

TEST_CASE("an account of 250 companies is read to the last one, in three requests", "[teamleader][paging]") {
  account a;
  for (int i = 0; i < 250; ++i) a.teamleader.add("c" + std::to_string(i), i);
  a.host.sync("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
  CHECK(a.teamleader.sinces == std::vector<std::string>{"", "2024-05-01T10:01:38+00:00", "2024-05-01T10:03:16+00:00"});
  for (const auto& page : a.host.pages()) CHECK(page.cursor_version == 1);
}

TEST_CASE("rows that share a second are all read, more than a page of them too", "[teamleader][paging]") {
  const bool inclusive = GENERATE(true, false);
  const int same = GENERATE(99, 100, 101, 200, 350);
  INFO("updated_since " << (inclusive ? "includes" : "excludes") << " its second; " << same << " rows in one second");
  account a;
  a.teamleader.since_includes_its_second = inclusive;
  a.teamleader.add_many("before", 30, 7);
  a.teamleader.add_many("same", same, 8);
  a.teamleader.add_many("next", 60, 9);
  a.teamleader.add_many("after", 130, 20);
  a.host.sync("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
}

TEST_CASE("a list that ends with a full page costs one more request", "[teamleader][paging]") {
  account a;
  a.teamleader.add_many("c", 100, 5);
  a.host.sync("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen().size() == 100);
  CHECK(a.teamleader.lists == 3);  // the page, its second again, and what is beyond it
}

TEST_CASE("rows without updated_at are read and move no window", "[teamleader][paging]") {
  account a;
  a.teamleader.add_many("undated", 230, -1);
  a.host.sync("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
  CHECK(a.teamleader.sinces == std::vector<std::string>{"", "", ""});
}

TEST_CASE("an incremental run begins five minutes before the cursor", "[teamleader][cursor]") {
  account a;
  a.teamleader.add("old", 0);
  a.teamleader.add("new", 1000);
  a.host.sync("companies", full());
  a.run_to_the_end();
  a.teamleader.touch("old", 1001);
  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();

  CHECK(a.teamleader.sinces.back() == "2024-05-01T10:11:39+00:00");  // 1000 s, less one, less five minutes
  CHECK(a.host.pages().back().records.size() == 2);
}

TEST_CASE("a row that is listed late, with an older time than the last run's newest, is read by the next run",
          "[teamleader][cursor]") {
  account a;
  a.teamleader.add("seen", 1000);
  a.host.sync("companies", full());
  a.run_to_the_end();
  a.teamleader.add("late", 1000 - 290);
  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
}

TEST_CASE("a row that slid to a page already read is read by the next run", "[teamleader][cursor]") {
  account a;
  a.teamleader.add_many("same", 250, 8);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.teamleader), 2);  // the first page of that second, twice: the window moved up to it
  for (int i = 0; i < 10; ++i) a.teamleader.touch("same" + std::to_string(i), 60);
  a.run_to_the_end();
  CHECK(a.ids_seen().size() == 240);

  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.teamleader.ids());
}

TEST_CASE("a row from the future is read, and hides nothing that changes before its time", "[teamleader][cursor]") {
  constexpr int in_a_year = 365 * 24 * 3600;
  const int ahead = GENERATE(1, 230);
  account a;
  a.teamleader.add("today", 1000);
  a.teamleader.add_many("ahead", ahead, in_a_year);
  a.host.sync("companies", full());
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.teamleader.ids());
  CHECK(a.host.cursor() == "2024-05-01T10:16:39+00:00 1");

  a.teamleader.add("tomorrow", 2000);
  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.teamleader.ids());

  a.host.sync("companies", incremental("2025-05-01T10:00:00+00:00 1"));  // as an older version may have left it
  CHECK(a.host.expect("POST", "/companies.list").json("/filter/updated_since") == R"("2024-05-02T09:55:00+00:00")");
}

TEST_CASE("a full run ignores the old cursor, a resumed one uses it as it is", "[teamleader][cursor]") {
  account a;
  a.teamleader.add("c", 400);
  auto with = full();
  with.cursor = "2024-05-01T10:05:00+00:00 2";
  a.host.sync("companies", with);
  a.run_to_the_end();
  CHECK(a.teamleader.sinces.back().empty());

  with.resumed = true;
  a.host.sync("companies", with);
  CHECK(a.host.expect("POST", "/companies.list").json("/filter/updated_since") == R"("2024-05-01T10:05:00+00:00")");
  CHECK(a.host.expect("POST", "/companies.list").json("/page/number") == "2");
  a.run_to_the_end();

  // Another version's cursor, or a damaged one: from the beginning, not an error.
  for (const auto* bad : {"rubbish", "2024-05-01T10:05:00+00:00", "none", "2024-05-01T10:05:00+00:00 0", " 3"}) {
    with.cursor = bad;
    a.host.sync("companies", with);
    a.run_to_the_end();
    CHECK(a.teamleader.sinces.back().empty());
  }
  with.cursor = "2024-05-01T10:05:00+00:00 2";
  with.cursor_version = 2;
  a.host.sync("companies", with);
  a.run_to_the_end();
  CHECK(a.teamleader.sinces.back().empty());
}

TEST_CASE("a run that is cut after any request loses nothing", "[teamleader][cursor]") {
  const bool inclusive = GENERATE(true, false);
  const auto fill = [&](account& a) {
    a.teamleader.since_includes_its_second = inclusive;
    a.teamleader.add_many("early", 150, 3);
    a.teamleader.add_many("same", 250, 8);
    for (int i = 0; i < 130; ++i) a.teamleader.add("late" + std::to_string(i), 10 + i);
    a.host.sync("companies", full());
  };
  account whole;
  fill(whole);
  whole.run_to_the_end();
  REQUIRE(whole.host.requests() > 6);

  for (std::size_t cut_after = 0; cut_after < whole.host.requests(); ++cut_after) {
    account a;
    fill(a);
    a.host.play(std::ref(a.teamleader), cut_after);
    REQUIRE_FALSE(a.host.ended());
    a.host.cut();
    a.host.resume("companies", full());
    a.run_to_the_end();

    INFO("cut after " << cut_after);
    CHECK(a.ids_seen() == a.teamleader.ids());
  }
}

TEST_CASE("a run that is cut before its page was committed reads the page again", "[teamleader][cursor]") {
  account a;
  for (int i = 0; i < 250; ++i) a.teamleader.add("c" + std::to_string(i), i);
  a.host.hold_commits(true);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.teamleader), 1);
  a.host.cut();
  CHECK(a.host.pages().empty());
  a.host.hold_commits(false);
  a.host.resume("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
}

TEST_CASE("rows that are edited while they are read come again", "[teamleader][paging]") {
  account a;
  for (int i = 0; i < 250; ++i) a.teamleader.add("c" + std::to_string(i), i);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.teamleader), 1);
  for (int i = 0; i < 40; ++i) a.teamleader.touch("c" + std::to_string(i), 500);
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.teamleader.ids());
  CHECK(a.host.records().at("c0").updated_at == "2024-05-01T10:08:20Z");
}

TEST_CASE("a provider that ignores the filter or the page number does not keep us for ever", "[teamleader][hostile]") {
  account a;
  SECTION("the filter") {
    a.teamleader.ignores_filter = true;
    a.teamleader.add_many("c", 150, 5);
    a.host.sync("companies", incremental("2024-05-01T11:00:00+00:00 1"));
    a.host.play(std::ref(a.teamleader));
  }
  SECTION("the page number") {
    a.teamleader.ignores_page_number = true;
    a.teamleader.add_many("c", 150, 5);
    a.host.sync("companies", full());
    a.host.play(std::ref(a.teamleader));
  }
  CHECK(a.host.outcome().error == "bug");
  CHECK(a.teamleader.lists < 5);
}

TEST_CASE("a full page that is not sorted ends the run before its rows are counted as read", "[teamleader][hostile]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.sync("companies", full());
  std::string rows;
  for (int i = 0; i < 100; ++i)
    rows += (i == 0 ? "" : ",") + std::string(R"({"id":")") + std::to_string(i) +
            R"(","updated_at":"2024-05-01T10:00:)" + (i == 40 ? "09" : "10") + R"(+00:00"})";
  host.answer(200, R"({"data":[)" + rows + "]}");
  CHECK(host.outcome().error == "bug");
  CHECK(host.outcome().detail ==
        "Teamleader listed rows that are not sorted by updated_at, as it was asked to: some would be skipped");
  CHECK(host.pages().empty());
}

TEST_CASE("rubbish among the rows is set aside, and the others go on", "[teamleader][hostile]") {
  account a;
  a.host.sync("companies");
  a.host.answer(
      200,
      R"({"data":[{"name":"no id"},{"id":7},{"id":"good","name":7,"tags":{},"emails":null,"updated_at":"soon"},null,[],{"id":""}]})");

  REQUIRE(a.host.outcome().error.empty());
  REQUIRE(a.host.pages().size() == 1);
  const auto& page = a.host.pages().front();
  CHECK(page.set_aside == 5);
  CHECK(page.set_aside_reason == "a row without an id");
  REQUIRE(page.records.size() == 1);
  CHECK(page.records[0].field("name") == "absent");  // a number is no name: better nothing than something wrong
  CHECK(page.records[0].field("emails") == "[]");
  CHECK(page.records[0].updated_at.empty());
  CHECK(a.host.log() ==
        std::vector<std::string>{"warn: a company has an unexpected type of value at /name; the field is left out",
                                 "warn: a company has an unexpected type of value at /tags; the field is left out"});
}

TEST_CASE("an answer that is no list ends the run, and is no end of the list", "[teamleader][hostile]") {
  for (const auto* body : {"", "<html>", "{}", R"({"data":null})", R"({"data":{}})", R"({"errors":[]})", "[]"}) {
    account a;
    a.host.sync("companies", full());
    a.host.answer(200, body);
    const bool page_or_nothing = body[0] == '\0' || body[0] == '<';
    CHECK(a.host.outcome().error == (page_or_nothing ? "try_again" : "bug"));
    CHECK(a.host.pages().empty());
  }
}

TEST_CASE("each refusal says what is to be done", "[teamleader]") {
  const auto error_for = [](int status) {
    account a;
    a.host.sync("contacts");
    a.host.answer(status, "", {{"retry-after", "7"}});
    CHECK(a.host.outcome().http_status == status);
    return a.host.outcome();
  };
  CHECK(error_for(401).error == "authorise_again");
  CHECK(error_for(403).error == "scope_missing");
  CHECK(error_for(404).error == "permanent");
  CHECK(error_for(429).error == "try_again");
  CHECK(error_for(429).retry_after == 7000);
  CHECK(error_for(503).error == "try_again");
  CHECK(error_for(400).error == "bug");
}

TEST_CASE("a read by id says what the record is, or that it is gone, and nothing else means gone",
          "[teamleader][refetch]") {
  account a;
  a.teamleader.add("here", 5);
  a.host.refetch("companies", {"here", "not-there", "not-a-uuid"});
  CHECK(a.host.expect("POST", "/companies.info").body == R"({"id":"here"})");
  a.run_to_the_end();

  REQUIRE(a.host.pages().size() == 1);
  const auto& page = a.host.pages().front();
  REQUIRE(page.records.size() == 2);
  CHECK_FALSE(page.records[0].gone);
  CHECK(page.records[0].field("name") == R"("Company here")");
  CHECK(page.records[1].gone);
  CHECK(page.records[1].id == "not-there");
  CHECK(page.set_aside == 1);

  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {401, ""}, {410, ""}, {429, ""}, {500, ""}, {404, "<html>of a proxy</html>"}}) {
    a.host.refetch("contacts", {"x"});
    a.host.expect("POST", "/contacts.info");
    a.host.answer(status, body);
    CHECK_FALSE(a.host.outcome().error.empty());
  }
  a.host.refetch("contacts", {"hidden"});
  a.host.answer(403, "");
  CHECK(a.host.outcome().error.empty());
  CHECK(a.host.pages().back().set_aside == 1);
  a.host.refetch("contacts", {"x"});
  a.host.answer(200, R"({"data":{"id":"another"}})");
  CHECK(a.host.outcome().error.empty());
  CHECK(a.host.pages().back().set_aside == 1);
  CHECK(a.host.pages().back().records.empty());
}
