// SPDX-License-Identifier: Apache-2.0
// One job after another, and several at once, each from its wait for a runner to its outcome.

#include "host/plugins/job_conductor.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "host/plugins/job_run.hpp"

namespace koppel::plugins {

using core::plugin_lifecycle;
using runtime::awaitable;
namespace this_coro = runtime::asio::this_coro;

namespace {

runtime::steady_time steady_now() { return runtime::steady_clock::now(); }

messages::done ended(std::string_view error, std::string detail) {
  messages::done done;
  done.error = error;
  done.detail = std::move(detail);
  return done;
}

/// Why a job ends with its plugin, through no fault of either.
std::string left(const kept_plugin& p) { return "the plugin " + p.what.name + " was replaced or removed"; }

}  // namespace

runtime::steady_time job_conductor::steady_deadline(std::int64_t deadline) const {
  constexpr std::int64_t a_day = 86'400'000;
  const std::int64_t left = deadline == 0 ? a_day : std::clamp<std::int64_t>(deadline - now_ms(), 0, a_day);
  return steady_now() + std::chrono::milliseconds(left);
}

awaitable<std::shared_ptr<plugin_runner>> job_conductor::usable_runner(kept_plugin& p, const turn& mine,
                                                                       runtime::steady_time deadline) {
  using state = plugin_lifecycle::state;
  bool go_on = true;
  while (go_on && steady_now() < deadline && !stopping_ && !p.leaving) {
    if (p.runner && p.runner->usable() && mine.may_begin()) co_return p.runner;
    if (p.life.now() == state::failed || p.life.now() == state::quarantined) break;
    go_on = co_await p.changed.wait_or_stop(deadline);
  }
  co_return nullptr;
}

awaitable<messages::done> job_conductor::run(std::shared_ptr<kept_plugin> p, messages::start job,
                                             job_effects& effects) {
  // A cancelled job still tells its plugin and waits for its effects; the caller's own mode is restored afterwards.
  const bool throwing = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  const auto deadline = steady_deadline(job.deadline);
  attempt last;
  do last = co_await attempt_job(*p, job, effects, deadline, last.suspect);
  while (last.again);
  co_await this_coro::throw_if_cancelled(throwing);
  co_return std::move(last.outcome);
}

awaitable<job_conductor::attempt> job_conductor::attempt_job(kept_plugin& p, const messages::start& job,
                                                             job_effects& effects, runtime::steady_time deadline,
                                                             bool suspect) {
  namespace error = messages::job_error;
  turn mine(p.gate, p.changed, suspect);
  const auto runner = co_await usable_runner(p, mine, deadline);
  if (!runner) {
    const bool told_to = co_await runtime::was_cancelled();
    if (told_to) co_return attempt{ended(error::cancelled, "the job was cancelled before it began")};
    if (p.leaving) co_return attempt{ended(error::try_again, left(p))};
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
  made.outcome = co_await conduct(p, *runner, run, mine, id, deadline);
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

awaitable<messages::done> job_conductor::conduct(const kept_plugin& p, plugin_runner& r, job_run& run, turn& mine,
                                                 std::uint64_t id, runtime::steady_time deadline) {
  // How long all of a read takes is the provider's affair; what is bounded is the time without a page.
  const auto patience = deadline - steady_now();
  bool go_on = true;
  while (go_on && !run.outcome() && steady_now() < deadline && !p.leaving) {
    go_on = co_await run.changed().wait_or_stop(deadline);
    if (run.last_commit()) {
      deadline = *run.last_commit() + patience;
      mine.acquit();
    }
  }
  if (!run.outcome()) {
    messages::done cut = co_await cut_short(p, r, run, id);
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

awaitable<messages::done> job_conductor::cut_short(const kept_plugin& p, plugin_runner& r, job_run& run,
                                                   std::uint64_t id) {
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
  if (p.leaving && !by_caller) co_return ended(messages::job_error::try_again, left(p));
  messages::done outcome = *run.outcome();
  if (outcome.error == messages::job_error::crashed) co_return outcome;
  // Whatever the plugin made of it: effects were stopped under way, so it cannot have succeeded.
  if (by_caller) co_return ended(messages::job_error::cancelled, "the job was cancelled");
  co_return ended(messages::job_error::try_again, "the job's deadline passed");
}

}  // namespace koppel::plugins
