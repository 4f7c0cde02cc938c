// SPDX-License-Identifier: Apache-2.0
// A host that dies in the middle of its work: what it answered is there, what is there is whole, and it goes on.
// The child of the fork opens a ledger of its own; nothing of SQLite or of a thread exists before the fork.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ledger/data_folder.hpp"
#include "tests/unit/ledger/failing_disk.hpp"

using namespace koppel;
using ledger::run_mode;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

constexpr int records_in_page = 20;

messages::page page_number(std::uint32_t number) {
  messages::page p;
  for (int i = 0; i < records_in_page; ++i)
    p.records.push_back(tests::said(std::to_string(number) + "-" + std::to_string(i),
                                    {tests::core_facet(R"({"name":"n","remarks":")" + std::string(500, 'r') + "\"}")}));
  p.cursor = std::to_string(number);
  return p;
}

/// Commits page after page and says on the pipe which it was told are durable, until it is killed or has done `pages`.
[[noreturn]] void write_pages(data_folder& d, int pipe, std::uint32_t pages) {
  {
    auto opened = d.try_open();
    if (!opened) ::_exit(1);
    auto& l = **opened;
    ledger::connection c;
    ledger::run r;
    (void)l.write_blocking([&](ledger::transaction& tx) -> result<void> {
      c = *tx.insert_connection(tests::new_connection());
      r = *tx.begin_run(c, "companies", "company", run_mode::full, "schedule");
      return {};
    });
    for (std::uint32_t number = 1; number <= pages; ++number) {
      const auto done = l.write_blocking([&](ledger::transaction& tx) -> result<void> {
        const auto written = tx.commit_page(r, c, page_number(number), 1, "absent", false);
        if (!written) return written.error();
        return {};
      });
      if (!done || ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
    }
  }
  ::_exit(0);
}

struct ending {
  bool killed = false;
  std::uint32_t answered = 0;  ///< the last page that the child was told is durable
};

/// Runs `write_pages` in a child, which dies at its sync number `at_sync` (0: never), or is killed after `kill_after`
/// pages.
ending run_child(data_folder& d, int at_sync, std::uint32_t kill_after, std::uint32_t pages) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    tests::die_at_sync = at_sync == 0 ? 0 : tests::syncs + at_sync;
    write_pages(d, ends[1], pages);
  }
  ::close(ends[1]);
  ending out;
  std::uint32_t number = 0;
  while (::read(ends[0], &number, sizeof number) == sizeof number) {
    out.answered = number;
    if (number == kill_after) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  out.killed = WIFSIGNALED(status);
  CHECK((out.killed || WEXITSTATUS(status) == 0));
  return out;
}

/// What must hold after any death: the answered pages are there, whole, and the run goes on behind them.
void check_recovered(data_folder& d, std::uint32_t answered) {
  auto l = d.open();  // the lock went with the process
  doing(*l, [&](auto& tx) {
    const auto open = tx.open_runs();
    if (open.empty()) {  // died before its first commit
      CHECK(answered == 0);
      CHECK(tx.connections().empty());
      return;
    }
    const auto r = open[0];
    const auto durable = r.cursor.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(r.cursor));
    CHECK(durable >= answered);
    CHECK(durable <= answered + 1);  // a page may be durable of which the answer was lost
    CHECK(r.read == durable * records_in_page);
    CHECK(tx.known_records(r.connection_id, "company") == durable * records_in_page);
    CHECK(tx.head() == durable * records_in_page);

    // It goes on where it stopped, and what it reads again is not published again.
    const auto c = *tx.find_connection(r.connection_id);
    auto resumed = good(tx.begin_run(c, "companies", "company", run_mode::full, "schedule"));
    CHECK(resumed.resumed);
    if (durable > 0)
      CHECK(good(tx.commit_page(resumed, c, page_number(durable), 1, "absent", false)).unchanged == records_in_page);
    CHECK(good(tx.commit_page(resumed, c, page_number(durable + 1), 1, "absent", false)).upserted == records_in_page);
    CHECK(tx.suspects(resumed, "", 10).ids.empty());
  });
  const auto events = tests::events_in(*l);
  for (std::size_t i = 0; i < events.size(); ++i) REQUIRE(events[i].seq == i + 1);
  l.reset();
  d.tamper(
      "SELECT CASE WHEN (SELECT integrity_check FROM pragma_integrity_check) <> 'ok' THEN abs(-9223372036854775808) "
      "END");
}

}  // namespace

TEST_CASE("a host that is killed loses nothing that was answered, and leaves nothing half done", "[ledger][crash]") {
  const auto pages = GENERATE(1u, 2u, 7u, 40u, 90u);
  data_folder d;

  const auto end = run_child(d, 0, pages, 1'000'000);

  CHECK(end.killed);
  CHECK(end.answered >= pages);
  CHECK(d.open()->recovered_pages() > 0);
  CHECK(d.open()->recovered_pages() == 0);  // it was closed in good order now
  check_recovered(d, end.answered);
}

TEST_CASE("a host may die at any of its syncs, from the making of the database to its closing", "[ledger][crash]") {
  int at_sync = 1;
  for (;; ++at_sync) {
    INFO("sync " << at_sync);
    data_folder d;
    const auto end = run_child(d, at_sync, 0, 8);
    check_recovered(d, end.answered);
    if (!end.killed) break;
  }
  CHECK(at_sync > 12);  // 8 pages, the connection, and the making
}
