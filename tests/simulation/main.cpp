// SPDX-License-Identifier: Apache-2.0
// koppel-simulate: lives many lives, on all cores, and says what was found. tools/simulate builds and runs it.

#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <koppel/planted_bug.hpp>
#include <optional>
#include <thread>

#include "tests/simulation/batch.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/life.hpp"

namespace {

using namespace koppel;
using namespace koppel::simulation;

struct named_bug {
  const char* name;
  bug what;
};
constexpr std::array bugs{named_bug{"ack-before-sync", bug::ack_before_sync},
                          named_bug{"cursor-outside-transaction", bug::cursor_outside_transaction},
                          named_bug{"refresh-without-intent", bug::refresh_without_intent},
                          named_bug{"second-refresh-in-flight", bug::second_refresh_in_flight},
                          named_bug{"filter-is-a-gap", bug::filter_is_a_gap},
                          named_bug{"resumed-read-concludes", bug::resumed_read_concludes},
                          named_bug{"retry-in-two-layers", bug::retry_in_two_layers},
                          named_bug{"position-before-effect", bug::position_before_effect},
                          named_bug{"log-taken-as-it-is", bug::log_taken_as_it_is}};

struct choice {
  std::uint64_t first = 1, seeds = 1000;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::optional<std::uint64_t> story;
  std::string bug_name;
  bool all_bugs = false;
};

bool plant(const std::string& name) {
  for (const auto& b : bugs) {
    if (name != b.name) continue;
#ifdef KOPPEL_PLANTED_BUGS
    planted_bug = b.what;
    return true;
#endif
  }
  return false;
}

void print(const std::map<std::string, std::uint64_t>& faults) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(faults.begin(), faults.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [kind, times] : sorted)
    std::printf("%12llu  %s\n", static_cast<unsigned long long>(times), kind.c_str());
}

int report(const batch_outcome& o, const choice& c) {
  std::printf("faults:\n");
  print(o.faults);
  std::printf(
      "%llu lives, %llu events (fewest in a life: %llu), fewest faults in a life: %llu, %llu starts of the host, %llu "
      "presentations of refresh tokens, %llu events on the bus, %.0f s\n",
      static_cast<unsigned long long>(o.lives), static_cast<unsigned long long>(o.events),
      static_cast<unsigned long long>(o.fewest_events), static_cast<unsigned long long>(o.fewest_faults),
      static_cast<unsigned long long>(o.boots), static_cast<unsigned long long>(o.presentations),
      static_cast<unsigned long long>(o.history), o.seconds);
  if (o.failed.empty()) {
    std::printf("clean\n");
    return 0;
  }
  std::printf("%zu lives went wrong; the first:\n", o.failed.size());
  std::size_t shown = 0;
  for (const auto& [seed, why] : o.failed) {
    if (++shown > 10) break;
    std::printf("  seed %llu: %s\n", static_cast<unsigned long long>(seed), why.c_str());
  }
  std::printf("the story of one: koppel-simulate --story %llu%s\n",
              static_cast<unsigned long long>(o.failed.begin()->first),
              c.bug_name.empty() ? "" : (" --bug " + c.bug_name).c_str());
  return 1;
}

/// Each bug until a life finds it; all have to be found.
int find_bugs(const choice& c, const surroundings& around) {
  bool all_found = true;
  std::printf("%-28s %10s  %s\n", "planted bug", "found by", "as");
  for (const auto& b : bugs) {
    plant(b.name);
    const auto o = live_many({c.first, c.seeds, c.jobs, true, false}, around);
    if (o.failed.empty()) {
      all_found = false;
      std::printf("%-28s %10s  in %llu seeds\n", b.name, "nobody", static_cast<unsigned long long>(c.seeds));
    } else {
      const auto& [seed, why] = *o.failed.begin();
      std::printf("%-28s seed %5llu  %s\n", b.name, static_cast<unsigned long long>(seed), why.c_str());
    }
    std::fflush(stdout);
  }
  return all_found ? 0 : 1;
}

int run(const choice& c, const surroundings& around) {
  if (c.all_bugs) return find_bugs(c, around);
  if (c.story) {
    const auto o = live(*c.story, true, around);
    for (const auto& v : o.violations) std::printf("went wrong: %s\n", v.c_str());
    std::printf("fingerprint %016llx\n", static_cast<unsigned long long>(o.fingerprint));
    return o.violations.empty() ? 0 : 1;
  }
  return report(live_many({c.first, c.seeds, c.jobs, false, ::isatty(STDERR_FILENO) != 0}, around), c);
}

}  // namespace

int main(int argc, char** argv) {
  choice c;
  CLI::App app{
      "Lives simulated lives of koppeld, its consumers and a provider, each out of one seed, under faults of disk, "
      "network, processes and people; checks what must hold in all of them."};
  app.add_option("--seeds", c.seeds, "how many lives")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--first", c.first, "the first seed")->capture_default_str();
  app.add_option("--jobs", c.jobs, "processes at a time")->capture_default_str()->check(CLI::Range(1u, 256u));
  app.add_option("--story", c.story, "tell the life of this seed, and live no other");
  app.add_option("--bug", c.bug_name, "with this planted bug");
  app.add_flag("--bugs", c.all_bugs, "for each planted bug: which seed finds it");
  CLI11_PARSE(app, argc, argv);
  const bool needs_bugs = c.all_bugs || !c.bug_name.empty();
  if (needs_bugs && !plant(c.all_bugs ? bugs.front().name : c.bug_name)) {
    std::fprintf(stderr,
                 "koppel-simulate: there is no such bug here. Bugs need a build with KOPPEL_PLANTED_BUGS; they are:");
    for (const auto& b : bugs) std::fprintf(stderr, " %s", b.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  // Lives take and give back the same memory again and again: it need not go to the kernel in between.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  try {
    const temporary_key key;
    const surroundings around{KOPPEL_SIMULATION_PLUGINS, key.path(), new_database(key.path())};
    // From here on a process has one thread, and nobody asks SQLite how much memory it has: no locks.
    ::sqlite3_shutdown();
    ::sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    ::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return run(c, around);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "koppel-simulate: %s\n", e.what());
    return 2;
  }
}
