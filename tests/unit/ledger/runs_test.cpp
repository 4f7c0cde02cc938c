// SPDX-License-Identifier: Apache-2.0
// Runs and streams: where they begin, go on and end.

#include <set>

#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using ledger::run_mode;
using tests::connected;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

ledger::run begin(ledger::transaction& tx, const ledger::connection& c, run_mode mode) {
  return good(tx.begin_run(c, "companies", "company", mode, "schedule"));
}

void page_at(ledger::transaction& tx, ledger::run& r, const ledger::connection& c, const std::string& cursor) {
  messages::page page;
  page.cursor = cursor;
  page.cursor_version = 3;
  good(tx.commit_page(r, c, page, 1, "provider_deleted", false));
}

void end(ledger::transaction& tx, ledger::run r, std::string state, bool complete = true, std::string error = "") {
  r.state = std::move(state);
  r.complete = complete;
  r.error = std::move(error);
  good(tx.end_run(r));
}

}  // namespace

TEST_CASE("a full run begins from nothing, an incremental one where the stream stands", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    auto full = begin(tx, c, run_mode::full);
    CHECK(full.initial);
    CHECK_FALSE(full.resumed);
    page_at(tx, full, c, std::string("after\0full", 10));
    end(tx, full, "completed");

    auto next = begin(tx, c, run_mode::incremental);
    CHECK(next.id != full.id);
    CHECK(next.cursor == std::string("after\0full", 10));
    CHECK(next.cursor_version == 3);
    CHECK_FALSE(next.initial);
    page_at(tx, next, c, "after next");
    end(tx, next, "failed", false, "the provider is down");

    CHECK(begin(tx, c, run_mode::incremental).cursor == "after next");
    end(tx, tx.runs(1)[0], "failed", false, "x");
    CHECK(begin(tx, c, run_mode::full).cursor.empty());
  });
}

TEST_CASE("old runs go, but for the newest that ended of each stream, and those that are open", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l), other = connected(*l, "other");
  const auto ended = [&](const std::string& stream, const ledger::connection& of) {
    std::string id;
    doing(*l, [&](auto& tx) {
      auto r = good(tx.begin_run(of, stream, "company", run_mode::full, "schedule"));
      end(tx, r, "completed");
      id = r.id;
    });
    return id;
  };
  const auto open = [&](const std::string& stream) {
    std::string id;
    doing(*l, [&](auto& tx) { id = good(tx.begin_run(c, stream, "company", run_mode::full, "schedule")).id; });
    return id;
  };
  ended("companies", c);
  ended("contacts", c);
  std::set<std::string> kept;
  kept.insert(ended("companies", c));
  kept.insert(ended("companies", other));
  ended("projects", c);
  kept.insert(ended("contacts", c));
  kept.insert(open("contacts"));
  kept.insert(open("users"));
  d.clock.advance(std::chrono::hours{31 * 24});
  kept.insert(ended("projects", c));
  kept.insert(ended("projects", c));

  ledger::run_trimming trimmed;
  const core::retention_limits a_month{std::chrono::hours{30 * 24}, std::chrono::hours{90 * 24}};
  doing(*l, [&](auto& tx) { trimmed = tx.trim_runs({}, a_month); });

  CHECK(trimmed.runs == 3);
  CHECK_FALSE(trimmed.more);
  std::set<std::string> left;
  doing(*l, [&](auto& tx) {
    for (const auto& r : tx.runs(100)) left.insert(r.id);
  });
  CHECK(left == kept);
}

