// SPDX-License-Identifier: Apache-2.0
// Jobs on a real runner: effects, order, deadlines, cancellation, crashes (faults 40, 41), and what a hostile child may
// not do (list E9).

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "plugin_world.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;
namespace messages = koppel::messages;
namespace runtime = koppel::runtime;
using namespace std::chrono_literals;

namespace {

struct echo_world : plugin_world {
  recording_effects effects;
  explicit echo_world(const runner_limits& limits = {}) : plugin_world(limits) {
    options.lifecycle.backoff_base = 1ms;
    add(test_plugin("echo.so"));
    start();
  }
  int pid() const {
    const auto pids = status("echo").runner_pids;
    return pids.empty() ? 0 : pids.front();
  }
  messages::done job(const std::string& stream) { return run_job(sync_of(stream), effects); }
};

/// One more for as long as it lives, however its coroutine ends.
struct counted {
  int& count;
  explicit counted(int& c) : count(c) { ++count; }
  counted(const counted&) = delete;
  ~counted() { --count; }
};

/// http answers that come when the test says so.
class held_effects : public recording_effects {
 public:
  runtime::awaitable<messages::reply> http(messages::http request) override {
    const std::string url = request.url;
    urls.push_back(url);
    const counted here(under_way);
    const auto limit = std::chrono::steady_clock::now() + 20s;
    bool go_on = true;
    while (go_on && !open) go_on = co_await changed.wait_or_stop(limit);
    messages::reply reply;
    reply.status = 200;
    co_return reply;
  }
  runtime::condition changed;
  bool open = false;
  int under_way = 0;
};

class throwing_effects : public recording_effects {
 public:
  runtime::awaitable<messages::reply> http(messages::http) override {
    throw std::runtime_error("no such table");
    co_return messages::reply();
  }
};

}  // namespace

TEST_CASE("a job is told what it is, and its end comes back", "[plugins][job]") {
  echo_world w;
  const auto done = w.job("anything");
  CHECK(done.error.empty());
  CHECK(done.detail == "did anything from here");
  CHECK(w.status("echo").jobs == 0);
}

TEST_CASE("http effects are answered, several at once", "[plugins][job]") {
  echo_world w;
  CHECK(w.job("http").detail == "1:body of 1");

  held_effects held;
  started<messages::done> job(w.context, w.host->run("echo", sync_of("two-http"), held));
  run_until(w.context, [&] { return held.under_way == 2; });  // the second did not wait for the first
  held.open = true;
  held.changed.notify_all();
  run_until(w.context, [&] { return job.done(); });
  CHECK(job.get().error.empty());
}

TEST_CASE("pages are handed over one at a time, in order", "[plugins][job]") {
  echo_world w;
  CHECK(w.job("pages").error.empty());
  CHECK(w.effects.cursors == std::vector<std::string>{"after 1", "after 2", "after 3"});
  CHECK(w.effects.most_pages_under_way == 1);
}

TEST_CASE("after a page that was not committed none may be, and the job has not succeeded", "[plugins][job]") {
  echo_world w;
  w.effects.fail_at = "after 2";
  const auto done = w.job("pages");
  CHECK(w.effects.cursors == std::vector<std::string>{"after 1", "after 2"});
  CHECK(done.error == "try_again");
  CHECK(done.detail == "the disk is full");
}

TEST_CASE("a job is not over before its pages are, whatever the plugin says", "[plugins][job]") {
  echo_world w;
  CHECK(w.job("page-and-done").error.empty());
  CHECK(w.effects.cursors == std::vector<std::string>{"after 1"});

  w.effects.fail_at = "after 1";
  CHECK(w.job("page-and-done").error == "try_again");
}

