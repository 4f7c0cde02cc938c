// SPDX-License-Identifier: Apache-2.0
// Deletions that the guard holds: what a page does with them, what is decided, what is published.

#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using ledger::held_decision;
using ledger::run_mode;
using tests::core_facet;
using tests::data_folder;
using tests::data_of;
using tests::doing;
using tests::gone;
using tests::good;
using tests::said;
using ids = std::vector<std::string>;

namespace {

messages::record there(const std::string& id) { return said(id, {core_facet(R"({"name":"Name of )" + id + "\"}")}); }

/// A stream of five companies, "a" to "e", of which a run may delete two.
struct five_companies {
  data_folder d;
  std::unique_ptr<ledger::ledger> l = d.open();
  ledger::connection c = tests::connected(*l);
  ledger::run r;
  const ledger::page_guard two{{.records = 2, .percent = 10}, false};

  five_companies() {
    begin(run_mode::full);
    page({there("a"), there("b"), there("c"), there("d"), there("e")});
    complete();
  }
  void begin(run_mode mode) {
    doing(*l, [&](auto& tx) { r = good(tx.begin_run(c, "companies", "company", mode, "schedule")); });
  }
  ledger::page_outcome page(std::vector<messages::record> records, std::optional<ledger::page_guard> guard = {}) {
    messages::page p;
    p.records = std::move(records);
    p.cursor = "cursor";
    ledger::page_outcome out;
    doing(*l, [&](auto& tx) { out = good(tx.commit_page(r, c, p, 1, "provider_deleted", false, guard)); });
    return out;
  }
  void complete() {
    r.state = "completed";
    r.complete = r.mode == run_mode::full;
    doing(*l, [&](auto& tx) { good(tx.end_run(r)); });
  }
  /// An incremental run in which the provider says that three are gone.
  void hold_three() {
    begin(run_mode::incremental);
    CHECK(page({gone("a"), gone("b"), gone("c")}, two).held == 3);
    complete();
  }
  std::optional<ledger::held_stream> held() {
    std::optional<ledger::held_stream> out;
    doing(*l, [&](auto& tx) { out = tx.find_held(c.id, "companies"); });
    return out;
  }
  std::uint64_t decide(held_decision decision, std::uint64_t mark) {
    std::uint64_t out = 0;
    doing(*l, [&](auto& tx) { out = tx.decide_held(c.id, "companies", mark, decision); });
    return out;
  }
  std::uint64_t known() {
    std::uint64_t out = 0;
    doing(*l, [&](auto& tx) { out = tx.known_records(c.id, "company"); });
    return out;
  }
  ids deleted() {
    ids out;
    for (const auto& e : tests::events_in(*l))
      if (e.type == "eu.koppel.sync.company.deleted.v1") out.push_back(e.subject);
    return out;
  }
  /// Publishes what was confirmed, to its end.
  ledger::run release() {
    ledger::run out;
    doing(*l, [&](auto& tx) {
      auto begun = good(tx.begin_release(c, "companies"));
      if (!begun) return;
      while (good(tx.release_held(*begun, c, true)) > 0) {
      }
      begun->state = "completed";
      good(tx.end_release(*begun));
      out = *begun;
    });
    return out;
  }
};

}  // namespace

TEST_CASE("a page with more deletions than a run may publish has all of them held", "[ledger][held]") {
  five_companies s;
  s.begin(run_mode::incremental);

  const auto outcome = s.page({gone("a"), gone("b"), gone("c"), there("new")}, s.two);

  CHECK(outcome.held == 3);
  CHECK(outcome.deleted == 0);
  CHECK(outcome.upserted == 1);
  CHECK(s.known() == 6);
  CHECK(s.deleted().empty());
  const auto held = s.held();
  REQUIRE(held);
  CHECK(held->held == 3);
  CHECK(held->entity == "company");
  CHECK(held->run_id == s.r.id);
  CHECK(held->known == 6);
  doing(*s.l, [&](auto& tx) {
    const auto records = tx.held_records(s.c.id, "companies", 2);
    REQUIRE(records.size() == 2);
    CHECK(records[0].id == "a");
    CHECK(records[0].name == "Name of a");
  });
}

TEST_CASE("as many deletions as a run may publish are published, and the page that would go beyond is held",
          "[ledger][held]") {
  five_companies s;
  s.begin(run_mode::incremental);

  CHECK(s.page({gone("a"), gone("b"), gone("unknown")}, s.two).deleted == 2);
  CHECK(s.page({gone("a"), gone("c")}, s.two).held == 1);

  CHECK(s.deleted() == ids{"a", "b"});
  CHECK(s.r.deleted == 2);
  CHECK(s.r.held == 1);
  CHECK(s.held()->published == 2);
}

TEST_CASE("a deletion that is said again is held once", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  const auto before = *s.held();
  s.begin(run_mode::incremental);

  CHECK(s.page({gone("a"), gone("b"), gone("c")}, s.two).held == 0);

  CHECK(s.r.held == 0);
  CHECK(s.held()->held == 3);
  CHECK(s.held()->mark == before.mark);
  CHECK(s.held()->run_id == before.run_id);
}

