// SPDX-License-Identifier: Apache-2.0
// A host that dies in the middle of its work: what it answered is there, what is there is whole, and it goes on.
// The child of the fork opens a ledger of its own; nothing of SQLite or of a thread exists before the fork.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ledger/data_folder.hpp"

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

/// Commits page after page and says on the pipe which it was told are durable, until it is killed.
[[noreturn]] void write_until_killed(data_folder& d, int pipe) {
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
  for (std::uint32_t number = 1;; ++number) {
    const auto done = l.write_blocking([&](ledger::transaction& tx) -> result<void> {
      const auto written = tx.commit_page(r, c, page_number(number), 1, "absent", false);
      if (!written) return written.error();
      return {};
    });
    if (!done || ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
  }
}

/// Forks such a child, lets it come to `pages` and kills it; returns the last page that it was told is durable.
std::uint32_t die_after(data_folder& d, std::uint32_t pages) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(d, ends[1]);
  }
  ::close(ends[1]);
  std::uint32_t number = 0;
  while (number < pages) REQUIRE(::read(ends[0], &number, sizeof number) == sizeof number);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  while (::read(ends[0], &number, sizeof number) == sizeof number) {
  }
  ::close(ends[0]);
  return number;
}

}  // namespace

TEST_CASE("a host that is killed loses nothing that was answered, and leaves nothing half done", "[ledger][crash]") {
  const auto pages = GENERATE(1u, 2u, 7u, 40u, 90u);
  data_folder d;
  const auto answered = die_after(d, pages);

  auto l = d.open();  // the lock went with the process

  doing(*l, [&](auto& tx) {
    REQUIRE(tx.open_runs().size() == 1);
    const auto r = tx.open_runs()[0];
    const auto durable = static_cast<std::uint32_t>(std::stoul(r.cursor));
    CHECK(durable >= answered);
    CHECK(durable <= answered + 1);  // a page may be durable of which the answer was lost
    CHECK(r.read == durable * records_in_page);
    CHECK(tx.known_records(r.connection_id, "company") == durable * records_in_page);
    CHECK(tx.head() == durable * records_in_page);

    // It goes on where it stopped, and what it reads again is not published again.
    auto resumed = good(tx.begin_run(*tx.find_connection(r.connection_id), "companies", "company", run_mode::full, "schedule"));
    CHECK(resumed.resumed);
    const auto c = *tx.find_connection(r.connection_id);
    CHECK(good(tx.commit_page(resumed, c, page_number(durable), 1, "absent", false)).unchanged == records_in_page);
    CHECK(good(tx.commit_page(resumed, c, page_number(durable + 1), 1, "absent", false)).upserted == records_in_page);
    CHECK(tx.suspects(resumed, "", 10).empty());
  });
  const auto events = tests::events_in(*l);
  for (std::size_t i = 0; i < events.size(); ++i) REQUIRE(events[i].seq == i + 1);
  l.reset();
  d.tamper("SELECT CASE WHEN (SELECT integrity_check FROM pragma_integrity_check) <> 'ok' THEN abs(-9223372036854775808) END");
}