TEST_CASE("many jobs share a runner and get their own answers", "[plugins][job]") {
  echo_world w;
  std::vector<std::unique_ptr<recording_effects>> effects;
  std::vector<started<messages::done>> jobs;
  for (int i = 0; i < 200; ++i) {
    effects.push_back(std::make_unique<recording_effects>());
    auto job = sync_of(i % 2 == 0 ? "two-http" : "pages");
    jobs.emplace_back(w.context, w.host->run("echo", std::move(job), *effects.back()));
  }
  run_until(w.context, [&] { return std::all_of(jobs.begin(), jobs.end(), [](auto& j) { return j.done(); }); });
  for (int i = 0; i < 200; ++i) {
    CHECK(jobs[i].get().error.empty());
    CHECK(effects[i]->urls.size() == (i % 2 == 0 ? 2 : 0));
    CHECK(effects[i]->cursors.size() == (i % 2 == 0 ? 0 : 3));
  }
}

TEST_CASE("a plugin may sleep", "[plugins][job]") {
  echo_world w;
  CHECK(w.job("sleep").detail == "1:");
}

TEST_CASE("an unknown provider is a job to try again", "[plugins][job]") {
  echo_world w;
  const auto done = w.run_job(sync_of("x"), w.effects, "nobody");
  CHECK(done.error == "try_again");
  CHECK(done.detail == "there is no usable plugin named nobody");
}

TEST_CASE("a plugin that failed gives its jobs back with its reason", "[plugins][job]") {
  plugin_world w;
  w.add(bad_plugin("null_create.so"));
  w.start();
  recording_effects effects;
  const auto done = w.run_job(sync_of("x"), effects, "null-create");
  CHECK(done.error == "try_again");
  CHECK(done.detail == "the plugin null-create is failed: the plugin could not make an instance of itself");
}

TEST_CASE("a crash ends its job as crashed, and the next job runs on a new runner", "[plugins][job]") {
  echo_world w;
  const int first = w.pid();

  const auto done = w.job("crash");

  CHECK(done.error == "crashed");
  CHECK(done.detail == "the plugin echo failed during this job: its process ended (SIGSEGV)");
  CHECK(w.job("http").detail == "1:body of 1");  // waits for the new runner
  CHECK(w.pid() != first);
  CHECK(w.status("echo").crashes == 1);
  CHECK(w.count(plugin_notice::kind::crashed) == 1);
}

TEST_CASE("after a crash each job of the runner runs alone, and it counts against the one that crashes alone",
          "[plugins][job]") {
  echo_world w;
  // Each of them is beside the others, and never beside anybody on its second try.
  class watching_effects : public held_effects {
   public:
    std::function<std::size_t()> jobs_now;
    std::vector<std::size_t> beside;
    runtime::awaitable<messages::reply> http(messages::http request) override {
      beside.push_back(jobs_now());
      auto asked = held_effects::http(std::move(request));
      co_return co_await std::move(asked);
    }
  };
  std::vector<watching_effects> effects(3);
  std::vector<started<messages::done>> innocents;
  for (auto& e : effects) {
    e.jobs_now = [&] { return w.status("echo").jobs; };
    innocents.emplace_back(w.context, w.host->run("echo", sync_of("http"), e));
  }
  run_until(w.context,
            [&] { return std::all_of(effects.begin(), effects.end(), [](auto& e) { return e.under_way == 1; }); });

  started<messages::done> culprit(w.context, w.host->run("echo", sync_of("crash"), w.effects));
  run_until(w.context, [&] {  // all were ended, their effects first
    return std::all_of(effects.begin(), effects.end(), [](auto& e) { return e.under_way == 0; });
  });
  // Who comes now waits until the matter is settled.
  started<messages::done> newcomer(w.context, w.host->run("echo", sync_of("http"), w.effects));
  for (auto& e : effects) e.open = true;
  run_until(w.context, [&] {
    return culprit.done() && newcomer.done() &&
           std::all_of(innocents.begin(), innocents.end(), [](auto& j) { return j.done(); });
  });

  CHECK(culprit.get().error == "crashed");
  CHECK(newcomer.get().error.empty());
  for (auto& j : innocents) CHECK(j.get().error.empty());
  for (auto& e : effects) {
    REQUIRE(e.beside.size() == 2);
    CHECK(e.beside[1] == 1);
  }
  CHECK(w.status("echo").crashes == 2);
}

