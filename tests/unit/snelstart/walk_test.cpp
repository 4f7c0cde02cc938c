// SPDX-License-Identifier: Apache-2.0
// Reading a list that has no order: to the last relation, whatever the order is, wherever a run is cut.
#include "simulated_snelstart.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;
using order = simulated_snelstart::order;

namespace {

struct administration {
  scripted_host host{load_plugin(SNELSTART_PLUGIN)};
  simulated_snelstart snelstart;

  void run_to_the_end() {
    host.play(std::ref(snelstart));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  std::set<std::string> ids_seen() const {
    std::set<std::string> out;
    for (const auto& [id, record] : host.records()) out.insert(id);
    return out;
  }
  std::size_t lists() const { return snelstart.filters.size(); }
};

constexpr std::int64_t now = 1'772'474'400'000;  // 2026-03-02T18:00:00Z; the simulated rows are of 10:00 and later
constexpr std::int64_t a_day = 86'400'000;

job_options incremental(const std::string& cursor, std::int64_t at = now) {
  job_options out;
  out.cursor = cursor;
  out.now = at;
  return out;
}

job_options full() {
  auto out = incremental("");
  out.full = true;
  return out;
}

}  // namespace

TEST_CASE("an administration that fits one answer costs one request", "[snelstart][walk]") {
  administration a;
  a.snelstart.put_many("c", 499, 0, 1000);
  a.host.sync("relaties", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.snelstart.ids());
  CHECK(a.snelstart.filters == std::vector<std::string>{""});
  CHECK(a.host.cursor() == "2026-03-02T10:08:18 0");
}

TEST_CASE("any number of relations is read to the last one, in whatever order SnelStart lists them",
          "[snelstart][walk]") {
  const auto lists = GENERATE(order::by_id, order::shuffled, order::oldest_first, order::newest_first);
  const int count = GENERATE(500, 501, 1234, 5000);
  const std::int64_t step_ms = GENERATE(1, 37, 60'000);
  INFO(count << " rows, one in " << step_ms << " ms, order " << static_cast<int>(lists));
  administration a;
  a.snelstart.lists = lists;
  a.snelstart.put_many("c", count, -1'000'000'000, step_ms);
  a.host.sync("relaties", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.snelstart.ids());
  CHECK(a.lists() <= 2 * static_cast<std::size_t>(count) / 200);  // each split leaves 250 rows on either side
}

TEST_CASE("relations that share an instant are all read, more than a page of them too", "[snelstart][walk]") {
  const auto lists = GENERATE(order::by_id, order::oldest_first, order::newest_first);
  const int same = GENERATE(499, 500, 501, 900, 2100);
  INFO(same << " rows in one instant, order " << static_cast<int>(lists));
  administration a;
  a.snelstart.lists = lists;
  a.snelstart.put_many("before", 30, 7'000, 1);
  a.snelstart.put_many("same", same, 8'003, 0);
  a.snelstart.put_many("after", 730, 8'004, 10);
  a.host.sync("relaties", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.snelstart.ids());
}

TEST_CASE("relations that are edited, made or deleted during a walk make it miss no other", "[snelstart][walk]") {
  const auto lists = GENERATE(order::by_id, order::shuffled, order::oldest_first, order::newest_first);
  administration a;
  a.snelstart.lists = lists;
  a.snelstart.put_many("c", 3000, 0, 100);
  int edits = 0;
  a.snelstart.before_each_list = [&] {
    for (int i = 0; i < 60 && edits < 2'000; ++i, ++edits) {
      a.snelstart.put("c" + std::to_string((edits * 7) % 3000), 400'000 + edits);
      a.snelstart.put("new" + std::to_string(edits), 400'000 + edits);
      a.snelstart.remove("c" + std::to_string((edits * 11) % 3000));
    }
  };
  a.host.sync("relaties", full());
  a.run_to_the_end();

  const auto seen = a.ids_seen();
  for (const auto& id : a.snelstart.ids()) {
    INFO(id);
    CHECK(seen.contains(id));
  }
}

TEST_CASE("within one instant as many rows may go away between two requests as pages overlap", "[snelstart][walk]") {
  administration a;
  a.snelstart.put_many("same", 1700, 8'000, 0);
  int gone = 0;
  a.snelstart.before_each_list = [&] {
    for (const auto& id : a.snelstart.ids()) {
      if (gone++ % 100 == 99) break;
      a.snelstart.remove(id);
    }
  };
  a.host.sync("relaties", full());
  a.run_to_the_end();

  const auto seen = a.ids_seen();
  for (const auto& id : a.snelstart.ids()) CHECK(seen.contains(id));
}

TEST_CASE("a run that is cut after any request loses nothing and goes on at its cursor", "[snelstart][walk][cursor]") {
  const auto lists = GENERATE(order::by_id, order::newest_first);
  const auto fill = [&](administration& a) {
    a.snelstart.lists = lists;
    a.snelstart.put_many("early", 550, 0, 1000);
    a.snelstart.put_many("same", 950, 900'000, 0);
    a.snelstart.put_many("late", 550, 1'000'000, 1000);
    a.host.sync("relaties", full());
  };
  administration whole;
  fill(whole);
  whole.run_to_the_end();
  REQUIRE(whole.host.requests() > 8);

  for (std::size_t cut_after = 0; cut_after < whole.host.requests(); ++cut_after) {
    administration a;
    fill(a);
    a.host.play(std::ref(a.snelstart), cut_after);
    REQUIRE_FALSE(a.host.ended());
    const auto pages = a.host.pages().size();
    a.host.cut();
    a.host.resume("relaties", full());
    const auto lists_before = a.lists();
    a.run_to_the_end();

    INFO("cut after " << cut_after);
    CHECK(a.ids_seen() == a.snelstart.ids());
    if (pages > 0) CHECK(a.snelstart.filters[lists_before].starts_with("ModifiedOn gt"));
    CHECK(a.host.cursor() == whole.host.cursor());
  }
}

TEST_CASE("a run that is cut before its page was committed reads the page again", "[snelstart][walk][cursor]") {
  administration a;
  a.snelstart.put_many("c", 900, 0, 1000);
  a.host.hold_commits(true);
  a.host.sync("relaties", full());
  a.host.play(std::ref(a.snelstart), 3);
  a.host.cut();
  CHECK(a.host.pages().empty());
  a.host.hold_commits(false);
  a.host.resume("relaties", full());
  a.run_to_the_end();

  CHECK(a.ids_seen() == a.snelstart.ids());
}

TEST_CASE("a run between full ones reads the last day again, in one request", "[snelstart][cursor]") {
  administration a;
  a.snelstart.put("old", -2 * a_day);
  a.snelstart.put("new", 1000);
  a.host.sync("relaties", full());
  a.run_to_the_end();
  CHECK(a.host.cursor() == "2026-03-02T10:00:01 0");
  a.snelstart.put("late", 1000 - 23 * 3'600'000);  // stamped before the clock went back, or listed late
  a.host.sync("relaties", incremental(a.host.cursor()));
  a.run_to_the_end();

  CHECK(a.snelstart.filters.back() == "ModifiedOn gt datetime'2026-03-01T10:00:01'");
  CHECK(a.lists() == 2);
  CHECK(a.ids_seen() == a.snelstart.ids());
  CHECK(a.host.pages().back().records.size() == 2);
  CHECK(a.host.cursor() == "2026-03-02T10:00:01 0");
}

TEST_CASE("a run that finds nothing leaves the cursor where it was", "[snelstart][cursor]") {
  administration a;
  a.host.sync("relaties", incremental("2026-03-02T10:00:01.250 0"));
  a.run_to_the_end();
  CHECK(a.snelstart.filters.back() == "ModifiedOn gt datetime'2026-03-01T10:00:01.250'");
  CHECK(a.host.cursor() == "2026-03-02T10:00:01.250 0");

  a.host.sync("relaties", full());
  a.run_to_the_end();
  CHECK(a.host.cursor() == "none 0");
  a.host.sync("relaties", incremental("none 0"));
  a.run_to_the_end();
  CHECK(a.snelstart.filters.back().empty());
}

TEST_CASE("a stamp from the future is read, and hides nothing that changes before its time", "[snelstart][cursor]") {
  const int ahead = GENERATE(1, 700);
  administration a;
  a.snelstart.put("today", 1000);
  a.snelstart.put_many("ahead", ahead, 365 * a_day, 1000);
  a.host.sync("relaties", full());
  a.run_to_the_end();
  CHECK(a.ids_seen() == a.snelstart.ids());
  CHECK(a.host.cursor() == "2026-03-02T10:00:01 0");

  a.host.sync("relaties", incremental("2027-03-02T10:00:00 0"));  // as an older version may have left it
  a.run_to_the_end();
  // The furthest zone is 14 hours ahead; a day before that.
  CHECK(a.snelstart.filters.at(a.lists() - (ahead == 1 ? 1 : 3)) == "ModifiedOn gt datetime'2026-03-02T08:00:00'");
}

TEST_CASE("a full run ignores the old cursor, a resumed one uses it as it is", "[snelstart][cursor]") {
  administration a;
  a.snelstart.put("c", 400);
  auto with = full();
  with.cursor = "2026-03-02T10:05:00 0";
  a.host.sync("relaties", with);
  a.run_to_the_end();
  CHECK(a.snelstart.filters.back().empty());

  with.resumed = true;
  a.host.sync("relaties", with);
  a.run_to_the_end();
  CHECK(a.snelstart.filters.back() == "ModifiedOn gt datetime'2026-03-02T10:05:00'");

  with.cursor = "2026-03-02T10:05:00 800";
  a.host.sync("relaties", with);
  a.host.play(std::ref(a.snelstart), 1);
  CHECK(a.host.expect("GET", "/v2/relaties").query ==
        "%24top=500&%24skip=800&%24filter=ModifiedOn%20gt%20datetime%272026-03-02T10%3A05%3A00%27%20and%20"
        "ModifiedOn%20lt%20datetime%272026-03-02T10%3A05%3A00.020%27");
  a.run_to_the_end();

  // Another version's cursor, or a damaged one: from the beginning, not an error.
  for (const auto* bad :
       {"rubbish", "2026-03-02T10:05:00", "none", "none 5", "2026-03-02T10:05:00 -1", " 3", "none 0x"}) {
    with.cursor = bad;
    a.host.sync("relaties", with);
    a.run_to_the_end();
    CHECK(a.snelstart.filters.back().empty());
    CHECK(a.host.log().back() == "warn: an unreadable cursor; reading from the beginning");
  }
}

TEST_CASE("a provider that ignores the filter or $skip does not keep us for ever", "[snelstart][hostile]") {
  administration a;
  SECTION("the filter") {
    a.snelstart.ignores_filter = true;
    a.snelstart.put_many("c", 700, 0, 60'000);
    a.host.sync("relaties", full());
  }
  SECTION("the filter of an incremental run") {
    a.snelstart.ignores_filter = true;
    a.snelstart.put_many("c", 700, -9 * a_day, 1);
    a.host.sync("relaties", incremental("2026-03-02T10:00:01 0"));
  }
  SECTION("$skip") {
    a.snelstart.ignores_skip = true;
    a.snelstart.put_many("c", 700, 0, 0);
    a.host.sync("relaties", full());
  }
  a.host.play(std::ref(a.snelstart));
  CHECK(a.host.outcome().error == "bug");
  CHECK(a.lists() < 9);
}
