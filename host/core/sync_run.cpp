// SPDX-License-Identifier: Apache-2.0

#include "host/core/sync_run.hpp"

#include <algorithm>
#include <koppel/planted_bug.hpp>
#include <utility>

namespace koppel::core {
namespace job_error = messages::job_error;

sync_run::sync_run(bool full, bool resumed, stream_rule::deletions deletions, double jitter, deletion_limits limits)
    : full_(full), resumed_(resumed), deletions_(deletions), jitter_(std::clamp(jitter, 0.0, 1.0)), limits_(limits) {}

sync_step sync_run::begin() const { return current_work(); }

sync_step sync_run::resume() const { return current_work(); }

sync_step sync_run::current_work() const {
  sync_step step;
  if (phase_ == phase::reading) {
    step.what = sync_step::kind::read;
    step.resumed = resumed_;
  } else {
    step.what = sync_step::kind::refetch;
    step.ids = batch_;
    step.withhold = withhold_;
  }
  return step;
}

sync_step sync_run::job_ended(const messages::done& outcome, bool progressed) {
  if (outcome.error == job_error::none) {
    crashes_ = 0;
    if (phase_ == phase::reading) return after_read();
    if (last_batch_) return concluded();
    return {.what = sync_step::kind::find_suspects, .after = batch_.back(), .limit = suspects_per_batch};
  }
  // A failed exchange was already retried where retries are made, with the request; the schedule tries again later.
  // Only a crash is replayed here: it is charged to the job, and a few tries tell an accident from a record that kills
  // the plugin.
  const bool replayed = outcome.error == job_error::crashed ||
                        (planted(bug::retry_in_two_layers) && outcome.error == job_error::try_again);
  if (!replayed) return failure(outcome);
  // A batch of suspects is read again from its first id, so pages that were committed before the crash are no progress:
  // the id that kills the plugin is still ahead.
  crashes_ = progressed && phase_ == phase::reading ? 1 : crashes_ + 1;
  if (crashes_ >= max_crashes) return failure(outcome);
  // A read that broke off goes on at its cursor: what it did not see by then proves nothing about absence.
  if (phase_ == phase::reading && progressed) resumed_ = true;
  const auto ceiling = static_cast<double>((std::chrono::milliseconds{250} * (1 << crashes_)).count());
  return {.what = sync_step::kind::wait,
          .delay = std::chrono::milliseconds{static_cast<std::int64_t>(jitter_ * ceiling)}};
}

sync_step sync_run::after_read() {
  const bool conclusive = full_ && (!resumed_ || planted(bug::resumed_read_concludes));
  if (!conclusive) return {.what = sync_step::kind::end};
  if (deletions_ != stream_rule::deletions::absence) return concluded();
  phase_ = phase::confirming;
  return {.what = sync_step::kind::count_suspects};
}

sync_step sync_run::suspects_counted(const deletion_facts& facts) {
  if (facts.more == 0) return concluded();
  withhold_ = judge_deletions(limits_, facts) == deletion_verdict::hold;
  return {.what = sync_step::kind::find_suspects, .limit = suspects_per_batch};
}

sync_step sync_run::concluded() const { return {.what = sync_step::kind::judge}; }

sync_step sync_run::held_counted(const deletion_facts& facts) const {
  if (facts.held == 0 || judge_deletions(limits_, facts) == deletion_verdict::hold) return released();
  return {.what = sync_step::kind::release};
}

sync_step sync_run::released() const { return {.what = sync_step::kind::end, .complete = true}; }

sync_step sync_run::suspects_found(std::vector<std::string> ids) {
  if (ids.empty()) return concluded();
  last_batch_ = ids.size() < suspects_per_batch;
  batch_ = std::move(ids);
  return current_work();
}

sync_step sync_run::failure(const messages::done& outcome) const {
  sync_step step;
  step.what = sync_step::kind::end;
  step.error = outcome.error;
  step.detail = outcome.detail;
  step.credentials = outcome.error == job_error::authorise_again;
  step.http_status = outcome.http_status;
  if (outcome.error == job_error::try_again)
    step.retry_after = std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds{outcome.retry_after},
                                                             std::chrono::milliseconds{0}, max_retry_after);
  const bool goes_on_later =
      outcome.error == job_error::try_again || outcome.error == job_error::cancelled || step.credentials;
  step.as = goes_on_later ? sync_step::ending::interrupted : sync_step::ending::failed;
  return step;
}

}  // namespace koppel::core
