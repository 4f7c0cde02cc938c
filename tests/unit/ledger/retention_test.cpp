// SPDX-License-Identifier: Apache-2.0
// Trimming: what goes, what stays, what is left of a batch, and what it costs at a time.

#include <koppel/bus/error.hpp>

#include "tests/support/show_result.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using namespace std::chrono_literals;
using ledger::run_mode;
using tests::core_facet;
using tests::data_folder;
using tests::doing;
using tests::gone;
using tests::good;
using tests::said;
using seqs = std::vector<std::uint64_t>;

namespace {

constexpr core::retention_limits a_month{30 * 24h, 90 * 24h};

messages::record company(const std::string& id, const std::string& name) {
  return said(id, {core_facet(R"({"name":")" + name + "\"}")}, "2026-01-30T08:00:00Z");
}

struct situation {
  data_folder d;
  std::unique_ptr<ledger::ledger> l = d.open();
  ledger::connection c = tests::connected(*l);
  ledger::run r;

  situation() { begin(); }
  void begin() {
    doing(*l, [&](auto& tx) { r = good(tx.begin_run(c, "companies", "company", run_mode::full, "manual")); });
  }
  void page(std::vector<messages::record> records) {
    messages::page p;
    p.records = std::move(records);
    doing(*l, [&](auto& tx) { good(tx.commit_page(r, c, p, 1, "provider_deleted", false)); });
  }
  void tell(const std::string& type, boost::json::object data = {}) {
    doing(*l, [&](auto& tx) { good(tx.append({type, "", &c, "", std::move(data)})); });
  }
  std::chrono::milliseconds begin_pass(core::retention_limits limits = a_month) {
    std::chrono::milliseconds wait{};
    doing(*l, [&](auto& tx) { wait = tx.begin_trimming(limits); });
    return wait;
  }
  ledger::trim_outcome slice(std::uint64_t after = 0) {
    ledger::trim_outcome out;
    doing(*l, [&](auto& tx) { out = good(tx.trim(after)); });
    return out;
  }
  /// A pass now, and another when what is here now has become old.
  ledger::trim_outcome pass_later(std::chrono::hours later = 31 * 24h) {
    CHECK(begin_pass() == 0ms);
    d.clock.advance(later);
    tell("connection.changed");  // the newest event always stays, so let that be one that nobody looks for
    CHECK(begin_pass() == 0ms);
    return slice();
  }
  ledger::history_size history() {
    ledger::history_size out;
    doing(*l, [&](auto& tx) { out = tx.history(); });
    return out;
  }
  seqs left() {
    seqs out;
    for (const auto& e : tests::events_in(*l)) out.push_back(e.seq);
    return out;
  }
};

}  // namespace

TEST_CASE("of each record its newest event stays, replaced ones go when they are old", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A"), company("2", "B"), company("3", "C")});  // 1 2 3
  s.page({company("1", "AA"), gone("2")});                            // 4 5
  s.page({company("1", "AAA")});                                      // 6

  const auto trimmed = s.pass_later();

  CHECK(s.left() == seqs{3, 5, 6, 7});
  CHECK(trimmed.events == 3);
  CHECK_FALSE(trimmed.more);
  CHECK(trimmed.damage.empty());
  CHECK(s.history().horizon == 6);
}

TEST_CASE("what is not old yet stays, replaced or not", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A")});
  s.page({company("1", "B")});
  CHECK(s.pass_later(29 * 24h).events == 0);
  CHECK(s.left() == seqs{1, 2, 3});
  CHECK(s.history().horizon == 1);
}

TEST_CASE("an event that stayed as a record's newest goes when it is replaced later", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A"), company("2", "B")});
  s.pass_later();
  CHECK(s.left() == seqs{1, 2, 3});
  s.page({company("1", "AA")});  // 4
  s.d.clock.advance(48h);
  CHECK(s.begin_pass() == 0ms);
  CHECK(s.slice().events == 1);
  CHECK(s.left() == seqs{2, 3, 4});
}

TEST_CASE("a record that was read again and is as it was keeps its event", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A"), company("2", "B")});
  s.page({said("1", {core_facet(R"({"name":"A"})"), {"links", tests::packed("{}")}}, "2026-01-30T08:00:00Z")});
  CHECK(s.pass_later().events == 0);
  CHECK(s.left() == seqs{1, 2, 3});
}

TEST_CASE("after any time of silence whoever is at the newest event is still known there", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A")});
  s.tell("plugin.crashed");  // could go at once
  for (int passes = 0; passes < 5; ++passes) {
    s.d.clock.advance(40 * 24h);
    s.begin_pass();
    s.slice();
  }
  CHECK(s.history().horizon == 2);
  CHECK(s.left() == seqs{1, 2});
}

