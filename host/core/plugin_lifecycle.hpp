// SPDX-License-Identifier: Apache-2.0
// Decides when a plugin's process is started again: pure, time and randomness are arguments. The shell in host/plugins
// tells it what happened and does what the returned step says.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string_view>

#include "host/core/time.hpp"

namespace koppel::core {

struct lifecycle_rules {
  std::chrono::milliseconds backoff_base{500};  ///< ceiling of the first pause; doubles with each crash in a row
  std::chrono::milliseconds backoff_cap{60'000};
  std::chrono::milliseconds healthy_after{60'000};  ///< a life of this length makes the next crash a first one again
  int load_attempts = 3;                            ///< processes that may end before `ready`, in a row
  int quarantine_crashes = 5;                       ///< crashes that no job is to blame for ...
  std::chrono::minutes quarantine_window{10};       ///< ... within this time
};

class plugin_lifecycle {
 public:
  enum class state { starting, running, backing_off, failed, quarantined, stopped };

  /// What to do now: nothing ever again, or start a process after the pause.
  struct step {
    bool start_again = false;
    std::chrono::milliseconds pause{0};
  };

  explicit plugin_lifecycle(lifecycle_rules rules = {}) : rules_(rules) {}

  state now() const { return state_; }
  std::uint64_t crashes() const { return crashes_; }

  /// A process was started.
  void start();
  /// The process said that it is ready.
  void ready(instant now);
  /// The library cannot be used, whoever tries: final until its file changes.
  step refused();
  /// The process ended before it was ready. `random` is uniform in [0, 1).
  step ended_while_loading(double random);
  /// The process ended after it was ready. With jobs under way the crash is theirs and counts for no quarantine.
  step ended(instant now, bool with_jobs, double random);
  /// No process could be had at all (not the plugin's fault): tried again, without counting.
  step no_process(double random);
  void stop() { state_ = state::stopped; }

 private:
  step back_off(double random);
  void forget_before(instant t);

  lifecycle_rules rules_;
  state state_ = state::starting;
  instant ready_at_{};
  int in_a_row_ = 0;
  int failed_loads_ = 0;
  std::uint64_t crashes_ = 0;
  std::deque<instant> blameless_;  ///< crashes without a job, within the window
};

/// As `koppelctl plugin list` says it.
std::string_view to_string(plugin_lifecycle::state s);

}  // namespace koppel::core
