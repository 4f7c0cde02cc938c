// SPDX-License-Identifier: Apache-2.0
// Reading Workfront: to the last record, whatever is edited or deleted meanwhile, wherever a run is cut.
#include "simulated_workfront.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

struct account {
  scripted_host host{load_plugin(WORKFRONT_PLUGIN)};
  simulated_workfront workfront;

  void run_to_the_end() {
    host.play(std::ref(workfront));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  std::set<std::string> ids_seen() const {
    std::set<std::string> out;
    for (const auto& [id, record] : host.records()) out.insert(id);
    return out;
  }
  bool saw_all() const {
    const auto seen = ids_seen(), there = workfront.ids();
    return std::includes(seen.begin(), seen.end(), there.begin(), there.end());
  }
};

constexpr std::int64_t a_day_later = 1'714'644'000'000;  // 2024-05-02T10:00:00Z; the simulated rows are of the first

job_options incremental(const std::string& cursor) {
  job_options out;
  out.cursor = cursor;
  out.now = a_day_later;
  out.settings = {{"host", "acme.my.workfront.com"}};
  return out;
}

job_options full() {
  auto out = incremental("");
  out.full = true;
  return out;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a full run asks for all rows by ID, with the token header left to the host", "[workfront]") {
  account a;
  a.host.sync("companies", full());
  const auto& request = a.host.expect("GET", "/attask/api/v20.0/cmpy/search");

  CHECK(request.host == "acme.my.workfront.com");
  CHECK(request.header("sessionid").empty());
  CHECK(parameters(request.query) ==
        std::map<std::string, std::string>{{"fields", "ID,name,entryDate,lastUpdateDate,parameterValues"},
                                           {"ID_Sort", "asc"},
                                           {"$$FIRST", "0"},
                                           {"$$LIMIT", "100"}});
  a.host.answer(200, R"({"data":[]})");
  CHECK(a.host.outcome().error.empty());
  for (const auto& [stream, path] : {std::pair{"projects", "proj"}, {"users", "user"}}) {
    a.host.sync(stream, full());
    a.host.expect("GET", "/attask/api/v20.0/" + std::string(path) + "/search");
    a.host.answer(200, R"({"data":[]})");
  }
}

TEST_CASE("the version may be written as people write it", "[workfront]") {
  for (const auto* said : {"v21.0", "21.0", "V21", "21"}) {
    account a;
    auto with = full();
    with.settings["api_version"] = said;
    a.host.sync("companies", with);
    a.host.expect("GET", "/attask/api/v21.0/cmpy/search");
  }
  account a;
  auto with = full();
  with.settings.clear();
  a.host.sync("companies", with);
  CHECK(a.host.outcome().error == "bad_settings");
}

TEST_CASE("a full run reads edited and never edited rows alike, and ends where nothing new is shown",
          "[workfront][paging]") {
  const int count = GENERATE(0, 1, 2, 99, 100, 101, 598, 599, 600, 1200);
  account a;
  a.workfront.add_many("a", count / 2, 0);
  a.workfront.add_many("b", count - count / 2, 1, 5);
  a.host.sync("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.workfront.ids());
  if (count == 1200) CHECK(a.workfront.asked_for == texts{"ID 0", "ID 99", "ID 598", "ID 1097", "ID 1199"});
  for (const auto& page : a.host.pages()) CHECK(page.cursor_version == 1);
}

TEST_CASE("where rows are large, pages have fewer of them, and grow again", "[workfront][paging]") {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  host.sync("companies", full());
  const auto answer_with = [&](int first, int count, std::size_t bytes) {
    const auto limit = parameters(host.expect("GET", "/attask/api/v20.0/cmpy/search").query)["$$LIMIT"];
    std::string rows;
    char id[16];
    for (int i = first; i < first + count; ++i) {
      std::snprintf(id, sizeof id, "%05d", i);
      rows += (rows.empty() ? "" : ",") + std::string(R"({"ID":")") + id + R"(","parameterValues":{"DE:N":")" +
              std::string(bytes, 'n') + R"("}})";
    }
    host.answer(200, R"({"data":[)" + rows + "]}");
    return limit;
  };
  CHECK(answer_with(0, 100, 50'000) == "100");
  CHECK(answer_with(99, 83, 800'000 / 100) == "83");  // 4 MiB of rows like those
  const auto grown = std::stoi(answer_with(181, 20, 10));
  CHECK((grown > 450 && grown <= 500));
  CHECK(answer_with(200, 1, 9'000'000 / 10) == "500");
  CHECK(host.outcome().error.empty());
}

TEST_CASE("rows that slide to a page already read, because others are deleted, are read all the same",
          "[workfront][paging]") {
  const int deleted = GENERATE(1, 2, 250, 251, 400, 500);
  account a;
  a.workfront.add_many("a", 1300, 0, 5);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.workfront), 2);
  char id[16];
  for (int i = 0; i < deleted; ++i) {
    std::snprintf(id, sizeof id, "a%05d", i * 2);
    a.workfront.remove(id);
  }
  a.run_to_the_end();
  CHECK(a.saw_all());
}

TEST_CASE("a walk goes on when the very row it stood on, or all rows before it, are deleted", "[workfront][paging]") {
  account a;
  a.workfront.add_many("a", 600, 0, 5);
  a.workfront.add_many("b", 100, 0, 5);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.workfront), 1);
  SECTION("the row") { a.workfront.remove("a00499"); }
  SECTION("all before it") {
    for (const auto& id : a.workfront.ids())
      if (id < "b") a.workfront.remove(id);
  }
  a.run_to_the_end();
  CHECK(a.saw_all());
}

