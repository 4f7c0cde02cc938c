// SPDX-License-Identifier: Apache-2.0
// The commit: what is queued together is committed together, fails alone, is answered after the sync, and stops at the
// first sync that fails.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <thread>

#include "tests/unit/ledger/data_folder.hpp"
#include "tests/unit/ledger/failing_disk.hpp"

using namespace koppel;
using ledger::errc;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

result<void> add_event(ledger::transaction& tx, const std::string& subject) {
  return tx.append({"plugin.loaded", subject, nullptr, "acme", {}});
}

runtime::awaitable<void> write_one(ledger::ledger& l, std::function<result<void>(ledger::transaction&)> work,
                                   result<void>& outcome, int& answered) {
  outcome = co_await l.write(std::move(work));
  ++answered;
}

/// Queues `works` while the ledger is busy with another, and waits for all of them.
void run_together(ledger::ledger& l, std::vector<std::function<result<void>(ledger::transaction&)>> works,
                  std::vector<result<void>>& outcomes) {
  std::promise<void> entered, leave;
  boost::asio::io_context context;
  result<void> first;
  int answered = 0;
  boost::asio::co_spawn(context,
                        write_one(
                            l,
                            [&](ledger::transaction&) -> result<void> {
                              entered.set_value();
                              leave.get_future().wait();
                              return {};
                            },
                            first, answered),
                        rethrow);
  context.poll();
  entered.get_future().wait();
  outcomes.resize(works.size());
  for (std::size_t i = 0; i < works.size(); ++i)
    boost::asio::co_spawn(context, write_one(l, std::move(works[i]), outcomes[i], answered), rethrow);
  context.poll();
  leave.set_value();
  context.run();
  CHECK(answered == static_cast<int>(works.size()) + 1);
}

}  // namespace

TEST_CASE("whatever queued while the last commit ran is the next commit, with one sync", "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  tests::connected(*l);  // a log's first commit syncs its header as well
  std::vector<std::function<result<void>(ledger::transaction&)>> works;
  for (int i = 0; i < 50; ++i)
    works.emplace_back([i](ledger::transaction& tx) { return add_event(tx, std::to_string(i)); });
  std::vector<result<void>> outcomes;
  const int before = tests::syncs;

  run_together(*l, std::move(works), outcomes);

  CHECK(tests::syncs == before + 1);
  const auto batches = good(l->make_event_source()->read(0, 1 << 20));
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].first_seq == 1);
  CHECK(batches[0].last_seq == 50);
  CHECK(tests::events_in(*l)[49].subject == "49");
  l.reset();
  CHECK(d.heads == std::vector<std::uint64_t>{50});
}

TEST_CASE("more than one commit should hold is committed in order over several", "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  std::vector<std::function<result<void>(ledger::transaction&)>> works;
  for (int i = 0; i < 600; ++i)
    works.emplace_back([i](ledger::transaction& tx) { return add_event(tx, std::to_string(i)); });
  std::vector<result<void>> outcomes;

  run_together(*l, std::move(works), outcomes);

  const auto events = tests::events_in(*l);
  REQUIRE(events.size() == 600);
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(events[i].subject == std::to_string(i));
  CHECK(good(l->make_event_source()->read(0, 1 << 20)).size() == 3);
}

TEST_CASE("work that fails takes back what it did, and its neighbours in the commit do not notice",
          "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  std::vector<result<void>> outcomes;

  run_together(*l,
               {[](auto& tx) { return add_event(tx, "before"); },
                [](auto& tx) -> result<void> {
                  good(tx.insert_connection(tests::new_connection("lost")));
                  good(add_event(tx, "lost"));
                  return failure{errc::stale, "changed my mind"};
                },
                [](auto& tx) -> result<void> {
                  good(add_event(tx, "lost as well"));
                  // No such connection: the database itself refuses at this statement.
                  ledger::run r;
                  r.id = "none";
                  r.state = "completed";
                  return tx.end_run(r);
                },
                [](auto& tx) { return add_event(tx, "after"); }},
               outcomes);

  CHECK(outcomes[0].has_value());
  CHECK(outcomes[1].error().detail == "changed my mind");
  CHECK(outcomes[2].error().code == errc::not_found);
  CHECK(outcomes[3].has_value());
  const auto events = tests::events_in(*l);
  REQUIRE(events.size() == 2);
  CHECK(events[0].subject == "before");
  CHECK(events[1].subject == "after");
  CHECK(events[1].seq == 2);
  doing(*l, [](auto& tx) { CHECK(tx.connections().empty()); });
}

