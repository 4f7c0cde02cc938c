// SPDX-License-Identifier: Apache-2.0
// The small parent: what a runner is born with, how its end is told, and that nobody outlives the daemon (faults 40,
// 45).

#include "host/plugins/spawner.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "host/plugins/pidfd.hpp"
#include "host/runtime/supervisor.hpp"
#include "support.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;
using koppel::runtime::supervisor;

namespace {

/// Reads until "end\n", or fails after 10 s.
std::string read_report(int fd) {
  std::string text;
  while (!text.ends_with("end\n")) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 10'000) <= 0) return text + "(timed out)";
    char chunk[4096];
    const ssize_t n = ::recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0) return text + "(closed)";
    text.append(chunk, static_cast<std::size_t>(n));
  }
  return text;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Whether the process has ended within 10 s, child of ours or not.
bool ends(const descriptor& process) {
  pollfd p{process.get(), POLLIN, 0};
  return ::poll(&p, 1, 10'000) == 1;
}

struct world {
  asio::io_context context;
  std::unique_ptr<spawner> children;
  supervisor tasks{context.get_executor()};

  world() {
    auto forked = spawner::fork_before_threads(KOPPEL_PROBE_RUNNER);
    if (!forked) FAIL(forked.error().detail);
    children = std::move(*forked);
    tasks.run("spawner", children->serve());
  }
  ~world() { run(context, stop()); }

  koppel::runtime::awaitable<void> stop() { co_await tasks.stop(std::chrono::seconds{5}); }

  child spawn(const std::string& path = "/plugins/example.so") {
    auto born = run(context, children->spawn(path));
    if (!born) FAIL(born.error().detail);
    return std::move(*born);
  }
  int end_of(const child& c) {
    run_until(context, [&] { return c.end->status.has_value(); });
    return *c.end->status;
  }
  void tell(const child& c, char letter) { REQUIRE(::send(c.socket.get(), &letter, 1, MSG_NOSIGNAL) == 1); }
};

}  // namespace

TEST_CASE("a runner is born with a clean environment, four descriptors and no core", "[plugins][spawner]") {
  ::setenv("KOPPEL_CANARY", "secret", 1);
  world w;
  const child c = w.spawn("/plugins/it's here.so");
  const std::string report = read_report(c.socket.get());
  CAPTURE(report);

  CHECK(report.find("argument koppel-runner\nargument 3\nargument /plugins/it's here.so\nargument 60\n") !=
        std::string::npos);
  CHECK(count(report, "environment ") == 2);
  CHECK(report.find("environment PATH=/usr/bin:/bin\n") != std::string::npos);
  CHECK(report.find("environment LANG=C.UTF-8\n") != std::string::npos);
  CHECK(count(report, "descriptor ") == 4);
  CHECK(report.find("descriptor 3 socket\n") != std::string::npos);
  CHECK(report.find("stdin /dev/null\n") != std::string::npos);
  CHECK(report.find("stdout is stderr yes\n") != std::string::npos);
  CHECK(report.find("death signal 9\n") != std::string::npos);
  CHECK(report.find("no new privileges 1\n") != std::string::npos);
  CHECK(report.find("core 0\n") != std::string::npos);
  CHECK(report.find("files 64\n") != std::string::npos);
  const int niceness = std::min(19, ::getpriority(PRIO_PROCESS, 0) + 10);
  CHECK(report.find("niceness " + std::to_string(niceness) + "\n") != std::string::npos);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(report.find("memory 268435456\n") != std::string::npos);
#endif
}

TEST_CASE("how a runner ended is told: by itself, by a signal, at the end of its socket", "[plugins][spawner]") {
  world w;
  const child by_itself = w.spawn(), by_signal = w.spawn();
  child closed = w.spawn();
  for (const int fd : {by_itself.socket.get(), by_signal.socket.get(), closed.socket.get()}) read_report(fd);

  w.tell(by_itself, 'x');
  w.tell(by_signal, 's');
  closed.socket.reset();

  CHECK(describe_end(w.end_of(by_itself)) == "exit status 3");
  CHECK(describe_end(w.end_of(by_signal)) == "SIGSEGV");
  CHECK(describe_end(w.end_of(closed)) == "exit status 0");
}

TEST_CASE("a runner that is stopped is killed, and what stopped it is told", "[plugins][spawner]") {
  world w;
  const child c = w.spawn(), other = w.spawn();
  for (const int fd : {c.socket.get(), other.socket.get()}) read_report(fd);

  w.tell(c, 'p');

  CHECK(describe_end(w.end_of(c)) == "SIGKILL, for it was stopped by SIGSTOP");
  CHECK_FALSE(other.end->status);
}

TEST_CASE("the spawner signals its own children only", "[plugins][spawner]") {
  world w;
  const child c = w.spawn();
  read_report(c.socket.get());
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    ::pause();
    ::_exit(0);
  }

  w.children->kill(stranger, SIGKILL);
  w.children->kill(::getpid(), SIGKILL);
  w.children->kill(-1, SIGKILL);
  w.children->kill(c.pid, SIGKILL);  // served after the others

  CHECK(describe_end(w.end_of(c)) == "SIGKILL");
  CHECK(::waitpid(stranger, nullptr, WNOHANG) == 0);
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);

  w.children->kill(c.pid, SIGKILL);  // nobody's number any more
  const child next = w.spawn();
  CHECK(read_report(next.socket.get()).ends_with("end\n"));
}

