// SPDX-License-Identifier: Apache-2.0
// Runs jobs on a plugin's runner: waits for one, tries again where another job may be to blame for its end, and ends
// what was cancelled or takes too long. Main strand only.
#pragma once

#include <cstdint>
#include <koppel/messages.hpp>
#include <memory>

#include "host/plugins/job.hpp"
#include "host/plugins/kept_plugin.hpp"
#include "host/runtime/clock.hpp"

namespace koppel::plugins {

class job_run;

/// From `cancel` to the end of the job, and from EOF to the end of the process.
inline constexpr std::chrono::milliseconds grace{1000};

class job_conductor {
 public:
  explicit job_conductor(const runtime::clock& clock) : clock_(clock) {}

  /// See plugin_host::run.
  runtime::awaitable<messages::done> run(std::shared_ptr<kept_plugin> p, messages::start job, job_effects& effects);

  /// From now on no job begins. Who waits for a runner has to be woken by its plugin's `changed`.
  void stop() { stopping_ = true; }

 private:
  /// How one try of a job ended, and whether another has to follow: the runner crashed, but with other jobs on it.
  struct attempt {
    messages::done outcome;
    bool again = false;
    bool suspect = false;
  };
  runtime::awaitable<attempt> attempt_job(kept_plugin& p, const messages::start& job, job_effects& effects,
                                          runtime::steady_time deadline, bool suspect);
  runtime::awaitable<std::shared_ptr<plugin_runner>> usable_runner(kept_plugin& p, const turn& mine,
                                                                   runtime::steady_time deadline);
  runtime::awaitable<messages::done> conduct(const kept_plugin& p, plugin_runner& r, job_run& run, turn& mine,
                                             std::uint64_t id, runtime::steady_time deadline);
  runtime::awaitable<messages::done> cut_short(const kept_plugin& p, plugin_runner& r, job_run& run, std::uint64_t id);
  runtime::steady_time steady_deadline(std::int64_t deadline) const;
  std::int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }

  const runtime::clock& clock_;
  std::uint64_t next_job_ = 1;
  bool stopping_ = false;
};

}  // namespace koppel::plugins