TEST_CASE("work is answered on its caller's executor, and work that only reads syncs nothing", "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  const int before = tests::syncs;
  boost::asio::io_context context;
  result<void> outcome = failure{errc::io, "not answered"};
  int answered = 0;
  std::thread::id worked_on;

  boost::asio::co_spawn(context,
                        write_one(
                            *l,
                            [&](ledger::transaction& tx) -> result<void> {
                              worked_on = std::this_thread::get_id();
                              CHECK(tx.runs(10).empty());
                              return {};
                            },
                            outcome, answered),
                        rethrow);
  context.run();

  CHECK(outcome.has_value());
  CHECK_FALSE(worked_on == std::this_thread::get_id());
  CHECK(tests::syncs == before);
}

TEST_CASE("closing does what was handed over", "[ledger][commit]") {
  data_folder d;
  boost::asio::io_context context;
  std::vector<result<void>> outcomes(100);
  int answered = 0;
  {
    auto l = d.open();
    for (auto& outcome : outcomes)
      boost::asio::co_spawn(context,
                            write_one(
                                *l, [](auto& tx) { return add_event(tx, "x"); }, outcome, answered),
                            rethrow);
    context.poll();
  }
  context.run();
  CHECK(answered == 100);
  CHECK(tests::events_in(*d.open()).size() == 100);
}

TEST_CASE("a sync that fails ends it: nothing is answered as done, then or later, and the host is told once",
          "[ledger][commit]") {
  data_folder d;
  {
    auto l = d.open();
    doing(*l, [](auto& tx) { good(add_event(tx, "kept")); });

    tests::syncs_fail = true;
    const auto lost = l->write_blocking([](auto& tx) { return add_event(tx, "unknown"); });
    tests::syncs_fail = false;
    bool ran = false;
    const auto later = l->write_blocking([&](auto&) -> result<void> {
      ran = true;
      return {};
    });

    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error().code == errc::io);
    REQUIRE_FALSE(later.has_value());
    CHECK_FALSE(ran);
  }
  REQUIRE(d.fatal.size() == 1);
  CHECK(d.fatal[0].code == errc::io);
  CHECK(d.heads == std::vector<std::uint64_t>{1});
  const auto events = tests::events_in(*d.open());
  REQUIRE_FALSE(events.empty());  // what was not answered may be there or not; what was is
  CHECK(events[0].subject == "kept");
}

TEST_CASE("a foreign lock is waited for, and closing ends the waiting", "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [](auto& tx) { good(add_event(tx, "before")); });
  sqlite3* foreign = nullptr;
  REQUIRE(sqlite3_open(d.database().c_str(), &foreign) == SQLITE_OK);
  REQUIRE(sqlite3_exec(foreign, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  boost::asio::io_context context;
  result<void> outcome;
  int answered = 0;
  boost::asio::co_spawn(context,
                        write_one(
                            *l, [](auto& tx) { return add_event(tx, "waits"); }, outcome, answered),
                        rethrow);
  context.poll();

  SECTION("it is released") {
    sqlite3_close(foreign);
    context.run();
    CHECK(outcome.has_value());
  }
  SECTION("it is not") {
    l.reset();
    context.run();
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == errc::io);
    sqlite3_close(foreign);
    CHECK(tests::events_in(*d.open()).size() == 1);
  }
  CHECK(d.fatal.empty());
}

TEST_CASE("the write-ahead log is copied back by the writer and does not grow without end", "[ledger][commit]") {
  data_folder d;
  auto l = d.open();
  const auto reader = l->make_event_source();
  for (int i = 0; i < 60; ++i)
    doing(*l, [](auto& tx) {
      for (int n = 0; n < 10; ++n) {
        ledger::event_draft draft{"plugin.loaded", "", nullptr, "acme", {}};
        draft.data["text"] = std::string(60'000, 'x');
        good(tx.append(draft));
      }
      CHECK(tx.head() > 0);
    });
  good(reader->read(0, 1 << 20));

  CHECK(std::filesystem::file_size(d.database()) > 20'000'000);
  CHECK(std::filesystem::file_size(d.database() + "-wal") < 12'000'000);
}
