// SPDX-License-Identifier: Apache-2.0
// The whole loop over a real bus: history, live, a host that comes late, a history that is replaced.

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <koppel/bus/server.hpp>
#include <thread>

#include "../bus/memory_source.hpp"
#include "database.hpp"
#include "run.hpp"

using namespace koppel;
using namespace std::chrono_literals;
using koppel::bus::testing::history;
using koppel::proplus::testing::database;

namespace {

/// The consumer's loop in a thread of its own, until it goes out of scope.
class running {
 public:
  running(proplus::store& s, const bus::follower_options& o)
      : thread_([this, &s, o] { outcome_ = proplus::run(s, o, stop_); }) {}
  ~running() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  result<> end() {
    stop_ = true;
    thread_.join();
    return outcome_;
  }

 private:
  std::atomic<bool> stop_{false};
  result<> outcome_;
  std::thread thread_;
};

struct fixture {
  std::unique_ptr<bus::server> host(const std::shared_ptr<history>& h) {
    bus::server_options o;
    o.heartbeat = 100ms;
    auto s = std::make_unique<bus::server>(d.root / "bus", std::make_unique<bus::testing::memory_source>(h), o);
    REQUIRE(s->start());
    return s;
  }
  bus::follower_options options() const {
    bus::follower_options o;
    o.folder = d.root / "bus";
    o.consumer = "proplus";
    o.heartbeat = 100ms;
    return o;
  }
  void wait_for_ack(const history& h, std::uint64_t seq) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (h.acked("proplus") != seq && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    REQUIRE(h.acked("proplus") == seq);
  }
  database d;
};

/// Hears when the log says this.
class listening : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit listening(std::string what) : what_(std::move(what)) {}
  bool heard() const { return heard_; }

 private:
  void sink_it_(const spdlog::details::log_msg& m) override {
    if (std::string_view(m.payload.data(), m.payload.size()).find(what_) != std::string_view::npos) heard_ = true;
  }
  void flush_() override {}
  std::string what_;
  std::atomic<bool> heard_{false};
};

}  // namespace

TEST_CASE("the consumer waits for the bus, applies, acknowledges, and goes on where it was", "[proplus][run]") {
  fixture f;
  auto h = std::make_shared<history>();
  h->commit(3);
  {
    running r(*f.d.s, f.options());
    auto host = f.host(h);
    f.wait_for_ack(*h, 3);
    h->commit(2);
    host->notify(5);
    f.wait_for_ack(*h, 5);
    CHECK(r.end());
  }
  CHECK(f.d.sql("SELECT count(*) FROM company") == "5");

  f.d.reopen();
  h->commit(1);
  auto host = f.host(h);
  running r(*f.d.s, f.options());
  f.wait_for_ack(*h, 6);
  CHECK(r.end());
  CHECK(f.d.sql("SELECT count(*) FROM company") == "6");
  CHECK(f.d.sql("SELECT value FROM counter WHERE name = 'duplicate'") == "0");
}

