// SPDX-License-Identifier: Apache-2.0
// The loop around trimming: a pass at the start, slice by slice, and an end when it is told to.

#include "host/ledger/trimming.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "host/runtime/supervisor.hpp"
#include "tests/support/show_result.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using namespace std::chrono_literals;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

constexpr core::retention_limits a_month{30 * 24h, 90 * 24h};

struct situation {
  data_folder d;
  std::unique_ptr<ledger::ledger> l = d.open();
  boost::asio::io_context io;
  runtime::supervisor supervisor{io.get_executor()};

  situation() {
    for (int i = 0; i < 100; ++i)
      doing(*l, [](auto& tx) { good(tx.append({"plugin.crashed", "", nullptr, "acme", {}})); });
    doing(*l, [](auto& tx) { CHECK(tx.begin_trimming(a_month) == 0ms); });
    d.clock.advance(31 * 24h);
  }
  std::size_t runs() {
    std::size_t count = 0;
    doing(*l, [&](auto& tx) { count = tx.runs(100).size(); });
    return count;
  }
  std::size_t events() { return tests::events_in(*l).size(); }
  void run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!done() && std::chrono::steady_clock::now() < deadline) io.run_for(10ms);
    REQUIRE(done());
  }
};

}  // namespace

TEST_CASE("replaced events go slice by slice, and the loop ends when it is cancelled", "[ledger][retention]") {
  situation s;
  s.supervisor.run("trimming", ledger::keep_trimming(*s.l, a_month));
  s.run_until([&] { return s.events() == 1; });

  bool ended = false;
  const auto stop = [](situation& of, bool& done) -> runtime::awaitable<void> {
    done = co_await of.supervisor.stop(5s);
  };
  boost::asio::co_spawn(s.io, stop(s, ended), boost::asio::detached);
  s.run_until([&] { return ended; });
}

TEST_CASE("old runs go after the events", "[ledger][retention]") {
  situation s;
  doing(*s.l, [](auto& tx) {
    const auto c = good(tx.insert_connection(tests::new_connection()));
    for (int i = 0; i < 10; ++i) {
      auto r = good(tx.begin_run(c, "companies", "company", ledger::run_mode::full, "schedule"));
      r.state = "completed";
      good(tx.end_run(r));
    }
  });
  s.d.clock.advance(31 * 24h);
  s.supervisor.run("trimming", ledger::keep_trimming(*s.l, a_month));
  s.run_until([&] { return s.runs() == 1; });
}

TEST_CASE("events that are kept for ever are not trimmed", "[ledger][retention]") {
  situation s;
  s.supervisor.run("trimming", ledger::keep_trimming(*s.l, {0ms, 0ms}));
  s.run_until([&] { return s.supervisor.running() == 0; });
  CHECK(s.events() == 100);
}