TEST_CASE("fifty runners at once are all started and told apart", "[plugins][spawner]") {
  world w;
  std::vector<started<koppel::result<child>>> pending;
  for (int i = 0; i < 50; ++i)
    pending.emplace_back(w.context, w.children->spawn("/plugins/" + std::to_string(i) + ".so"));
  run_until(w.context, [&] { return std::all_of(pending.begin(), pending.end(), [](auto& p) { return p.done(); }); });

  for (int i = 0; i < 50; ++i) {
    REQUIRE(pending[i].get().has_value());
    const std::string report = read_report(pending[i].get()->socket.get());
    CHECK(report.find("argument /plugins/" + std::to_string(i) + ".so\n") != std::string::npos);
    CHECK(count(report, "descriptor ") == 4);  // none of the others' sockets
  }
}

TEST_CASE("a runner that nobody waits for any more is ended", "[plugins][spawner]") {
  world w;
  started<koppel::result<child>> abandoned(w.context, w.children->spawn("/plugins/a.so"));
  // One step: the request is sent. Then its waiter goes, before the answer is read.
  w.context.poll_one();
  abandoned.cancel();
  run_until(w.context, [&] { return abandoned.done(); });

  const child next = w.spawn();  // answered after the abandoned one
  CHECK(read_report(next.socket.get()).ends_with("end\n"));
}

#ifndef __SANITIZE_THREAD__  // which gives a forked process a second thread at once: too late for a spawner
TEST_CASE("when the daemon is killed its spawner and all runners are gone", "[plugins][spawner]") {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    world* w = new world;  // never ended in order: this process is killed
    pid_t pids[3] = {w->children->pid(), 0, 0};
    child* a = new child(w->spawn());
    child* b = new child(w->spawn());
    read_report(a->socket.get());
    read_report(b->socket.get());
    pids[1] = a->pid;
    pids[2] = b->pid;
    if (::write(pipe_ends[1], pids, sizeof pids) != sizeof pids) ::_exit(1);
    while (true) ::pause();
  }
  pid_t pids[3] = {};
  REQUIRE(::read(pipe_ends[0], pids, sizeof pids) == sizeof pids);
  std::vector<descriptor> processes;
  for (const pid_t pid : pids) processes.emplace_back(open_pidfd(pid));

  const auto before = std::chrono::steady_clock::now();
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);

  for (const auto& process : processes) CHECK(ends(process));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{1});
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}
#endif

TEST_CASE("a daemon whose spawner was killed knows that no runner lives", "[plugins][spawner]") {
  world w;
  const child c = w.spawn();
  const descriptor process(open_pidfd(c.pid));
  read_report(c.socket.get());

  ::kill(w.children->pid(), SIGKILL);

  CHECK(describe_end(w.end_of(c)) == "SIGKILL");
  CHECK(ends(process));
  CHECK_FALSE(w.children->alive());
  const auto after = run(w.context, w.children->spawn("/plugins/example.so"));
  REQUIRE(after.has_error());
  CHECK(after.error().detail == "the process that starts plugins has ended; restart koppeld");
}

TEST_CASE("Ctrl-C and SIGTERM for the whole group end neither spawner nor runner", "[plugins][spawner]") {
  world w;
  const child c = w.spawn();
  read_report(c.socket.get());

  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::kill(w.children->pid(), signal);
    ::kill(c.pid, signal);
  }

  const child next = w.spawn();
  CHECK(read_report(next.socket.get()).ends_with("end\n"));
  w.tell(c, 'x');
  CHECK(describe_end(w.end_of(c)) == "exit status 3");
}

TEST_CASE("a runner that cannot be run is an error at once", "[plugins][spawner]") {
  const auto missing = spawner::fork_before_threads("/nowhere/koppel-runner");
  REQUIRE(missing.has_error());
  CHECK(missing.error().detail.find("/nowhere/koppel-runner cannot be run: No such file") != std::string::npos);

  const temporary_folder folder;
  const std::string file = folder.write("runner", "no program");
  fs::permissions(file, fs::perms::owner_all);
  auto forked = spawner::fork_before_threads(file);
  REQUIRE(forked.has_value());
  asio::io_context context;
  supervisor tasks(context.get_executor());
  tasks.run("spawner", (*forked)->serve());
  const auto born = run(context, (*forked)->spawn("/plugins/a.so"));
  REQUIRE(born.has_error());
  CHECK(born.error().detail == "koppel-runner could not be started: Exec format error");
  CHECK(run(context, tasks.stop(std::chrono::seconds{5})));
}

TEST_CASE("forking the spawner once there are threads is refused", "[plugins][spawner]") {
  std::atomic<bool> stop{false};
  std::thread other([&] { stop.wait(false); });
  const auto forked = spawner::fork_before_threads(KOPPEL_PROBE_RUNNER);
  stop = true;
  stop.notify_all();
  other.join();
  REQUIRE(forked.has_error());
  CHECK(forked.error().detail == "the spawner must be forked before the process has threads");
}