TEST_CASE("rows that are edited or created during a full run are read by it or by the next run",
          "[workfront][cursor]") {
  account a;
  a.workfront.add_many("a", 1200, 0, 5);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.workfront), 2);
  a.workfront.edit("a00007", 300);  // read already
  a.workfront.edit("a01199", 900);  // not yet: its date must not become the window
  a.workfront.add("Z", 700);        // sorts before all
  a.run_to_the_end();
  CHECK_FALSE(a.ids_seen().contains("Z"));

  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.workfront.ids());
  CHECK(a.host.records().at("a00007").updated_at == "2024-05-01T10:05:00Z");
}

TEST_CASE("an incremental run asks for what was edited, then for what was created, from five minutes before",
          "[workfront][cursor]") {
  account a;
  a.workfront.add("a", 0, 1000);
  a.workfront.add("b", 1100);
  a.host.sync("companies", full());
  a.run_to_the_end();
  a.workfront.asked_for.clear();
  a.workfront.add("never-edited", 1200);
  a.workfront.edit("a", 2000);
  a.host.sync("companies", incremental(a.host.cursor()));
  const auto with = parameters(a.host.expect("GET", "/attask/api/v20.0/cmpy/search").query);
  CHECK(with.at("lastUpdateDate_Mod") == "gte");
  CHECK(with.at("lastUpdateDate_Sort") == "asc");
  CHECK(with.at("ID_Sort") == "asc");
  a.run_to_the_end();

  // The newest date of the full read was 1100 s, less five minutes.
  CHECK(a.workfront.asked_for ==
        texts{"lastUpdateDate>=2024-05-01T10:13:20.000Z 0", "entryDate>=2024-05-01T10:13:20.000Z 0"});
  CHECK(a.ids_seen() == a.workfront.ids());
  CHECK(a.host.cursor() == "edited 0 2024-05-01T10:33:20Z 2024-05-01T10:20:00Z ");
}

TEST_CASE("rows that share a moment are all read, more than a page of them too", "[workfront][paging]") {
  const int same = GENERATE(99, 100, 101, 499, 500, 501, 1000, 1300);
  account a;
  a.workfront.add("first", 0, 10);
  a.host.sync("companies", full());
  a.run_to_the_end();
  a.workfront.add_many("before", 300, 0, 19);
  a.workfront.add_many("same", same, 0, 20);
  a.workfront.add_many("after", 700, 20, 30);
  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.workfront.ids());
}

TEST_CASE("a run that is cut after any request loses nothing", "[workfront][cursor]") {
  const bool is_full = GENERATE(true, false);
  const auto fill = [&](account& a) {
    a.workfront.add("first", 0, 10);
    if (!is_full) {
      a.host.sync("companies", full());
      a.run_to_the_end();
    }
    a.workfront.add_many("a", 700, 11);
    a.workfront.add_many("b", 1100, 12, 13);
    a.workfront.add_many("c", 300, 14, 15);
    return is_full ? full() : incremental(a.host.cursor());
  };
  account whole;
  const auto with = fill(whole);
  const auto before = whole.host.requests();
  whole.host.sync("companies", with);
  whole.run_to_the_end();
  CHECK(whole.ids_seen() == whole.workfront.ids());
  const auto needed = whole.host.requests() - before;
  REQUIRE(needed >= 5);

  for (std::size_t cut_after = 0; cut_after < needed; ++cut_after) {
    account a;
    const auto options = fill(a);
    a.host.sync("companies", options);
    a.host.play(std::ref(a.workfront), cut_after);
    REQUIRE_FALSE(a.host.ended());
    a.host.cut();
    a.workfront.remove("a00003");
    a.host.resume("companies", options);
    a.run_to_the_end();

    // Within a crowded moment a row may slide past us when another is deleted: the next run's overlap finds it.
    if (!is_full) {
      a.host.sync("companies", incremental(a.host.cursor()));
      a.run_to_the_end();
    }

    INFO("cut after " << cut_after);
    CHECK(a.saw_all());
  }
}

