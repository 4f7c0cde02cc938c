// SPDX-License-Identifier: Apache-2.0
// The deletion guard in a host in small: five companies, of which a run may delete two.

#include <catch2/catch.hpp>

#include <boost/json/parse.hpp>

#include "tests/unit/sync/sync_world.hpp"

namespace koppel::test {
namespace {

using ledger::held_decision;

const std::string all_five = R"("rows":["a","b","c","d","e"],"next":"1","last":true)";
const std::string no_rows = R"("rows":[],"next":"1","last":true)";

struct guarded_world : sync_world {
  explicit guarded_world(core::deletion_limits may_delete = {.records = 2, .percent = 10}) : sync_world(may_delete) {}

  /// Reads what the provider lists, in full, one after the other.
  void read_lists(texts lists) {
    for (auto& list : lists) {
      at("", {page(list)});
      read(true);
    }
  }
  /// What was told since it was asked for last.
  texts news() {
    auto all = told();
    texts out(all.begin() + static_cast<std::ptrdiff_t>(told_), all.end());
    told_ = all.size();
    return out;
  }
  std::optional<ledger::held_stream> held() {
    std::optional<ledger::held_stream> out;
    write([&](ledger::transaction& tx) { out = tx.find_held(c.id, "companies"); });
    return out;
  }
  std::uint64_t decide(held_decision decision) {
    const auto decided = run(service->decide_held(c.id, "companies", held()->mark, decision));
    if (!decided) FAIL(decided.error().detail);
    released();
    return *decided;
  }
  void released() {
    run_until(io, [&] { return supervisor.names().find("release") == std::string::npos; });
  }
  std::uint64_t known() {
    std::uint64_t out = 0;
    write([&](ledger::transaction& tx) { out = tx.known_records(c.id, "company"); });
    return out;
  }
  bool fully_read() {
    bool out = false;
    write([&](ledger::transaction& tx) { out = tx.find_stream(c.id, "companies")->inconclusive == 0; });
    return out;
  }

 private:
  std::size_t told_ = 0;
};

}  // namespace

TEST_CASE("a provider that is empty once deletes nothing, and the next list lifts what was held", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five});
  w.news();

  w.read_lists({no_rows});

  CHECK(w.news() == texts{"sync.started full", "sync.held full", "sync.completed full"});
  CHECK(w.known() == 5);
  CHECK(w.newest_run().state == "completed");
  CHECK_FALSE(w.newest_run().complete);  // nobody may conclude from it that they are gone
  CHECK(w.newest_run().held == 5);
  CHECK(w.newest_run().deleted == 0);
  CHECK(w.fully_read());
  const auto events = w.events();
  const auto data = boost::json::parse(events.at(events.size() - 2)).as_object();
  CHECK(std::string(data.at("run_id").as_string()) == w.newest_run().id);
  CHECK(boost::json::serialize(data.at("held")) ==
        R"({"deletions":5,"known":5,"published":0,"since":"2026-01-31T12:00:00.000Z","sample":["a","b","c","d","e"]})");

  w.read_lists({all_five});

  CHECK(w.news() == texts{"sync.started full", "sync.completed full"});
  CHECK_FALSE(w.held());
  CHECK(w.newest_run().complete);
}

TEST_CASE("what is held is told once, however often it is found", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five, no_rows});
  w.news();
  const auto asked = w.requests_to("GET /things/one");

  w.read_lists({no_rows});

  CHECK(w.news() == texts{"sync.started full", "sync.completed full"});
  CHECK_FALSE(w.newest_run().complete);
  CHECK(w.held()->held == 5);
  CHECK(w.requests_to("GET /things/one") == asked);
}

TEST_CASE("while deletions are held the stream is read and told of, and confirmed they spare what came back",
          "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five, no_rows});
  w.at("1", {page(R"("rows":["b","new"],"next":"2","last":true)")});
  w.read(false);
  CHECK(w.news().back() == "sync.completed incremental");
  CHECK(w.known() == 6);

  CHECK(w.decide(held_decision::confirm) == 4);

  CHECK(w.news() == texts{"sync.started incremental", "sync.company.deleted a", "sync.company.deleted c",
                          "sync.company.deleted d", "sync.company.deleted e", "sync.completed incremental"});
  CHECK(w.known() == 2);
  CHECK_FALSE(w.held());
  CHECK(w.newest_run().cause == "manual");
  CHECK(w.newest_run().deleted == 4);
  // The next changes are looked for from where the last were.
  w.at("2", {page(R"("rows":[],"next":"2","last":true)")});
  w.read(false);
  CHECK(w.reads_at("2") == 1);
}

TEST_CASE("rejected deletions leave the records, and the same absence is neither asked after nor held again",
          "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five, no_rows});
  CHECK(w.decide(held_decision::reject) == 5);
  w.news();
  const auto asked = w.requests_to("GET /things/one");

  w.read_lists({no_rows});

  CHECK(w.news() == texts{"sync.started full", "sync.completed full"});
  CHECK(w.newest_run().complete);
  CHECK(w.known() == 5);
  CHECK(w.held()->rejected == 5);
  CHECK(w.requests_to("GET /things/one") == asked);
}

TEST_CASE("confirmed deletions that a host did not come to are published by the next", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five, no_rows});
  w.news();
  w.write([&](ledger::transaction& tx) {
    CHECK(tx.decide_held(w.c.id, "companies", tx.find_held(w.c.id, "companies")->mark, held_decision::confirm) == 5);
  });

  const auto later = w.make(w.supervisor);
  REQUIRE(w.run(later->start()).has_value());
  w.released();

  CHECK(w.news().size() == 7);
  CHECK(w.known() == 0);
  w.run_void(later->stop(2s));
}

TEST_CASE("as many deletions as a run may publish are published as they are found", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five});
  w.news();

  w.read_lists({R"("rows":["a","b","c"],"next":"1","last":true)"});

  CHECK(w.news() ==
        texts{"sync.started full", "sync.company.deleted d", "sync.company.deleted e", "sync.completed full"});
  CHECK(w.newest_run().complete);
  CHECK_FALSE(w.held());
}

TEST_CASE("more deletions than the number, within the share, are published", "[sync][guard]") {
  guarded_world w({.records = 2, .percent = 60});
  w.read_lists({all_five, R"("rows":["a","b"],"next":"1","last":true)"});
  CHECK(w.known() == 2);
  CHECK(w.newest_run().complete);
}

TEST_CASE("a list that lacks many records of which few are gone deletes those few", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five});
  w.news();
  for (const std::string id : {"a", "b", "c"})
    w.says["GET /things/one?id=" + id] = {http_answer(200, R"({"name":")" + id + "\"}")};

  w.read_lists({no_rows});

  CHECK(w.news() ==
        texts{"sync.started full", "sync.company.deleted d", "sync.company.deleted e", "sync.completed full"});
  CHECK(w.newest_run().complete);
  CHECK(w.newest_run().held == 0);
  CHECK_FALSE(w.held());
}

TEST_CASE("a decision about what is not held any more is refused in a sentence", "[sync][guard]") {
  guarded_world w;
  w.read_lists({all_five, no_rows});
  const auto mark = w.held()->mark;
  w.read_lists({all_five});

  const auto refused = w.run(w.service->decide_held(w.c.id, "companies", mark, held_decision::confirm));

  CHECK(refused.error().code == ledger::errc::not_found);
  CHECK(w.known() == 5);
}

}  // namespace koppel::test
