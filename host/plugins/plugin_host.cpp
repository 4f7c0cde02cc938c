// SPDX-License-Identifier: Apache-2.0
// Keeps one runner per plugin alive.

#include "host/plugins/plugin_host.hpp"

#include <koppel/abi.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <utility>

#include "host/core/text.hpp"
#include "host/plugins/catalogue.hpp"
#include "host/plugins/job_conductor.hpp"
#include "host/plugins/kept_plugin.hpp"
#include "host/plugins/log_text.hpp"
#include "host/plugins/plugin_runner.hpp"
#include "host/plugins/spawner.hpp"
#include "host/runtime/random.hpp"

namespace koppel::plugins {

using core::plugin_lifecycle;
using runtime::awaitable;
namespace asio = runtime::asio;
namespace this_coro = asio::this_coro;

namespace {

constexpr std::string_view host_version = KOPPEL_HOST_VERSION;

runtime::steady_time steady_now() { return runtime::steady_clock::now(); }

spdlog::level::level_enum level_of(std::string_view level) {
  if (level == "debug") return spdlog::level::debug;
  if (level == "warn") return spdlog::level::warn;
  if (level == "error") return spdlog::level::err;
  return spdlog::level::info;
}

}  // namespace

class plugin_host::impl {
 public:
  impl(plugin_host& owner, runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
       plugin_host_options options)
      : owner_(owner),
        supervisor_(supervisor),
        clock_(clock),
        children_(children),
        options_(std::move(options)),
        jobs_(clock) {}

  result<> start();
  awaitable<void> settled();
  awaitable<void> stop(std::chrono::milliseconds limit);
  awaitable<messages::done> run(std::string provider, messages::start job, job_effects& effects);

  std::shared_ptr<const core::manifest> find(const std::string& provider) const;
  std::vector<std::shared_ptr<const core::manifest>> manifests() const;
  std::vector<plugin_status> statuses() const;

 private:
  void adopt(candidate c);
  kept_plugin* of(const std::string& provider);
  void log(kept_plugin& p, const messages::log& line);
  void notify(const kept_plugin& p, plugin_notice::kind what, std::string reason);
  void settle(kept_plugin& p);
  double random() { return std::uniform_real_distribution<double>(0.0, 1.0)(generator_); }

  awaitable<void> keep(kept_plugin& p);
  awaitable<plugin_lifecycle::step> live(kept_plugin& p);
  awaitable<void> follow(kept_plugin& p, plugin_runner& r);
  plugin_lifecycle::step judge(kept_plugin& p, const plugin_runner& r);
  void say_hello(plugin_runner& r);
  std::int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }

  plugin_host& owner_;
  runtime::supervisor& supervisor_;
  const runtime::clock& clock_;
  spawner& children_;
  const plugin_host_options options_;

  job_conductor jobs_;
  std::vector<std::unique_ptr<kept_plugin>> plugins_;
  std::mt19937_64 generator_{runtime::random_seed()};
  std::size_t kept_ = 0;  ///< plugins whose `keep` runs
  bool stopping_ = false;
  runtime::steady_time stop_deadline_{};
  runtime::condition changed_;
};

// ---- the folder, and who is in it

result<> plugin_host::impl::start() {
  auto found = read_folder(options_.folder);
  if (!found) return found.error();
  supervisor_.run("spawner", children_.serve());
  for (candidate& c : *found) adopt(std::move(c));
  return {};
}

awaitable<void> plugin_host::impl::settled() {
  // Every start has a deadline, so this has one too; the bound here is for the sum of what may be tried.
  const auto limit = steady_now() + 4 * options_.start_deadline + std::chrono::seconds{10};
  const auto all_settled = [this] {
    return std::all_of(plugins_.begin(), plugins_.end(), [](const auto& p) { return p->settled; });
  };
  bool go_on = true;
  while (go_on && !all_settled() && steady_now() < limit) go_on = co_await changed_.wait_or_stop(limit);
}

void plugin_host::impl::adopt(candidate c) {
  plugins_.push_back(std::make_unique<kept_plugin>(options_.lifecycle));
  kept_plugin& p = *plugins_.back();
  p.what = std::move(c);
  p.logger = spdlog::default_logger()->clone("plugin/" + p.what.name);
  if (!p.what.manifest) {
    p.reason = p.what.reason;
    p.life.refused();
    settle(p);
    notify(p, plugin_notice::kind::failed, p.reason);
    return;
  }
  ++kept_;
  supervisor_.run("plugin " + p.what.name, keep(p));
}

kept_plugin* plugin_host::impl::of(const std::string& provider) {
  for (auto& p : plugins_)
    if (p->what.manifest && p->what.name == provider) return p.get();
  return nullptr;
}