TEST_CASE("a slice of old runs is a thousand at most, and slices end where runs are young", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  const auto add = [&](int count) {
    doing(*l, [&](auto& tx) {
      for (int i = 0; i < count; ++i) end(tx, begin(tx, c, run_mode::full), "completed");
    });
  };
  add(2'500);
  d.clock.advance(std::chrono::hours{31 * 24});
  add(2'500);

  std::vector<std::uint64_t> slices;
  ledger::run_trimming so_far;
  do {
    const auto before = so_far.runs;
    doing(*l, [&](auto& tx) {
      so_far = tx.trim_runs(so_far, {std::chrono::hours{30 * 24}, std::chrono::hours{90 * 24}});
    });
    slices.push_back(so_far.runs - before);
  } while (so_far.more);

  CHECK(slices == std::vector<std::uint64_t>{999, 1'000, 501, 0});
  doing(*l, [&](auto& tx) { CHECK(tx.runs(10'000).size() == 2'500); });
}

TEST_CASE("a full run that fails half-way does not move the place where changes are looked for", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    auto first = begin(tx, c, run_mode::full);
    page_at(tx, first, c, "end of first");
    end(tx, first, "completed");
    auto second = begin(tx, c, run_mode::full);
    page_at(tx, second, c, "middle of second");
    end(tx, second, "failed", false, "x");

    CHECK(begin(tx, c, run_mode::incremental).cursor == "end of first");
  });
}

TEST_CASE("an interrupted run is gone on with, whatever is asked for, so is one whose process died", "[ledger][runs]") {
  const bool died = GENERATE(false, true);
  data_folder d;
  ledger::connection c;
  std::string id;
  {
    auto l = d.open();
    c = connected(*l);
    doing(*l, [&](auto& tx) {
      auto r = begin(tx, c, run_mode::full);
      id = r.id;
      messages::page page;
      page.records = {tests::said("1", {tests::core_facet(R"({"name":"A"})")})};
      page.cursor = "page 1";
      good(tx.commit_page(r, c, page, 1, "provider_deleted", false));
      if (!died) end(tx, r, "interrupted", false);
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    REQUIRE(tx.open_runs().size() == 1);
    const auto r = begin(tx, c, run_mode::incremental);
    CHECK(r.id == id);
    CHECK(r.resumed);
    CHECK(r.mode == run_mode::full);
    CHECK(r.cursor == "page 1");
    CHECK(r.upserted == 1);
    CHECK(r.state == "running");
    end(tx, r, "completed", false);
    CHECK(tx.open_runs().empty());
    CHECK_FALSE(begin(tx, c, run_mode::incremental).resumed);
  });
}

TEST_CASE("a stream tells its successes and its failures", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  const auto state = [&] {
    ledger::stream_state s;
    doing(*l, [&](auto& tx) { s = tx.find_stream(c.id, "companies").value_or(ledger::stream_state{}); });
    return s;
  };
  doing(*l, [&](auto& tx) {
    CHECK_FALSE(tx.find_stream(c.id, "companies"));
    end(tx, begin(tx, c, run_mode::full), "failed", false, "one");
  });
  d.clock.advance(std::chrono::minutes(1));
  doing(*l, [&](auto& tx) { end(tx, begin(tx, c, run_mode::full), "interrupted", false, "two"); });
  CHECK(state().failures == 2);
  CHECK(state().last_error == "two");
  CHECK(state().last_attempt_at == d.clock.now());
  CHECK_FALSE(state().last_success_at);

  doing(*l, [&](auto& tx) { end(tx, begin(tx, c, run_mode::full), "interrupted", false); });
  CHECK(state().failures == 2);

  doing(*l, [&](auto& tx) { end(tx, begin(tx, c, run_mode::full), "completed", false); });
  CHECK(state().failures == 0);
  CHECK(state().last_error.empty());
  CHECK(state().last_success_at == d.clock.now());
  CHECK_FALSE(state().last_full_at);

  doing(*l, [&](auto& tx) {
    auto r = begin(tx, c, run_mode::full);
    CHECK(r.initial);
    end(tx, r, "completed", true);
    CHECK(tx.runs(1)[0].ended_at == d.clock.now());
    CHECK(tx.runs(100).size() == 3);
  });
  CHECK(state().last_full_at == d.clock.now());
}

TEST_CASE("a full run that concluded nothing is counted until one does", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    end(tx, begin(tx, c, run_mode::full), "completed", false);
    end(tx, begin(tx, c, run_mode::full), "completed", false);
    end(tx, begin(tx, c, run_mode::incremental), "completed", false);
    CHECK(tx.find_stream(c.id, "companies")->inconclusive == 2);
    CHECK(tx.find_stream(c.id, "companies")->last_inconclusive_at == d.clock.now());
    CHECK_FALSE(tx.find_stream(c.id, "companies")->last_full_at);

    end(tx, begin(tx, c, run_mode::full), "completed", true);
    CHECK(tx.find_stream(c.id, "companies")->inconclusive == 0);
  });
}

TEST_CASE("changes that an incremental run finds before any complete full one are changes", "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    end(tx, begin(tx, c, run_mode::full), "completed", false);
    CHECK_FALSE(begin(tx, c, run_mode::incremental).initial);
  });
}

TEST_CASE("nothing is written for a connection that was removed, and its open run is closed", "[ledger][runs]") {
  const bool purge = GENERATE(false, true);
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    auto r = begin(tx, c, run_mode::full);
    page_at(tx, r, c, "1");
    good(tx.remove_connection(c.id, purge));
    CHECK(tx.open_runs().empty());
    const auto head = tx.head();

    messages::page page;
    page.records = {tests::said("1", {tests::core_facet(R"({"name":"A"})")})};
    CHECK(tx.commit_page(r, c, page, 1, "provider_deleted", false).error().code == ledger::errc::not_found);
    r.state = "completed";
    CHECK(tx.end_run(r).error().code == ledger::errc::not_found);
    CHECK(tx.begin_run(c, "companies", "company", run_mode::full, "manual").error().code == ledger::errc::not_found);
    CHECK(tx.update_connection(c).error().code == ledger::errc::not_found);
    CHECK(tx.find_connection(c.id)->auth.status == core::auth_status::removed);
    CHECK(tx.open_runs().empty());
    CHECK(tx.head() == head);
    CHECK(tx.known_records(c.id, "company") == 0);
    if (purge) CHECK_FALSE(tx.find_stream(c.id, "companies"));
  });
}

TEST_CASE(
    "the newest runs of one connection are found behind any number of others, those of removed ones are not shown",
    "[ledger][runs]") {
  data_folder d;
  auto l = d.open();
  const auto quiet = connected(*l, "quiet");
  const auto busy = connected(*l, "busy");
  const auto gone = connected(*l, "gone");
  doing(*l, [&](auto& tx) {
    end(tx, begin(tx, quiet, run_mode::full), "completed");
    for (int i = 0; i < 5; ++i) end(tx, begin(tx, busy, run_mode::full), "completed");
    end(tx, begin(tx, gone, run_mode::full), "completed");
    good(tx.remove_connection(gone.id, false));

    REQUIRE(tx.runs(3, {.provider = "acme", .connection = "quiet"}).size() == 1);
    CHECK(tx.runs(3, {.provider = "acme", .connection = "quiet"})[0].connection_id == quiet.id);
    CHECK(tx.runs(3, {.provider = "other"}).empty());
    CHECK(tx.runs(10, {.customer = quiet.customer}).size() == 6);
    CHECK(tx.runs(10, {.customer = ""}).empty());
    const auto all = tx.runs(6, {.provider = "acme"});
    REQUIRE(all.size() == 6);
    CHECK(all.front().connection_id == busy.id);
    CHECK(all.back().connection_id == quiet.id);
    CHECK(tx.runs(1)[0].connection_id == busy.id);
  });
}
