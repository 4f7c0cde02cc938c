// SPDX-License-Identifier: Apache-2.0
// Back-off with full jitter, and quarantine for a plugin that crashes without a job.

#include "host/core/plugin_lifecycle.hpp"

#include <algorithm>

namespace koppel::core {

void plugin_lifecycle::start() { state_ = state::starting; }

void plugin_lifecycle::ready(instant now) {
  state_ = state::running;
  ready_at_ = now;
  failed_loads_ = 0;
}

plugin_lifecycle::step plugin_lifecycle::refused() {
  state_ = state::failed;
  return {};
}

plugin_lifecycle::step plugin_lifecycle::ended_while_loading(double random) {
  // A constructor that aborts does so every time; a machine short of memory does not. A few tries tell them apart.
  if (++failed_loads_ >= rules_.load_attempts) return refused();
  return back_off(random);
}

plugin_lifecycle::step plugin_lifecycle::ended(instant now, bool with_jobs, double random) {
  ++crashes_;
  if (now - ready_at_ >= rules_.healthy_after) in_a_row_ = 0;
  if (!with_jobs) {
    forget_before(now - rules_.quarantine_window);
    blameless_.push_back(now);
    if (blameless_.size() >= static_cast<std::size_t>(rules_.quarantine_crashes)) {
      state_ = state::quarantined;
      return {};
    }
  }
  return back_off(random);
}

plugin_lifecycle::step plugin_lifecycle::no_process(double random) { return back_off(random); }

plugin_lifecycle::step plugin_lifecycle::back_off(double random) {
  state_ = state::backing_off;
  // Full jitter: anywhere between nothing and the ceiling, so that plugins felled together do not come back together.
  const int doublings = std::min(in_a_row_++, 20);
  const auto ceiling = std::min(rules_.backoff_cap, rules_.backoff_base * (std::int64_t{1} << doublings));
  const double share = std::clamp(random, 0.0, 1.0);
  return {true, std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * share))};
}

void plugin_lifecycle::forget_before(instant t) {
  while (!blameless_.empty() && blameless_.front() < t) blameless_.pop_front();
}

std::string_view to_string(plugin_lifecycle::state s) {
  switch (s) {
    case plugin_lifecycle::state::starting:
      return "starting";
    case plugin_lifecycle::state::running:
      return "running";
    case plugin_lifecycle::state::backing_off:
      return "backing_off";
    case plugin_lifecycle::state::failed:
      return "failed";
    case plugin_lifecycle::state::quarantined:
      return "quarantined";
    case plugin_lifecycle::state::stopped:
      return "stopped";
  }
  return "unknown";
}

}  // namespace koppel::core