TEST_CASE("a job that had committed pages goes on where they end, so its owner is told of the crash",
          "[plugins][job]") {
  echo_world w;
  held_effects held;
  started<messages::done> beside(w.context, w.host->run("echo", sync_of("http"), held));
  run_until(w.context, [&] { return held.under_way == 1; });

  CHECK(w.job("page-then-crash").error == "crashed");
  CHECK(w.effects.cursors == std::vector<std::string>{"after 1"});  // not sent a second time

  held.open = true;
  run_until(w.context, [&] { return beside.done(); });
  CHECK(beside.get().error.empty());
}

TEST_CASE("bytes that are no message are blamed on nobody who spoke well before them", "[plugins][job]") {
  echo_world w;
  held_effects held;
  started<messages::done> good(w.context, w.host->run("echo", sync_of("http"), held));
  run_until(w.context, [&] { return held.under_way == 1; });

  started<messages::done> bad(w.context, w.host->run("echo", sync_of("garbage"), w.effects));
  run_until(w.context, [&] { return held.under_way == 0; });
  held.open = true;
  run_until(w.context, [&] { return good.done() && bad.done(); });

  CHECK(bad.get().error == "bug");  // on its second try it was alone
  CHECK(good.get().error.empty());
}

TEST_CASE("a runner that works on one message for too long is ended, other providers' are not", "[plugins][job]") {
  echo_world w(runner_limits{.call_s = 1});
  plugin_world other(runner_limits{.call_s = 1});
  other.add(bad_plugin("crashes_in_job.so"));
  other.start();
  const int pid = other.status("crashes-in-job").runner_pids.at(0);

  CHECK(w.job("loop").detail ==
        "the plugin echo failed during this job: it worked on one message for more than 1 s; its process was ended");

  CHECK(w.job("http").error.empty());
  recording_effects effects;
  CHECK(other.run_job(sync_of("http"), effects, "crashes-in-job").error.empty());
  CHECK(other.status("crashes-in-job").runner_pids.at(0) == pid);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // a sanitized runner has no limit
TEST_CASE("a runner gets no more memory than its limit, and ends by that", "[plugins][job]") {
  echo_world w;
  const auto done = w.job("hungry");  // for a gigabyte
  CHECK(done.error == "crashed");
  CHECK(done.detail == "the plugin echo failed during this job: its process ended (SIGABRT)");
  CHECK(w.job("http").error.empty());
}
#endif

TEST_CASE("exit(0) in a job is a crash", "[plugins][job]") {
  echo_world w;
  const auto done = w.job("exit");
  CHECK(done.error == "crashed");
  CHECK(done.detail == "the plugin echo failed during this job: its process ended (exit status 0)");
}

TEST_CASE("crashes in jobs never quarantine a plugin", "[plugins][job]") {
  echo_world w;
  w.options.lifecycle.backoff_cap = 1ms;
  for (int i = 0; i < 7; ++i) CHECK(w.job("crash").error == "crashed");
  CHECK(w.job("http").error.empty());
}

TEST_CASE("a page that arrived before the crash is committed before the job ends", "[plugins][job]") {
  echo_world w;
  const auto done = w.job("page-then-crash");
  CHECK(done.error == "crashed");
  CHECK(w.effects.cursors == std::vector<std::string>{"after 1"});
}

TEST_CASE("at its deadline a job is cancelled and to be tried again, and the runner lives on", "[plugins][job]") {
  echo_world w;
  const int before = w.pid();
  const auto done = w.run_job(sync_within("waits", 50ms), w.effects);
  CHECK(done.error == "try_again");
  CHECK(done.detail == "the job's deadline passed");
  CHECK(w.pid() == before);
  CHECK(w.status("echo").crashes == 0);
}

TEST_CASE("what goes on for ever ends at the deadline, and the runner lives on", "[plugins][job]") {
  const std::string stream = GENERATE("sleeps", "naps", "asks", "logs", "learns");
  CAPTURE(stream);
  echo_world w;
  const int before = w.pid();
  const auto done = w.run_job(sync_within(stream, 100ms), w.effects);
  CHECK(done.error == "try_again");
  CHECK(done.detail == "the job's deadline passed");
  CHECK(w.pid() == before);
  CHECK(w.job("http").error.empty());
}

TEST_CASE("a runner that stops itself is ended at once, and the job is charged", "[plugins][job]") {
  echo_world w;
  const auto done = w.job("stops");
  CHECK(done.error == "crashed");
  CHECK(done.detail ==
        "the plugin echo failed during this job: its process ended (SIGKILL, for it was stopped by SIGSTOP)");
  CHECK(w.job("http").error.empty());
}

TEST_CASE("what is printed or said without end costs the process its life, and the host little", "[plugins][job]") {
  const std::string stream = GENERATE("spews", "chatters");
  CAPTURE(stream);
  echo_world w(runner_limits{.memory = std::uint64_t{64} << 20, .call_s = 1});
  CHECK(w.job(stream).error == "crashed");
  CHECK(w.job("http").error.empty());
}

TEST_CASE("each page gives a job its whole time again", "[plugins][job]") {
  echo_world w;
  const auto done = w.run_job(sync_within("drip", 300ms), w.effects);
  CHECK(done.error.empty());
  CHECK(w.effects.cursors.size() == 8);
}

TEST_CASE("a job that ignores its deadline costs the runner, and is charged", "[plugins][job]") {
  const std::string stream = GENERATE("deaf", "loop");
  echo_world w;
  const int before = w.pid();
  const auto done = w.run_job(sync_within(stream, 50ms), w.effects);
  CHECK(done.error == "crashed");
  CHECK(done.detail == "it did not end a job within 1 s of being told to stop; its process was ended");
  CHECK(w.job("http").error.empty());
  CHECK(w.pid() != before);
}

TEST_CASE("cancelling who awaits a job cancels the job, its effects first", "[plugins][job]") {
  echo_world w;
  const int before = w.pid();
  held_effects held;
  started<messages::done> job(w.context, w.host->run("echo", sync_of("http"), held));
  run_until(w.context, [&] { return held.under_way == 1; });

  job.cancel();
  run_until(w.context, [&] { return job.done(); });

  CHECK(job.get().error == "cancelled");
  CHECK(held.under_way == 0);
  CHECK(w.pid() == before);
  CHECK(w.status("echo").jobs == 0);
}

TEST_CASE("a job that waits for a runner ends at its deadline, or when cancelled", "[plugins][job]") {
  plugin_world w;
  w.options.lifecycle.backoff_base = 1h;
  w.options.lifecycle.backoff_cap = 1h;
  w.add(test_plugin("echo.so"));
  w.start();
  recording_effects effects;
  CHECK(w.run_job(sync_of("crash"), effects).error == "crashed");
  run_until(w.context, [&] { return w.status("echo").state == "backing_off"; });

  const auto late = w.run_job(sync_within("x", 20ms), effects);
  CHECK(late.error == "try_again");
  CHECK(late.detail == "the plugin echo is backing_off: its process ended (SIGSEGV)");

  started<messages::done> waiting(w.context, w.host->run("echo", sync_of("x"), effects));
  for (int i = 0; i < 20; ++i) w.context.poll_one();
  waiting.cancel();
  run_until(w.context, [&] { return waiting.done(); });
  CHECK(waiting.get().error == "cancelled");
}

TEST_CASE("a violation of the boundary ends the runner, and the job is a bug", "[plugins][job]") {
  struct violation {
    const char *stream, *said;
  };
  const violation v = GENERATE(violation{"garbage", "it sent bytes that are no message: "},
                               violation{"empty", "it sent an empty frame"},
                               violation{"too-long", "it sent a frame of 4194305 bytes; at most 4194304 are allowed"},
                               violation{"hosts-word", "it sent a message that only the host sends"},
                               violation{"ready-again", "it said twice that it is ready"},
                               violation{"greedy", "it asked for more than 64 things at once"},
                               violation{"page-flood", "it sent a page while 4 were uncommitted"},
                               violation{"heavy", "it asked for requests of more than 16 MiB at once"},
                               violation{"long-cursor", "it sent a cursor of 65537 bytes; at most 65536 are allowed"},
                               violation{"longest-cursor", "it sent a frame of 10485"},
                               violation{"many-records", "it sent a page of 10001 records; at most 10000 are"});
  CAPTURE(v.stream);
  echo_world w;
  const int before = w.pid();
  held_effects held;

  const auto done = w.run_job(sync_of(v.stream), held);

  CHECK(done.error == "bug");
  CHECK(done.detail.starts_with(v.said));
  CHECK(w.job("http").error.empty());
  CHECK(w.pid() != before);
  CHECK(w.reason(plugin_notice::kind::crashed).ends_with("; its process was ended"));
}

TEST_CASE("a failure of the host in an effect ends the job, not the daemon", "[plugins][job]") {
  echo_world w;
  throwing_effects effects;
  const auto done = w.run_job(sync_of("http"), effects);
  CHECK(done.error == "try_again");
  CHECK(done.detail.find("no such table") != std::string::npos);
}

TEST_CASE("log lines are one line each, bounded, and say whose they are, and odd words are not taken over",
          "[plugins][job][log]") {
  std::ostringstream out;
  const auto before = spdlog::default_logger();
  const auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
  logger->set_pattern("%n|%l|%v");
  spdlog::set_default_logger(logger);
  {
    echo_world w;
    const auto done = w.job("odd");
    CHECK(done.error == "bug");
    CHECK(done.detail.starts_with("it ended the job with an unknown error (crashed)"));
    CHECK(done.retry_after == 0);
    CHECK(done.http_status == 0);
    CHECK(w.effects.learned_values == std::vector<std::string>{"division=7"});
  }
  spdlog::set_default_logger(before);

  std::istringstream lines(out.str());
  std::size_t of_the_plugin = 0;
  for (std::string text; std::getline(lines, text);)
    if (text == "plugin/echo|warning|first\\nsecond \\x1b[31mred") ++of_the_plugin;
  CHECK(of_the_plugin >= 2000);
  CHECK(of_the_plugin <= 3000);  // 3,000 were sent; more than 2,000 only if a second went by
  CHECK(out.str().find('\x1b') == std::string::npos);
}

TEST_CASE("what a library prints is in the log line by line, escaped, bounded, and what was dropped is counted",
          "[plugins][job][log]") {
  std::ostringstream out;
  const auto before = spdlog::default_logger();
  const auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
  logger->set_pattern("%n|%l|%v");
  spdlog::set_default_logger(logger);
  {
    echo_world w;
    CHECK(w.job("prints").error.empty());  // 100,000 lines, then the beginning of one
    const auto second = std::chrono::milliseconds{1'000};
    run(w.context, runtime::sleep_for(second));  // of the limit; the next line tells what it dropped
    CHECK(w.job("exit").error == "crashed");
  }
  spdlog::set_default_logger(before);

  std::istringstream lines(out.str());
  std::size_t printed = 0, dropped = 0;
  for (std::string text; std::getline(lines, text);) {
    if (text == "plugin/echo|info|it printed: \\x1b[31mred") ++printed;
    if (text.find("log lines were dropped") != std::string::npos) ++dropped;
  }
  CHECK(printed >= 2000);
  CHECK(printed < 50'000);
  CHECK(dropped >= 1);
  CHECK(out.str().find("it printed: and out") != std::string::npos);
  CHECK(out.str().find('\x1b') == std::string::npos);
}