std::shared_ptr<const core::manifest> plugin_host::impl::find(const std::string& provider) const {
  for (const auto& p : plugins_)
    if (p->usable() && p->what.name == provider) return p->what.manifest;
  return nullptr;
}

std::vector<std::shared_ptr<const core::manifest>> plugin_host::impl::manifests() const {
  std::vector<std::shared_ptr<const core::manifest>> all;
  for (const auto& p : plugins_)
    if (p->usable()) all.push_back(p->what.manifest);
  return all;
}

std::vector<plugin_status> plugin_host::impl::statuses() const {
  std::vector<plugin_status> all;
  for (const auto& p : plugins_) {
    plugin_status status;
    status.name = p->what.name;
    status.file = p->what.file;
    if (p->what.manifest) status.version = p->what.manifest->version;
    status.state = to_string(p->life.now());
    status.reason = p->reason;
    status.crashes = p->life.crashes();
    if (p->runner && !p->runner->status()) status.runner_pids.push_back(p->runner->pid());
    if (p->runner) status.jobs = p->runner->jobs();
    all.push_back(std::move(status));
  }
  return all;
}

void plugin_host::impl::notify(const kept_plugin& p, plugin_notice::kind what, std::string reason) {
  if (!owner_.on_notice) return;
  const std::string version = p.what.manifest ? p.what.manifest->version : std::string();
  owner_.on_notice({what, p.what.name, version, std::move(reason)});
}

void plugin_host::impl::settle(kept_plugin& p) {
  p.settled = true;
  p.changed.notify_all();
  changed_.notify_all();
}

void plugin_host::impl::log(kept_plugin& p, const messages::log& line) {
  const auto verdict = p.lines.ask(steady_now());
  if (verdict.dropped_before > 0)
    p.logger->warn("{} log lines were dropped: more than {} in a second", verdict.dropped_before, log_lines_per_second);
  if (verdict.let_through) p.logger->log(level_of(line.level), "{}", core::escaped(line.text, longest_log_line));
}

// ---- one plugin's processes, one after another

awaitable<void> plugin_host::impl::keep(kept_plugin& p) {
  // Cancelled or not, a runner is ended in order; so cancellation is a fact to look at, not an exception.
  co_await this_coro::throw_if_cancelled(false);
  bool go_on = true;
  while (go_on && !stopping_) {
    p.life.start();
    const plugin_lifecycle::step next = co_await live(p);
    p.runner.reset();
    p.changed.notify_all();
    if (!next.start_again) break;
    const auto until = steady_now() + next.pause;
    while (go_on && !stopping_ && steady_now() < until) go_on = co_await p.changed.wait_or_stop(until);
    if (go_on) go_on = !co_await runtime::was_cancelled();
  }
  const bool told_to = co_await runtime::was_cancelled();
  if (stopping_ || told_to) p.life.stop();
  --kept_;
  settle(p);
}

awaitable<plugin_lifecycle::step> plugin_host::impl::live(kept_plugin& p) {
  if (std::string changed = changed_since(p.what.file, p.what.stamp); !changed.empty()) {
    p.reason = std::move(changed);
    notify(p, plugin_notice::kind::failed, p.reason);
    co_return p.life.refused();
  }
  auto born = co_await children_.spawn(p.what.file);
  if (!born) {
    p.reason = born.error().detail;
    settle(p);  // it may take long; the daemon need not wait for a machine that is out of processes
    if (children_.alive()) co_return p.life.no_process(random());
    notify(p, plugin_notice::kind::failed, p.reason);
    co_return p.life.refused();
  }
  const auto executor = co_await this_coro::executor;
  runtime::supervisor tasks(executor);
  tasks.on_fatal = supervisor_.on_fatal;
  const auto runner = std::make_shared<plugin_runner>(executor, children_, std::move(*born),
                                                      [this, &p](const messages::log& line) { log(p, line); });
  tasks.run("plugin " + p.what.name + ": reader", runner->read());
  tasks.run("plugin " + p.what.name + ": writer", runner->write());
  tasks.run("plugin " + p.what.name + ": output", runner->read_output());
  tasks.run("plugin " + p.what.name + ": watch", runner->watch());
  say_hello(*runner);
  p.runner = runner;
  co_await follow(p, *runner);
  for (bool ended = false; !ended;) ended = co_await tasks.stop(grace);
  const bool told_to = co_await runtime::was_cancelled();
  if (stopping_ || told_to) co_return plugin_lifecycle::step{};
  co_return judge(p, *runner);
}

void plugin_host::impl::say_hello(plugin_runner& r) {
  messages::hello hello;
  hello.abi_version = KOPPEL_ABI_VERSION;
  hello.host_version = host_version;
  hello.now = now_ms();
  r.post(messages::message(std::move(hello)));
}