TEST_CASE("a record that is there after all has the hold on it lifted, changed or not", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.begin(run_mode::incremental);

  s.page({there("a"), said("b", {core_facet(R"({"name":"Other"})")})}, s.two);
  CHECK(s.held()->held == 1);
  s.page({there("c")}, s.two);

  CHECK_FALSE(s.held());
  CHECK(s.known() == 5);
}

TEST_CASE("what is held survives a restart, and goes with its connection", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.l.reset();
  s.l = s.d.open();
  CHECK(s.held()->held == 3);

  doing(*s.l, [&](auto& tx) { good(tx.remove_connection(s.c.id, true)); });
  CHECK_FALSE(s.held());
}

TEST_CASE("what is held is no suspect of a full run", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.begin(run_mode::full);
  s.page({there("d")}, s.two);

  doing(*s.l, [&](auto& tx) { CHECK(tx.suspects(s.r, "", 100).ids == ids{"e"}); });
}

TEST_CASE("confirmed deletions are published in a run of their own, but for records that came back", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  const auto mark = s.held()->mark;
  s.begin(run_mode::incremental);  // open beside it
  s.page({there("b")}, s.two);

  CHECK(s.decide(held_decision::confirm, mark) == 2);
  const auto released = s.release();

  CHECK(s.deleted() == ids{"a", "c"});
  CHECK(released.deleted == 2);
  CHECK(released.state == "completed");
  CHECK(s.known() == 3);
  CHECK_FALSE(s.held());
  const auto e = tests::events_in(*s.l).back();
  CHECK(data_of(e).at("cause") == "operator");
  CHECK(std::string(data_of(e).at("run_id").as_string()) == released.id);
  doing(*s.l, [&](auto& tx) {
    CHECK(tx.open_runs().size() == 1);
    CHECK(tx.streams_to_release().empty());
  });
}

TEST_CASE("a confirmation is about what was shown, and what was held later stays held", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  const auto mark = s.held()->mark;
  s.begin(run_mode::incremental);
  s.page({gone("d")}, s.two);

  CHECK(s.decide(held_decision::confirm, mark) == 3);
  s.release();

  CHECK(s.deleted() == ids{"a", "b", "c"});
  CHECK(s.held()->held == 1);
}

TEST_CASE("a run that publishes confirmed deletions goes on after a restart", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.decide(held_decision::confirm, s.held()->mark);
  ledger::run begun;
  doing(*s.l, [&](auto& tx) { begun = *good(tx.begin_release(s.c, "companies")); });
  s.l.reset();
  s.l = s.d.open();
  doing(*s.l, [&](auto& tx) {
    CHECK(tx.streams_to_release() == std::vector<std::pair<std::string, std::string>>{{s.c.id, "companies"}});
  });

  const auto released = s.release();

  CHECK(released.id == begun.id);
  CHECK(released.resumed);
  CHECK(s.deleted().size() == 3);
}

TEST_CASE("a record whose deletion was rejected stays, unheld, until it is there again", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  CHECK(s.decide(held_decision::reject, s.held()->mark) == 3);
  CHECK(s.held()->held == 0);
  CHECK(s.held()->rejected == 3);

  s.begin(run_mode::incremental);
  CHECK(s.page({gone("a"), gone("b"), gone("c")}, s.two).held == 0);
  CHECK(s.page({gone("a")}).deleted == 0);
  CHECK(s.deleted().empty());

  s.page({there("a")}, s.two);
  CHECK(s.held()->rejected == 2);
  CHECK(s.page({gone("a")}, s.two).deleted == 1);
}

TEST_CASE("what was rejected can be confirmed later", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.decide(held_decision::reject, s.held()->mark);

  CHECK(s.decide(held_decision::reject, s.held()->mark) == 0);
  CHECK(s.decide(held_decision::confirm, s.held()->mark) == 3);
  s.release();

  CHECK(s.deleted() == ids{"a", "b", "c"});
  CHECK_FALSE(s.held());
}

TEST_CASE("a webhook's deletion of a held record is published, and lifts the hold on it", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  messages::page p;
  p.records = {gone("a")};
  doing(*s.l, [&](auto& tx) { CHECK(good(tx.commit_hinted(7, s.c, p, 1)).deleted == 1); });

  CHECK(s.deleted() == ids{"a"});
  CHECK(s.held()->held == 2);
}

TEST_CASE("held deletions that have become few are published by the run that finds it", "[ledger][held]") {
  five_companies s;
  s.hold_three();
  s.begin(run_mode::full);
  s.page({there("a"), there("b"), there("d"), there("e")}, s.two);
  doing(*s.l, [&](auto& tx) {
    CHECK(good(tx.release_held(s.r, s.c, false)) == 1);
    CHECK(good(tx.release_held(s.r, s.c, false)) == 0);
  });

  CHECK(s.deleted() == ids{"c"});
  CHECK(s.r.deleted == 1);
  CHECK(data_of(tests::events_in(*s.l).back()).at("cause") == "reconcile");
}
