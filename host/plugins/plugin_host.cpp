// SPDX-License-Identifier: Apache-2.0
// Keeps one runner per plugin alive, and runs jobs on it.

#include "host/plugins/plugin_host.hpp"

#include <koppel/abi.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "host/core/text.hpp"
#include "host/plugins/admission.hpp"
#include "host/plugins/catalogue.hpp"
#include "host/plugins/job_run.hpp"
#include "host/plugins/log_text.hpp"
#include "host/plugins/plugin_runner.hpp"
#include "host/plugins/spawner.hpp"

namespace koppel::plugins {

using core::plugin_lifecycle;
using runtime::awaitable;
namespace asio = runtime::asio;
namespace this_coro = asio::this_coro;

namespace {

constexpr std::chrono::milliseconds grace{
    1000};  ///< from `cancel` to the end of the job, and from EOF to the end of the process
constexpr std::string_view host_version = KOPPEL_HOST_VERSION;

runtime::steady_time steady_now() { return std::chrono::steady_clock::now(); }

spdlog::level::level_enum level_of(std::string_view level) {
  if (level == "debug") return spdlog::level::debug;
  if (level == "warn") return spdlog::level::warn;
  if (level == "error") return spdlog::level::err;
  return spdlog::level::info;
}

messages::done ended(std::string_view error, std::string detail) {
  messages::done done;
  done.error = error;
  done.detail = std::move(detail);
  return done;
}

}  // namespace

class plugin_host::impl {
 public:
  impl(plugin_host& owner, runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
       plugin_host_options options)
      : owner_(owner), supervisor_(supervisor), clock_(clock), children_(children), options_(std::move(options)) {}

  result<> start();
  awaitable<void> settled();
  awaitable<void> stop(std::chrono::milliseconds limit);
  awaitable<messages::done> run(std::string provider, messages::start job, job_effects& effects);

  const core::manifest* find(const std::string& provider) const;
  std::vector<const core::manifest*> manifests() const;
  std::vector<plugin_status> statuses() const;

 private:
  struct plugin {
    explicit plugin(core::lifecycle_rules rules) : life(rules) {}
    candidate what;
    plugin_lifecycle life;
    std::string reason;
    std::shared_ptr<plugin_runner> runner;  ///< shared with its jobs, see plugin_runner.hpp
    std::shared_ptr<spdlog::logger> logger;
    line_limit lines;
    bool settled = false;  ///< `settled` need not wait for it any more
    std::shared_ptr<admission> gate = std::make_shared<admission>();
    runtime::condition changed;

    bool usable() const { return what.manifest && life.now() != plugin_lifecycle::state::failed; }
  };

  void adopt(candidate c);
  plugin* of(const std::string& provider);
  void log(plugin& p, const messages::log& line);
  void notify(const plugin& p, plugin_notice::kind what, std::string reason);
  void settle(plugin& p);
  double random() { return std::uniform_real_distribution<double>(0.0, 1.0)(generator_); }

  awaitable<void> keep(plugin& p);
  awaitable<plugin_lifecycle::step> live(plugin& p);
  awaitable<void> follow(plugin& p, plugin_runner& r);
  plugin_lifecycle::step judge(plugin& p, const plugin_runner& r);
  void say_hello(plugin_runner& r);

  /// How one try of a job ended, and whether another has to follow: the runner crashed, but with other jobs on it.
  struct attempt {
    messages::done outcome;
    bool again = false;
    bool suspect = false;
  };
  awaitable<messages::done> run_job(std::string provider, messages::start job, job_effects& effects);
  awaitable<attempt> attempt_job(plugin& p, const messages::start& job, job_effects& effects,
                                 runtime::steady_time deadline, bool suspect);
  awaitable<std::shared_ptr<plugin_runner>> usable_runner(plugin& p, const turn& mine, runtime::steady_time deadline);
  awaitable<messages::done> conduct(plugin_runner& r, job_run& run, turn& mine, std::uint64_t id,
                                    runtime::steady_time deadline);
  awaitable<messages::done> cut_short(plugin_runner& r, job_run& run, std::uint64_t id);
  runtime::steady_time steady_deadline(std::int64_t deadline) const;
  std::int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }

  plugin_host& owner_;
  runtime::supervisor& supervisor_;
  const runtime::clock& clock_;
  spawner& children_;
  const plugin_host_options options_;