TEST_CASE("a connection keeps its newest status, and each stream its newest completion and its newest full one",
          "[ledger][retention]") {
  situation s;
  const auto completed = [&](const char* stream, const char* mode) {
    s.tell("sync.completed", {{"stream", stream}, {"mode", mode}, {"complete", true}});
  };
  s.tell("connection.created");                    // 1
  s.tell("auth.status");                           // 2
  s.tell("sync.started");                          // 3
  completed("companies", "full");                  // 4
  completed("contacts", "full");                   // 5
  completed("companies", "full");                  // 6
  s.tell("auth.status");                           // 7
  completed("companies", "incremental");           // 8
  completed("companies", "incremental");           // 9
  s.tell("sync.failed");                           // 10
  s.tell("plugin.crashed");                        // 11
  s.pass_later();                                  // 12
  CHECK(s.left() == seqs{1, 5, 6, 7, 9, 11, 12});  // 11 is the event at the horizon
}

TEST_CASE("a dead letter stays until the record is carried or refused anew", "[ledger][retention]") {
  situation s;
  const auto bad = [](const std::string& id, const std::string& text) {
    return said(id, {core_facet(R"({"not_a_field":")" + text + "\"}")}, "2026-01-30T08:00:00Z");
  };
  s.page({bad("1", "x"), bad("2", "x"), bad("3", "x")});      // 1 2 3
  s.page({bad("1", "y"), company("2", "B"), bad("3", "x")});  // 4 5
  s.tell("connection.changed");                               // 6
  s.pass_later();                                             // 7
  CHECK(s.left() == seqs{3, 4, 5, 6, 7});
}

TEST_CASE("a purged connection leaves the word of its removal, another one everything", "[ledger][retention]") {
  situation s;
  const auto other = tests::connected(*s.l, "other");
  s.page({company("1", "A"), company("2", "B")});  // 1 2
  s.tell("auth.status");                           // 3
  s.c = other;
  s.begin();
  s.page({company("1", "A")});  // 4
  s.tell("auth.status");        // 5
  const auto remove = [&](bool purge) {
    doing(*s.l, [&](auto& tx) {
      const auto all = tx.connections();
      const auto c = all.front().id == other.id ? all.back() : all.front();
      good(tx.remove_connection(c.id, purge));
      good(tx.append({"connection.removed", "", &c, "", {{"purge", purge}}}));  // 6
    });
  };
  SECTION("with its records") {
    remove(true);
    s.pass_later();
    CHECK(s.left() == seqs{4, 5, 6, 7});
  }
  SECTION("without") {
    remove(false);
    s.pass_later();
    CHECK(s.left() == seqs{1, 2, 3, 4, 5, 6, 7});
  }
}

TEST_CASE("a consumer that is behind holds the horizon, but not for ever, and not when it is silent for long",
          "[ledger][retention]") {
  situation s;
  const auto ack = [&](std::uint64_t seq) {
    s.l->make_event_source()->acknowledge("pro", seq);
    doing(*s.l, [](auto&) {});  // behind the acknowledgement
  };
  s.page({company("1", "A")});
  s.page({company("1", "B")});
  s.page({company("1", "C")});
  s.begin_pass();
  s.d.clock.advance(31 * 24h);
  ack(2);
  SECTION("it holds what it has not seen") {
    s.begin_pass();
    CHECK(s.history().horizon == 2);
    CHECK(s.slice().events == 1);
    CHECK(s.left() == seqs{2, 3});
  }
  SECTION("ninety days at most") {
    s.d.clock.advance(60 * 24h);
    ack(2);
    s.begin_pass();
    CHECK(s.history().horizon == 3);
  }
  SECTION("silent for ninety days it holds nothing") {
    s.d.clock.advance(1h);
    s.begin_pass();
    CHECK(s.history().horizon == 2);
    s.page({company("1", "D")});
    s.d.clock.advance(48h);
    s.begin_pass();
    s.d.clock.advance(89 * 24h);
    s.begin_pass();
    CHECK(s.history().horizon == 4);
  }
}

TEST_CASE("a trimmed batch has a good checksum, ids of what is left, and none of what went", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A"), company("2", "B"), company("3", "C")});
  s.page({company("3", "CC"), company("1", "AA")});
  s.pass_later();
  const auto bytes = s.history().bytes;
  std::size_t stored = 0;
  s.l.reset();
  s.l = s.d.open();

  const auto source = s.l->make_event_source();
  for (const auto& b : good(source->read(0, 1 << 20))) stored += b.bytes.size();
  CHECK(stored == bytes);
  CHECK(good(source->id_at(1)).empty());
  CHECK_FALSE(good(source->id_at(2)).empty());
  CHECK(good(source->id_at(3)).empty());
  CHECK(good(source->id_at(5)).find("-5-") != std::string::npos);
  CHECK(good(source->read(0, 1 << 20)).front().last_seq == 2);
  CHECK(good(source->head()) == 6);
  CHECK(good(source->horizon()) == 5);
}