TEST_CASE("a run that is cut before its page was committed reads the page again", "[workfront][cursor]") {
  account a;
  a.workfront.add_many("a", 1200, 0, 5);
  a.host.hold_commits(true);
  a.host.sync("companies", full());
  a.host.play(std::ref(a.workfront), 1);
  a.host.cut();
  CHECK(a.host.pages().empty());
  a.host.hold_commits(false);
  a.host.resume("companies", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.workfront.ids());
}

TEST_CASE("a full run ignores the old cursor, a resumed one goes on exactly there", "[workfront][cursor]") {
  const auto first_search = [](const job_options& with) {
    account a;
    a.host.sync("companies", with);
    a.host.play(std::ref(a.workfront), 1);
    return a.workfront.asked_for.at(0);
  };
  const std::string dates = "2024-05-01T10:05:00Z 2024-05-01T10:04:00.250Z ";
  auto with = full();
  with.cursor = "all 998 " + dates + "a00998";
  CHECK(first_search(with) == "ID 0");
  with.resumed = true;
  CHECK(first_search(with) == "ID 998");
  with.cursor = "edited 500 " + dates;
  CHECK(first_search(with) == "lastUpdateDate>=2024-05-01T10:05:00.000Z 500");
  with.cursor = "created 0 " + dates;
  CHECK(first_search(with) == "entryDate>=2024-05-01T10:04:00.250Z 0");

  // A full read that was given up: the rows that it did not come to have to be read first.
  CHECK(first_search(incremental("all 998 " + dates + "a00998")) == "ID 998");
  // A date in the future is of a clock that was wrong.
  CHECK(first_search(incremental("edited 0 2025-05-01T10:05:00Z 2024-05-01T10:04:00Z ")) ==
        "lastUpdateDate>=2024-05-02T09:55:00.000Z 0");
  // No row ever had a date.
  CHECK(first_search(incremental("edited 0 none none ")) == "ID 0");
  // Another version's cursor, or a damaged one: from the beginning, not an error.
  for (const auto* bad : {"rubbish", "all", "all x", "all -3 none none ", "sorted 0 none none ", "edited 0 ", " "})
    CHECK(first_search(incremental(bad)) == "ID 0");
}

TEST_CASE("a row from the future is read, and hides nothing that changes before its time", "[workfront][cursor]") {
  constexpr int in_a_year = 365 * 24 * 3600;
  const int ahead = GENERATE(1, 700);
  account a;
  a.workfront.add("0today", 1000, 1000);
  a.host.sync("companies", full());
  a.run_to_the_end();
  a.workfront.add_many("ahead", ahead, in_a_year, in_a_year);
  a.host.sync("companies", incremental(a.host.cursor()));
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.workfront.ids());
  CHECK(a.host.cursor() == "edited 0 2024-05-01T10:16:40Z 2024-05-01T10:16:40Z ");
}

TEST_CASE("a provider that does not sort, filter or page as asked ends the run as a bug", "[workfront][hostile]") {
  account a;
  const std::string since = "edited 0 2024-05-01T11:00:00Z 2024-05-01T11:00:00Z ";
  SECTION("the same page again and again") {
    a.workfront.ignores_first = true;
    a.workfront.add_many("a", GENERATE(2, 500, 700), 0, 5);
    a.host.sync("companies", full());
  }
  SECTION("no order by ID") {
    a.workfront.ignores_id_sort = true;
    a.workfront.add("b", 0);
    a.workfront.add("a", 0);
    a.host.sync("companies", full());
  }
  SECTION("no order by date") {
    a.workfront.ignores_date_sort = true;
    a.workfront.add_many("a", 60, 0, 9000);
    a.workfront.add_many("b", 300, 0, 8000);
    a.host.sync("companies", incremental(since));
  }
  SECTION("no filter") {
    a.workfront.ignores_filter = true;
    a.workfront.add_many("a", 3, 0, 5);
    a.host.sync("companies", incremental(since));
  }
  SECTION("the same page of a crowded moment again and again") {
    a.workfront.ignores_first = true;
    a.workfront.add_many("a", 700, 0, 9000);
    a.host.sync("companies", incremental(since));
  }
  a.host.play(std::ref(a.workfront));
  CHECK(a.host.outcome().error == "bug");
  CHECK(a.workfront.searches < 5);
}

