// SPDX-License-Identifier: Apache-2.0
// A plugin host over a folder of fixtures with the real koppel-runner, and job effects that are recorded.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "host/plugins/plugin_host.hpp"
#include "host/plugins/spawner.hpp"
#include "host/runtime/clock.hpp"
#include "support.hpp"

namespace koppel::plugins::test {

/// A clock that stands still: what is decided by time in these tests is decided by steady timers alone.
inline constexpr core::instant test_now{std::chrono::milliseconds{1'767'225'600'000}};

class plugin_world {
 public:
  asio::io_context context;
  std::unique_ptr<spawner> children;
  runtime::supervisor supervisor{context.get_executor()};
  runtime::manual_clock clock{test_now};
  temporary_folder folder;
  plugin_host_options options;
  std::unique_ptr<plugin_host> host;
  std::vector<plugin_notice> notices;
  std::string fatal;

  explicit plugin_world(const runner_limits& limits = {}) {
    auto forked = spawner::fork_before_threads(KOPPEL_RUNNER, limits);
    if (!forked) FAIL(forked.error().detail);
    children = std::move(*forked);
    options.folder = folder.path().string();
    supervisor.on_fatal = [this](const std::string& name, const std::string& what) {
      fatal += name + ": " + what + "; ";
    };
  }
  plugin_world(const plugin_world&) = delete;
  ~plugin_world() {
    if (host) run(context, host->stop(std::chrono::seconds{5}));
    const bool ended = run(context, supervisor.stop(std::chrono::seconds{5}));
    CHECK(ended);
    CHECK(fatal.empty());
  }

  void add(const fs::path& file, const std::string& name = {}) { folder.copy(file, name); }

  result<> try_start() {
    host = std::make_unique<plugin_host>(supervisor, clock, *children, options);
    host->on_notice = [this](plugin_notice n) { notices.push_back(std::move(n)); };
    auto begun = host->start();
    if (begun) run(context, host->settled());
    return begun;
  }
  void start() {
    const auto started = try_start();
    if (!started) FAIL(started.error().detail);
  }

  plugin_status status(const std::string& name) const {
    for (auto& s : host->statuses())
      if (s.name == name) return s;
    FAIL("no plugin named " + name);
    return {};
  }
  /// Why a plugin failed; empty if it did not.
  std::string failure(const std::string& name) const {
    const auto s = status(name);
    return s.state == "failed" ? s.reason : std::string();
  }
  std::ptrdiff_t count(plugin_notice::kind what) const {
    return std::count_if(notices.begin(), notices.end(), [&](const auto& n) { return n.what == what; });
  }
  std::string reason(plugin_notice::kind what) const {
    const auto at = std::find_if(notices.begin(), notices.end(), [&](const auto& n) { return n.what == what; });
    return at == notices.end() ? "" : at->reason;
  }

  messages::done run_job(messages::start job, job_effects& effects, const std::string& provider = "echo") {
    return run(context, host->run(provider, std::move(job), effects));
  }
};

/// Answers every effect and remembers it.
class recording_effects : public job_effects {
 public:
  runtime::awaitable<messages::reply> http(messages::http request) override {
    urls.push_back(request.url);
    messages::reply reply;
    reply.status = 200;
    reply.body = "body of " + request.url.substr(request.url.rfind('/') + 1);
    co_return reply;
  }
  runtime::awaitable<result<>> page(messages::page page) override {
    ++pages_under_way;
    most_pages_under_way = std::max(most_pages_under_way, pages_under_way);
    const auto a_moment = std::chrono::milliseconds{2};
    co_await runtime::sleep_for(a_moment);
    --pages_under_way;
    cursors.push_back(page.cursor);
    if (page.cursor == fail_at) co_return failure{{}, "the disk is full"};
    co_return result<>();
  }
  void learned(messages::learned value) override { learned_values.push_back(value.name + "=" + value.value); }

  std::vector<std::string> urls, cursors, learned_values;
  std::string fail_at;
  int pages_under_way = 0, most_pages_under_way = 0;
};

inline messages::start sync_of(const std::string& stream) {
  messages::start job;
  job.kind = "sync";
  job.stream = stream;
  job.cursor = "here";
  job.deadline = (test_now + std::chrono::seconds{20}).time_since_epoch().count();
  return job;
}

inline messages::start sync_within(const std::string& stream, std::chrono::milliseconds limit) {
  messages::start job = sync_of(stream);
  job.deadline = (test_now + limit).time_since_epoch().count();
  return job;
}

}  // namespace koppel::plugins::test