TEST_CASE("a slice rewrites a megabyte at most, and the next goes on behind it", "[ledger][retention]") {
  situation s;
  const std::string padding(40'000, 'x');
  for (int round = 0; round < 2; ++round)
    for (int batch = 0; batch < 4; ++batch) {
      std::vector<messages::record> records;
      for (int i = 0; i < 20; ++i)
        records.push_back(company(std::to_string(batch * 20 + i), padding + std::to_string(round)));
      s.page(std::move(records));
    }

  auto out = s.pass_later();
  CHECK(out.events == 40);  // of 800 KB each, two batches
  CHECK(out.more);
  out = s.slice(out.up_to);
  CHECK(out.events == 40);
  CHECK_FALSE(out.more);
  CHECK(s.left().front() == 81);
}

TEST_CASE("small batches are trimmed by dozens", "[ledger][retention]") {
  situation s;
  for (int i = 0; i < 100; ++i) s.page({company("1", std::to_string(i))});
  auto out = s.pass_later();
  CHECK(out.events == 64);
  CHECK(out.more);
  out = s.slice(out.up_to);
  CHECK(out.events == 35);
  CHECK_FALSE(out.more);
  CHECK(s.left() == seqs{100, 101});
}

TEST_CASE("a damaged batch is told and left as it is, the others are trimmed", "[ledger][retention]") {
  situation s;
  for (int i = 0; i < 4; ++i) s.page({company("1", "name" + std::to_string(i))});
  s.begin_pass();
  s.l.reset();
  s.d.tamper("UPDATE event_batches SET bytes = CAST(replace(bytes, 'name1', 'nameX') AS BLOB) WHERE first_seq = 2");
  s.l = s.d.open();
  s.d.clock.advance(31 * 24h);
  s.begin_pass();

  const auto out = s.slice();

  CHECK(out.events == 2);
  CHECK(out.damage.find("damaged") != std::string::npos);
  CHECK_FALSE(out.more);
  const auto read = s.l->make_event_source()->read(1, 1 << 20);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == bus::errc::history_broken);
}

TEST_CASE("work that fails takes back what it said may go", "[ledger][retention]") {
  situation s;
  s.page({company("1", "A")});
  messages::page p;
  p.records = {company("1", "B")};
  const auto failed = s.l->write_blocking([&](ledger::transaction& tx) -> result<void> {
    good(tx.commit_page(s.r, s.c, p, 1, "provider_deleted", false));
    return failure{ledger::errc::stale, "no"};
  });
  REQUIRE_FALSE(failed);
  CHECK(s.pass_later().events == 0);
  CHECK(s.left() == seqs{1, 2});
}

TEST_CASE("a pass begins once a day, also across restarts", "[ledger][retention]") {
  situation s;
  CHECK(s.begin_pass() == 0ms);
  CHECK(s.begin_pass() == 24h);
  s.d.clock.advance(23h);
  s.l.reset();
  s.l = s.d.open();
  CHECK(s.begin_pass() == 1h);
  s.d.clock.advance(1h);
  CHECK(s.begin_pass() == 0ms);
}

TEST_CASE("a clock that was ahead for a day does not put trimming off once it is right again", "[ledger][retention]") {
  situation s;
  CHECK(s.begin_pass() == 0ms);
  s.page({company("1", "A")});   // 1
  s.page({company("1", "AA")});  // 2
  constexpr auto ten_years = 10 * 365 * 24h;
  s.d.clock.advance(24h + ten_years);
  CHECK(s.begin_pass() == 0ms);
  s.d.clock.advance(-ten_years);

  CHECK(s.begin_pass() == 24h);  // what was noted under it counts as noted now
  s.d.clock.advance(24h);
  CHECK(s.begin_pass() == 0ms);
  s.d.clock.advance(31 * 24h);
  s.tell("connection.changed");
  CHECK(s.begin_pass() == 0ms);
  CHECK(s.slice().events == 1);
  CHECK(s.left() == seqs{2, 3});
}

TEST_CASE("a clock that is behind for some minutes makes nothing old that is young", "[ledger][retention]") {
  situation s;
  constexpr auto since_1970 = 56 * 365 * 24h;
  CHECK(s.begin_pass() == 0ms);
  s.page({company("1", "A")});   // 1
  s.page({company("1", "AA")});  // 2
  s.d.clock.advance(24h);
  CHECK(s.begin_pass() == 0ms);
  s.d.clock.advance(-since_1970);  // a machine that starts without a battery
  CHECK(s.begin_pass() == 24h);
  s.d.clock.advance(since_1970 + 24h);
  s.tell("connection.changed");
  CHECK(s.begin_pass() == 0ms);
  CHECK(s.history().horizon == 1);
  CHECK(s.slice().events == 0);
}