TEST_CASE("a consumer whose position expired ends with what the host has, whatever changes during the walk",
          "[proplus][run]") {
  fixture f;
  auto h = std::make_shared<history>();
  std::uint64_t revision = 0;
  // The same 40 companies again and again, so that older events are replaced.
  const auto change = [&](int first, int count, bool deleted = false) {
    std::vector<bus::event> events;
    std::uint64_t seq = h->head();
    for (int i = first; i < first + count; ++i) {
      const auto id = "r" + std::to_string(i);
      auto e = bus::testing::make_event(++seq, deleted ? "sync.company.deleted" : "sync.company.upserted");
      e.subject = id;
      e.data = bus::msgpack_from_json({{"entity", "company"},
                                       {"id", id},
                                       {"revision", ++revision},
                                       {"data", {{"name", "n" + std::to_string(revision)}}},
                                       {"pad", std::string(20'000, 'x')}});
      events.push_back(std::move(e));
    }
    h->commit(std::move(events));
  };
  const auto complete = [&] {
    auto e = bus::testing::make_event(h->head() + 1, "sync.completed");
    e.subject = "full";
    e.data = bus::msgpack_from_json({{"stream", "companies"}, {"mode", "full"}, {"complete", true}});
    h->commit({std::move(e)});
  };
  change(0, 40);
  complete();
  {
    auto host = f.host(h);
    running r(*f.d.s, f.options());
    f.wait_for_ack(*h, 41);
    CHECK(r.end());
  }
  for (int i = 0; i < 40; i += 10) change(i, 10);  // while the consumer is away
  change(40, 20);
  change(39, 1, true);
  complete();
  h->thin_to(h->head());

  auto o = f.options();
  o.credit_bytes = bus::limits::credit_min;  // a page at a time
  auto host = f.host(h);
  running r(*f.d.s, o);
  for (int i = 0; i < 30; ++i) {
    change(i, 1);
    host->notify(h->head());
    std::this_thread::yield();
  }
  f.wait_for_ack(*h, h->head());
  CHECK(r.end());
  CHECK(f.d.sql("SELECT number FROM walk") == "2");
  CHECK(f.d.sql("SELECT count(*) FROM snapshot") == "0");
  CHECK(f.d.sql("SELECT count(*) FROM company") == "59");
  CHECK(f.d.sql("SELECT name FROM company WHERE id = 'r0'") == "n" + std::to_string(revision - 29));
  CHECK(f.d.sql("SELECT count(*) FROM company WHERE id = 'r39'") == "0");
  CHECK(f.d.sql("SELECT value FROM counter WHERE name = 'applied_twice'") == "0");
}

TEST_CASE("a restored host is noticed, and its snapshot walked", "[proplus][run]") {
  fixture f;
  auto h = std::make_shared<history>();
  h->commit(5);
  {
    auto host = f.host(h);
    running r(*f.d.s, f.options());
    f.wait_for_ack(*h, 5);
    CHECK(r.end());
  }
  auto restored = std::make_shared<history>();
  restored->commit(2);  // the same epoch, but fewer events
  auto host = f.host(restored);
  running r(*f.d.s, f.options());
  f.wait_for_ack(*restored, 2);
  CHECK(r.end());
  CHECK(f.d.sql("SELECT number FROM walk") == "2");
  CHECK(f.d.sql("SELECT seq FROM position") == "2");
  CHECK(f.d.sql("SELECT count(*) FROM company") == "5");  // no complete reading yet: nothing is concluded
}

TEST_CASE("damaged events end the consumer with a sentence that says what to do, and its position stays",
          "[proplus][run]") {
  fixture f;
  auto h = std::make_shared<history>();
  h->commit(2);
  h->commit(2);
  h->damage_batch(1);
  auto host = f.host(h);

  const std::atomic<bool> stop{false};
  const auto outcome = proplus::run(*f.d.s, f.options(), stop);

  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == bus::errc::history_broken);
  CHECK(outcome.error().detail.find("restores a backup") != std::string::npos);
  CHECK(f.d.sql("SELECT seq FROM position") == "2");
}

TEST_CASE("a second consumer of the same name ends the first with a sentence", "[proplus][run]") {
  fixture f;
  auto h = std::make_shared<history>();
  h->commit(1);
  auto host = f.host(h);
  std::atomic<bool> stop{false};
  result<> outcome;
  std::thread first([&] { outcome = proplus::run(*f.d.s, f.options(), stop); });
  f.wait_for_ack(*h, 1);
  bus::follower second(f.options());
  REQUIRE(second.next(2s));
  first.join();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == bus::errc::replaced);
}

TEST_CASE("a consumer whose database another process writes to waits, acknowledges nothing, and goes on",
          "[proplus][run]") {
  fixture f;
  f.d.reopen(1ms);
  auto h = std::make_shared<history>();
  h->commit(3);
  auto host = f.host(h);
  const auto log = std::make_shared<listening>("in use by another process");
  spdlog::default_logger()->sinks().push_back(log);
  SQLite::Database other(f.d.file().string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  running r(*f.d.s, f.options());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!log->heard() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  REQUIRE(log->heard());
  CHECK(h->acked("proplus") == 0);
  other.exec("ROLLBACK");
  f.wait_for_ack(*h, 3);
  CHECK(r.end());
  spdlog::default_logger()->sinks().pop_back();
  CHECK(f.d.sql("SELECT count(*) FROM company") == "3");
}