TEST_CASE("rubbish among the rows is set aside, and the others go on", "[workfront][hostile]") {
  account a;
  a.host.sync("companies", full());
  a.host.answer(200, R"({"data":[{"name":"no id"},{"ID":7},null,[],{"ID":""},{"ID":"good","name":7,
    "entryDate":"soon","parameterValues":[]}]})");
  a.host.answer(200, R"({"data":[{"ID":"good","name":7}]})");

  REQUIRE(a.host.outcome().error.empty());
  const auto& page = a.host.pages().front();
  CHECK(page.set_aside == 5);
  CHECK(page.set_aside_reason == "a row without an id");
  REQUIRE(page.records.size() == 1);
  CHECK(page.records[0].facets.empty());
  CHECK(a.host.log().size() == 3);
}

TEST_CASE("a read by id says what the record is, or that it is gone, and nothing else means gone",
          "[workfront][refetch]") {
  account a;
  a.workfront.add("here", 5);
  a.host.refetch("companies", {"here", "gone", "refused", "malformed", "../user/here"}, full());
  CHECK(parameters(a.host.expect("GET", "/attask/api/v20.0/cmpy/here").query).at("fields") ==
        "ID,name,entryDate,lastUpdateDate,parameterValues");
  a.run_to_the_end();

  REQUIRE(a.host.pages().size() == 1);
  const auto& page = a.host.pages().front();
  REQUIRE(page.records.size() == 2);
  CHECK_FALSE(page.records[0].gone);
  CHECK(page.records[0].field("name") == R"("Company here")");
  CHECK(page.records[1].gone);
  CHECK(page.records[1].id == "gone");
  CHECK(page.set_aside == 3);
}

TEST_CASE("an unknown id is gone only if a list that works does not have it either", "[workfront][refetch]") {
  const std::string nothing = R"({"error":{"class":"com.attask.common.ObjectNotFoundException","message":"x"}})";
  const auto after = [&](int status, const std::string& body, int list_status, const std::string& list) {
    account a;
    a.host.refetch("companies", {"x"}, full());
    a.host.answer(status, body);
    if (list_status != 0) {
      CHECK(parameters(a.host.expect("GET", "/attask/api/v20.0/cmpy/search").query).at("ID") == "x");
      a.host.answer(list_status, list);
    }
    if (!a.host.outcome().error.empty()) return a.host.outcome().error;
    const auto& page = a.host.pages().back();
    return std::string(page.set_aside ? "set aside" : page.records.at(0).gone ? "gone" : "there");
  };
  const std::string empty = R"({"data":[]})";
  CHECK(after(404, nothing, 200, empty) == "gone");
  CHECK(after(404, "<html>", 200, empty) == "gone");
  CHECK(after(200, nothing, 200, empty) == "gone");
  CHECK(after(200, empty, 200, empty) == "gone");
  CHECK(after(200, R"({"data":null})", 200, empty) == "gone");
  CHECK(after(404, nothing, 200, R"({"data":[{"ID":"x"}]})") == "set aside");
  CHECK(after(404, "<html>", 404, "<html>") == "bad_settings");  // the version is gone, not the record
  CHECK(after(404, nothing, 200, R"({"error":{"class":"x"}})") == "bug");
  CHECK(after(422, R"({"error":{"message":"You are not currently logged in."}})", 0, "") == "authorise_again");
  CHECK(after(422, R"({"error":{"message":"V20 does not support field x"}})", 0, "") == "bad_settings");
  CHECK(after(200, R"({"data":[{"ID":"x"}]})", 0, "") == "there");
  CHECK(after(200, R"({"data":{"ID":"y"}})", 0, "") == "set aside");
  for (const auto& [status, error] :
       {std::pair{401, "authorise_again"}, {410, "bad_settings"}, {429, "try_again"}, {500, "try_again"}})
    CHECK(after(status, "", 0, "") == error);
}
