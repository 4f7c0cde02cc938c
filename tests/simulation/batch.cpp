// SPDX-License-Identifier: Apache-2.0
// Workers live every n-th seed each and write one line of JSON a life; before it a line that names the seed, so that a
// worker's death is known by its seed.

#include "tests/simulation/batch.hpp"

#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <set>
#include <stdexcept>

namespace koppel::simulation {
namespace json = boost::json;

namespace {

struct worker {
  pid_t pid = 0;
  int from = -1;           ///< the pipe
  std::string line;        ///< the beginning of one
  std::uint64_t seed = 0;  ///< being lived; 0: none
  bool done = false;
};

void say(int to, const json::value& what) {
  const auto line = json::serialize(what) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const auto n = ::write(to, rest.data(), rest.size());
    if (n <= 0) ::_exit(3);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

[[noreturn]] void work(const batch& b, unsigned number, int to, const surroundings& around) {
  for (std::uint64_t seed = b.first + number; seed < b.first + b.seeds; seed += b.jobs) {
    say(to, {{"lives", seed}});
    const auto o = live(seed, false, around);
    json::object faults;
    for (const auto& [kind, times] : o.faults) faults[kind] = times;
    say(to, {{"lived", seed},
             {"violation", o.violations.empty() ? "" : o.violations.front()},
             {"faults", std::move(faults)},
             {"events", o.events},
             {"boots", o.boots},
             {"presentations", o.presentations},
             {"history", o.history}});
  }
  ::_exit(0);
}

worker hire(const batch& b, unsigned number, const surroundings& around) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe could be had");
  std::fflush(stdout);
  worker w;
  w.pid = ::fork();
  if (w.pid < 0) throw std::runtime_error("no process could be had");
  if (w.pid == 0) {
    ::close(ends[0]);
    work(b, number, ends[1], around);
  }
  ::close(ends[1]);
  w.from = ends[0];
  return w;
}

void count(batch_outcome& into, const json::object& life) {
  const auto number = [&](std::string_view key) { return life.at(key).to_number<std::uint64_t>(); };
  const bool first = into.lives++ == 0;
  std::uint64_t faults = 0;
  for (const auto& [kind, times] : life.at("faults").as_object()) {
    into.faults[kind] += times.to_number<std::uint64_t>();
    faults += times.to_number<std::uint64_t>();
  }
  into.events += number("events");
  into.fewest_events = first ? number("events") : std::min(into.fewest_events, number("events"));
  into.fewest_faults = first ? faults : std::min(into.fewest_faults, faults);
  into.boots += number("boots");
  into.presentations += number("presentations");
  into.history += number("history");
  if (const auto& why = life.at("violation").as_string(); !why.empty()) into.failed[number("lived")] = std::string(why);
}

void hear(worker& w, batch_outcome& into) {
  char chunk[65536];
  const auto n = ::read(w.from, chunk, sizeof chunk);
  if (n > 0) {
    w.line.append(chunk, static_cast<std::size_t>(n));
    for (auto end = w.line.find('\n'); end != w.line.npos; end = w.line.find('\n')) {
      const auto said = json::parse(w.line.substr(0, end)).as_object();
      w.line.erase(0, end + 1);
      if (const auto* seed = said.if_contains("lives")) {
        w.seed = seed->to_number<std::uint64_t>();
      } else {
        w.seed = 0;
        count(into, said);
      }
    }
    return;
  }
  ::close(w.from);
  w.from = -1;
  w.done = true;
  int status = 0;
  ::waitpid(w.pid, &status, 0);
  if (w.seed != 0)
    into.failed[w.seed] =
        "the process ended by " + (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                                       : "exit " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace

batch_outcome live_many(const batch& b, const surroundings& around) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<worker> workers;
  for (unsigned i = 0; i < b.jobs; ++i) workers.push_back(hire(b, i, around));
  batch_outcome all;
  auto told = began;
  std::set<std::uint64_t> told_of;
  for (;;) {
    std::vector<pollfd> open;
    std::vector<worker*> whose;
    for (auto& w : workers)
      if (!w.done) {
        open.push_back({w.from, POLLIN, 0});
        whose.push_back(&w);
      }
    if (open.empty()) break;
    ::poll(open.data(), open.size(), 1000);
    for (std::size_t i = 0; i < open.size(); ++i)
      if (open[i].revents != 0) hear(*whose[i], all);
    // At once: many lives take an hour.
    for (const auto& [seed, why] : all.failed)
      if (!b.stop_at_first && told_of.insert(seed).second)
        std::fprintf(stderr, "\rseed %llu went wrong: %s\n", static_cast<unsigned long long>(seed), why.c_str());
    const auto now = std::chrono::steady_clock::now();
    if (now - told > (b.progress ? std::chrono::seconds{1} : std::chrono::seconds{60})) {
      told = now;
      std::fprintf(stderr, "%s%llu of %llu lives, %zu went wrong%s", b.progress ? "\r" : "",
                   static_cast<unsigned long long>(all.lives), static_cast<unsigned long long>(b.seeds),
                   all.failed.size(), b.progress ? " " : "\n");
    }
    if (b.stop_at_first && !all.failed.empty())
      for (auto& w : workers)
        if (!w.done) ::kill(w.pid, SIGKILL), w.seed = 0;
  }
  if (b.progress) std::fprintf(stderr, "\r%60s\r", "");
  all.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return all;
}

temporary_key::temporary_key() {
  char name[] = "/tmp/koppel-simulation-key-XXXXXX";
  const int fd = ::mkstemp(name);
  const std::string hex(64, 'a');
  if (fd < 0 || ::write(fd, hex.data(), hex.size()) != static_cast<ssize_t>(hex.size()))
    throw std::runtime_error("no temporary file could be had");
  ::close(fd);
  path_ = name;
}

temporary_key::~temporary_key() { ::unlink(path_.c_str()); }

}  // namespace koppel::simulation