  std::vector<std::unique_ptr<plugin>> plugins_;
  std::mt19937_64 generator_{std::random_device{}()};
  std::uint64_t next_job_ = 1;
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
  plugins_.push_back(std::make_unique<plugin>(options_.lifecycle));
  plugin& p = *plugins_.back();
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

plugin_host::impl::plugin* plugin_host::impl::of(const std::string& provider) {
  for (auto& p : plugins_)
    if (p->what.manifest && p->what.name == provider) return p.get();
  return nullptr;
}

const core::manifest* plugin_host::impl::find(const std::string& provider) const {
  for (const auto& p : plugins_)
    if (p->usable() && p->what.name == provider) return &*p->what.manifest;
  return nullptr;
}

std::vector<const core::manifest*> plugin_host::impl::manifests() const {
  std::vector<const core::manifest*> all;
  for (const auto& p : plugins_)
    if (p->usable()) all.push_back(&*p->what.manifest);
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

void plugin_host::impl::notify(const plugin& p, plugin_notice::kind what, std::string reason) {
  if (!owner_.on_notice) return;
  const std::string version = p.what.manifest ? p.what.manifest->version : std::string();
  owner_.on_notice({what, p.what.name, version, std::move(reason)});
}

void plugin_host::impl::settle(plugin& p) {
  p.settled = true;
  p.changed.notify_all();
  changed_.notify_all();
}

void plugin_host::impl::log(plugin& p, const messages::log& line) {
  const auto verdict = p.lines.ask(steady_now());
  if (verdict.dropped_before > 0)
    p.logger->warn("{} log lines were dropped: more than {} in a second", verdict.dropped_before, log_lines_per_second);
  if (verdict.let_through) p.logger->log(level_of(line.level), "{}", core::escaped(line.text, longest_log_line));
}

// ---- one plugin's processes, one after another

awaitable<void> plugin_host::impl::keep(plugin& p) {
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

awaitable<plugin_lifecycle::step> plugin_host::impl::live(plugin& p) {
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

awaitable<void> plugin_host::impl::follow(plugin& p, plugin_runner& r) {
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

plugin_lifecycle::step plugin_host::impl::judge(plugin& p, const plugin_runner& r) {
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
  // A cancelled job still tells its plugin and waits for its effects; the caller's own mode is restored afterwards.
  const bool throwing = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  messages::done outcome = co_await run_job(std::move(provider), std::move(job), effects);
  co_await this_coro::throw_if_cancelled(throwing);
  co_return outcome;
}

runtime::steady_time plugin_host::impl::steady_deadline(std::int64_t deadline) const {
  constexpr std::int64_t a_day = 86'400'000;
  const std::int64_t left = deadline == 0 ? a_day : std::clamp<std::int64_t>(deadline - now_ms(), 0, a_day);
  return steady_now() + std::chrono::milliseconds(left);
}

awaitable<std::shared_ptr<plugin_runner>> plugin_host::impl::usable_runner(plugin& p, const turn& mine,
                                                                           runtime::steady_time deadline) {
  using state = plugin_lifecycle::state;
  bool go_on = true;
  while (go_on && steady_now() < deadline && !stopping_) {
    if (p.runner && p.runner->usable() && mine.may_begin()) co_return p.runner;
    if (p.life.now() == state::failed || p.life.now() == state::quarantined) break;
    go_on = co_await p.changed.wait_or_stop(deadline);
  }
  co_return nullptr;
}

awaitable<messages::done> plugin_host::impl::run_job(std::string provider, messages::start job, job_effects& effects) {
  plugin* p = of(provider);
  if (p == nullptr)
    co_return ended(messages::job_error::try_again, "there is no usable plugin named " + core::escaped(provider, 60));
  const auto deadline = steady_deadline(job.deadline);
  attempt last;
  do last = co_await attempt_job(*p, job, effects, deadline, last.suspect);
  while (last.again);
  co_return std::move(last.outcome);
}

awaitable<plugin_host::impl::attempt> plugin_host::impl::attempt_job(plugin& p, const messages::start& job,
                                                                     job_effects& effects,
                                                                     runtime::steady_time deadline, bool suspect) {
  namespace error = messages::job_error;
  turn mine(p.gate, p.changed, suspect);
  const auto runner = co_await usable_runner(p, mine, deadline);
  if (!runner) {
    const bool told_to = co_await runtime::was_cancelled();
    if (told_to) co_return attempt{ended(error::cancelled, "the job was cancelled before it began")};
    std::string why = "the plugin " + p.what.name + " is " + std::string(to_string(p.life.now()));
    if (p.runner && p.runner->usable() && !mine.may_begin()) why += ", and tries jobs one by one after a crash";
    co_return attempt{ended(error::try_again, why + (p.reason.empty() ? "" : ": " + p.reason))};
  }
  mine.begin();
  const std::uint64_t id = next_job_++;
  messages::start start = job;
  start.job = id;
  start.now = now_ms();
  std::string bytes = messages::encode(messages::message(std::move(start)));
  if (bytes.size() > messages::max_to_plugin)
    co_return attempt{ended(error::bug, "the job is larger than a plugin can be given")};
  const auto executor = co_await this_coro::executor;
  job_run run(executor, runner, id, effects, clock_);
  const plugin_runner::attachment entry(*runner, id, run);
  run.begin(std::move(bytes));
  attempt made;
  made.outcome = co_await conduct(*runner, run, mine, id, deadline);
  co_await run.join();
  made.outcome.job = id;
  // A crash counts against a job that was alone, or is known to be to blame. One that committed pages goes on where
  // they end, which only its owner can tell it; that it came further makes this crash its first.
  const bool others_may_be_to_blame =
      made.outcome.error == error::crashed && runner->guilty() != id && runner->jobs_at_end() > 1;
  made.again = others_may_be_to_blame && !run.page_committed();
  made.suspect = made.again && runner->guilty() == 0;
  co_return made;
}

awaitable<messages::done> plugin_host::impl::conduct(plugin_runner& r, job_run& run, turn& mine, std::uint64_t id,
                                                     runtime::steady_time deadline) {
  // How long all of a read takes is the provider's affair; what is bounded is the time without a page.
  const auto patience = deadline - steady_now();
  bool go_on = true;
  while (go_on && !run.outcome() && steady_now() < deadline) {
    go_on = co_await run.changed().wait_or_stop(deadline);
    if (run.last_commit()) {
      deadline = *run.last_commit() + patience;
      mine.acquit();
    }
  }
  if (!run.outcome()) {
    messages::done cut = co_await cut_short(r, run, id);
    co_return cut;
  }
  // Pages that arrived whole are committed even if their runner has ended since.
  co_await run.finish_pages(deadline);
  messages::done outcome = *run.outcome();
  if (run.page_failure() && outcome.error.empty()) {
    outcome.error = messages::job_error::try_again;
    outcome.detail = run.page_failure()->detail;
  } else if (outcome.error.empty() && run.pages_uncommitted()) {
    outcome.error = messages::job_error::try_again;
    outcome.detail = "the job's deadline passed before its last page was committed";
  } else if (outcome.error == messages::job_error::cancelled) {
    outcome.error = messages::job_error::bug;
    outcome.detail = "the plugin ended the job as cancelled, but nobody cancelled it";
  }
  co_return outcome;
}

awaitable<messages::done> plugin_host::impl::cut_short(plugin_runner& r, job_run& run, std::uint64_t id) {
  const bool by_caller = co_await runtime::was_cancelled();
  const auto limit = steady_now() + grace;
  messages::cancel cancel;
  cancel.job = id;
  cancel.now = now_ms();
  r.post(messages::message(cancel));
  co_await run.stop_effects(grace);
  while (!run.outcome() && steady_now() < limit) co_await run.changed().wait_until(limit);
  if (!run.outcome()) {
    const std::string why = "it did not end a job within 1 s of being told to stop";
    run.end(messages::job_error::crashed, why + "; its process was ended");
    r.kill(why, id);
  }
  messages::done outcome = *run.outcome();
  if (outcome.error == messages::job_error::crashed) co_return outcome;
  // Whatever the plugin made of it: effects were stopped under way, so it cannot have succeeded.
  if (by_caller) co_return ended(messages::job_error::cancelled, "the job was cancelled");
  co_return ended(messages::job_error::try_again, "the job's deadline passed");
}

// ---- the public face

plugin_host::plugin_host(runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
                         plugin_host_options options)
    : impl_(std::make_unique<impl>(*this, supervisor, clock, children, std::move(options))) {}

plugin_host::~plugin_host() = default;

result<> plugin_host::start() { return impl_->start(); }
awaitable<void> plugin_host::settled() { return impl_->settled(); }
awaitable<void> plugin_host::stop(std::chrono::milliseconds limit) { return impl_->stop(limit); }
const core::manifest* plugin_host::find(const std::string& provider) const { return impl_->find(provider); }
std::vector<const core::manifest*> plugin_host::manifests() const { return impl_->manifests(); }
std::vector<plugin_status> plugin_host::statuses() const { return impl_->statuses(); }

awaitable<messages::done> plugin_host::run(std::string provider, messages::start job, job_effects& effects) {
  return impl_->run(std::move(provider), std::move(job), effects);
}

}  // namespace koppel::plugins
