// SPDX-License-Identifier: Apache-2.0
// Keeps a process for each plugin: starts it, follows it to its end, judges that, starts the next.

#include <koppel/abi.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "host/core/text.hpp"
#include "host/plugins/log_text.hpp"
#include "host/plugins/plugin_host_impl.hpp"

namespace koppel::plugins {

using core::plugin_lifecycle;
using runtime::awaitable;
namespace this_coro = runtime::asio::this_coro;

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
  const auto verdict = p.lines.ask(steady_now(), std::min(line.text.size(), longest_log_line));
  if (verdict.dropped_before > 0)
    p.logger->warn("{} log lines were dropped: more than {} lines, or {} KiB, in a second", verdict.dropped_before,
                   log_lines_per_second, log_bytes_per_second >> 10);
  if (verdict.let_through) p.logger->log(level_of(line.level), "{}", core::escaped(line.text, longest_log_line));
}

// ---- one plugin's processes, one after another

awaitable<void> plugin_host::impl::keep(kept p) {
  // Cancelled or not, a runner is ended in order; so cancellation is a fact to look at, not an exception.
  co_await this_coro::throw_if_cancelled(false);
  bool go_on = true;
  while (go_on && !ending(*p)) {
    p->life.start();
    const plugin_lifecycle::step next = co_await live(*p);
    p->runner.reset();
    p->changed.notify_all();
    if (!next.start_again) break;
    const auto until = steady_now() + next.pause;
    while (go_on && !ending(*p) && steady_now() < until) go_on = co_await p->changed.wait_or_stop(until);
    if (go_on) go_on = !co_await runtime::was_cancelled();
  }
  const bool told_to = co_await runtime::was_cancelled();
  if (ending(*p) || told_to) p->life.stop();
  std::erase(living_, p);
  settle(*p);
}

awaitable<plugin_lifecycle::step> plugin_host::impl::live(kept_plugin& p) {
  if (std::string changed = changed_since(p.what.file, p.what.stamp); !changed.empty()) {
    p.reason = std::move(changed);
    notify(p, plugin_notice::kind::failed, p.reason);
    co_return p.life.refused();
  }
  auto born = co_await children_.spawn(p.what.alone ? options_.manifest_library : p.what.file);
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
  say_hello(*runner, p.what);
  p.runner = runner;
  co_await follow(p, *runner);
  for (bool ended = false; !ended;) ended = co_await tasks.stop(grace);
  const bool told_to = co_await runtime::was_cancelled();
  if (ending(p) || told_to) co_return plugin_lifecycle::step{};
  co_return judge(p, *runner);
}

void plugin_host::impl::say_hello(plugin_runner& r, const candidate& what) {
  messages::hello hello;
  hello.abi_version = KOPPEL_ABI_VERSION;
  hello.host_version = host_version;
  hello.now = now_ms();
  hello.manifest = what.text;
  r.post(messages::message(std::move(hello)));
}

awaitable<void> plugin_host::impl::follow(kept_plugin& p, plugin_runner& r) {
  const auto limit = steady_now() + options_.start_deadline;
  bool go_on = true;
  while (go_on && !r.ready() && !r.over() && steady_now() < limit && !ending(p))
    go_on = co_await r.changed().wait_or_stop(limit);
  const bool planned = ending(p) || !go_on;
  if (!r.ready() && !r.over() && !planned)
    r.kill("it did not become ready within " + std::to_string(options_.start_deadline.count()) + " ms", 0);
  if (r.usable() && !planned) {
    p.life.ready(clock_.now());
    p.reason.clear();
    settle(p);
    notify(p, plugin_notice::kind::loaded, {});
    while (go_on && !r.over() && !ending(p)) {
      const auto a_day = steady_now() + std::chrono::hours{24};
      go_on = co_await r.changed().wait_or_stop(a_day);
    }
  }
  // Jobs that are told to stop have their grace, and what they began is ended first.
  const auto in_order = steady_now() + 2 * grace;
  while (p.leaving && !stopping_ && !r.over() && r.jobs() > 0 && steady_now() < in_order)
    co_await r.changed().wait_until(in_order);
  if (!r.over()) {
    r.end_jobs(messages::job_error::try_again,
               stopping_ ? "the host is stopping" : "the plugin was replaced or removed");
    r.finish();
    const auto last = stopping_ ? stop_deadline_ : steady_now() + grace;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(last, steady_now()) - steady_now());
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
  for (auto& p : living_) {
    p->changed.notify_all();
    if (p->runner) p->runner->changed().notify_all();
  }
  // Beyond the limit a runner gets SIGKILL; its end is waited for a moment more.
  const auto last = stop_deadline_ + 3 * grace;
  while (!living_.empty() && steady_now() < last) co_await changed_.wait_until(last);
}

// ---- jobs

awaitable<messages::done> plugin_host::impl::run(std::string provider, messages::start job, job_effects& effects) {
  kept p = of(provider);
  messages::done outcome;
  if (!p) {
    outcome.error = messages::job_error::try_again;
    outcome.detail = "there is no usable plugin named " + core::escaped(provider, 60);
  } else {
    auto work = jobs_.run(std::move(p), std::move(job), effects);
    outcome = co_await std::move(work);
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
awaitable<result<std::vector<plugin_change>>> plugin_host::rescan() { return impl_->rescan(); }
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