awaitable<void> plugin_host::impl::follow(kept_plugin& p, plugin_runner& r) {
  const auto limit = steady_now() + options_.start_deadline;
  bool go_on = true;
  while (go_on && !r.ready() && !r.over() && steady_now() < limit && !stopping_)
    go_on = co_await r.changed().wait_or_stop(limit);
  const bool planned = stopping_ || !go_on;
  if (!r.ready() && !r.over() && !planned)
    r.kill("it did not become ready within " + std::to_string(options_.start_deadline.count()) + " ms", 0);
  if (r.usable() && !planned) {
    p.life.ready(clock_.now());
    p.reason.clear();
    settle(p);
    notify(p, plugin_notice::kind::loaded, {});
    while (go_on && !r.over() && !stopping_) {
      const auto a_day = steady_now() + std::chrono::hours{24};
      go_on = co_await r.changed().wait_or_stop(a_day);
    }
  }
  if (!r.over()) {
    r.end_jobs(messages::job_error::try_again, "the host is stopping");
    r.finish();
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(stop_deadline_, steady_now()) - steady_now());
    co_await r.bury(left);
  } else {
    co_await r.bury(grace);
  }
  r.end_jobs(messages::job_error::crashed, "the plugin " + p.what.name + " failed during this job: " + r.end_text());
}

plugin_lifecycle::step plugin_host::impl::judge(kept_plugin& p, const plugin_runner& r) {
  if (!r.refusal().empty()) {
    p.reason = r.refusal();
    const auto step = p.life.refused();
    notify(p, plugin_notice::kind::failed, p.reason);
    return step;
  }
  if (!r.ready()) {
    // A library that hangs while it is loaded does so every time, and each try costs the whole deadline.
    const bool hung = r.ended_by_host();
    p.reason = hung ? r.end_text()
                    : "its library ended the process while it was being loaded (" +
                          (r.status() ? describe_end(*r.status()) : std::string("without a status")) + ")";
    const auto step = hung ? p.life.refused() : p.life.ended_while_loading(random());
    if (!step.start_again) notify(p, plugin_notice::kind::failed, p.reason);
    return step;
  }
  p.reason = r.end_text();
  const auto step = p.life.ended(clock_.now(), r.jobs_at_end() > 0, random());
  notify(p, plugin_notice::kind::crashed, p.reason);
  if (p.life.now() == plugin_lifecycle::state::quarantined)
    notify(p, plugin_notice::kind::quarantined,
           "it ended " + std::to_string(options_.lifecycle.quarantine_crashes) + " times within " +
               std::to_string(options_.lifecycle.quarantine_window.count()) +
               " minutes without a job; last: " + p.reason);
  return step;
}

awaitable<void> plugin_host::impl::stop(std::chrono::milliseconds limit) {
  stopping_ = true;
  jobs_.stop();
  stop_deadline_ = steady_now() + limit;
  for (auto& p : plugins_) {
    p->changed.notify_all();
    if (p->runner) p->runner->changed().notify_all();
  }
  // Beyond the limit a runner gets SIGKILL; its end is waited for a moment more.
  const auto last = stop_deadline_ + 3 * grace;
  while (kept_ > 0 && steady_now() < last) co_await changed_.wait_until(last);
}

// ---- jobs

awaitable<messages::done> plugin_host::impl::run(std::string provider, messages::start job, job_effects& effects) {
  kept_plugin* p = of(provider);
  messages::done outcome;
  if (p == nullptr) {
    outcome.error = messages::job_error::try_again;
    outcome.detail = "there is no usable plugin named " + core::escaped(provider, 60);
  } else {
    outcome = co_await jobs_.run(*p, std::move(job), effects);
  }
  co_return outcome;
}

// ---- the public face

plugin_host::plugin_host(runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
                         plugin_host_options options)
    : impl_(std::make_unique<impl>(*this, supervisor, clock, children, std::move(options))) {}

plugin_host::~plugin_host() = default;

result<> plugin_host::start() { return impl_->start(); }
awaitable<void> plugin_host::settled() { return impl_->settled(); }
awaitable<void> plugin_host::stop(std::chrono::milliseconds limit) { return impl_->stop(limit); }
std::shared_ptr<const core::manifest> plugin_host::find(const std::string& provider) const {
  return impl_->find(provider);
}
std::vector<std::shared_ptr<const core::manifest>> plugin_host::manifests() const { return impl_->manifests(); }
std::vector<plugin_status> plugin_host::statuses() const { return impl_->statuses(); }

awaitable<messages::done> plugin_host::run(std::string provider, messages::start job, job_effects& effects) {
  return impl_->run(std::move(provider), std::move(job), effects);
}

}  // namespace koppel::plugins
