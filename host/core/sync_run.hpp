// SPDX-License-Identifier: Apache-2.0
// One sync run as a state machine: what to do next, given how the last job ended. No I/O, no clock.
//
//   read ──ok──> (full, not resumed) ──> (deletions by absence) count suspects, confirm them batch by batch ──>
//    │  │         judge what the deletion guard has held ──> (little enough) release it ──> completed
//    │  └─ok──> otherwise completed
//    ├─crashed ──> the same work again, reading from the last committed cursor, a few times; then failed
//    └─anything else ──> failed (final), or interrupted (the schedule goes on at the cursor later)
#pragma once

#include <chrono>
#include <cstdint>
#include <koppel/messages.hpp>
#include <string>
#include <vector>

#include "host/core/deletion_guard.hpp"
#include "host/core/manifest.hpp"

namespace koppel::core {

/// What the shell has to do next.
struct sync_step {
  enum class kind {
    read,            ///< run a "sync" job from the run's committed cursor
    count_suspects,  ///< count the records that the run did not see, then `suspects_counted`
    find_suspects,   ///< ask the ledger for records that the run did not see, after `after`, at most `limit`
    refetch,         ///< run a "refetch" job over `ids`
    judge,           ///< count the stream's held deletions, then `held_counted`
    release,         ///< publish the stream's held deletions in this run, then `released`
    wait,            ///< pause `delay`, then `resume`
    end,             ///< the run is over
  } what = kind::end;
  std::string after;
  std::size_t limit = 0;
  std::vector<std::string> ids;
  bool resumed = false;   ///< of `read`: the run went on after an interruption, at its cursor
  bool withhold = false;  ///< of `refetch`: the deletions that it finds are held, none is published
  std::chrono::milliseconds delay{0};

  // of `end`
  enum class ending { completed, interrupted, failed } as = ending::completed;
  bool complete = false;     ///< a full read that saw everything: absence means something from now on
  bool credentials = false;  ///< the provider refused the credentials: auth has to look
  int http_status = 0;       ///< of the answer that decided; 0 where none did
  std::string error;         ///< a job_error, empty when completed
  std::string detail;
  std::chrono::milliseconds retry_after{0};  ///< what the provider asked for before the next attempt
};

class sync_run {
 public:
  /// `jitter` in 0..1 spreads the replays after a crash; drawn once by the caller.
  sync_run(bool full, bool resumed, stream_rule::deletions deletions, double jitter, deletion_limits limits = {});

  sync_step begin() const;
  /// A job (read or refetch) ended. `progressed`: a page was committed in it that moved the run's cursor.
  sync_step job_ended(const messages::done& outcome, bool progressed);
  /// The answer to count_suspects, which are `more` of the facts. They are judged before the first is read by its id:
  /// of a run that may delete too much nothing is published until it is known how much it is.
  sync_step suspects_counted(const deletion_facts& facts);
  /// The answer to find_suspects: ids in ascending order; fewer than the limit means that these are the last.
  sync_step suspects_found(std::vector<std::string> ids);
  /// The answer to judge; `more` is nothing.
  sync_step held_counted(const deletion_facts& facts) const;
  sync_step released() const;
  /// After a wait.
  sync_step resume() const;

  static constexpr std::size_t suspects_per_batch = 100;
  static constexpr int max_crashes = 4;
  static constexpr std::chrono::hours max_retry_after{24};  ///< a provider may ask for more; it is not believed

 private:
  sync_step after_read();
  sync_step concluded() const;
  sync_step failure(const messages::done& outcome) const;
  sync_step current_work() const;

  bool full_;
  bool resumed_;
  stream_rule::deletions deletions_;
  double jitter_;
  deletion_limits limits_;
  bool withhold_ = false;
  enum class phase { reading, confirming } phase_ = phase::reading;
  int crashes_ = 0;  ///< in a row without progress; while confirming, over the same batch
  std::vector<std::string> batch_;
  bool last_batch_ = false;
};

}  // namespace koppel::core
