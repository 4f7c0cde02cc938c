// SPDX-License-Identifier: Apache-2.0
// Which jobs of a plugin may be on its runner together. After a crash that several jobs may be to blame for, each of
// them is a suspect: it begins alone, and is acquitted when it has committed a page, for so it has passed where it was
// at the crash. Jobs that were acquitted may go on beside the next suspect; all others wait until there is none.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "host/runtime/condition.hpp"

namespace koppel::plugins {

struct admission {
  std::size_t inside = 0;    ///< jobs on the runner, without those that were acquitted
  std::size_t suspects = 0;  ///< that wait, or run and are not acquitted
};

/// One job's turn, for as long as this lives. Shares what it points to: frames may outlive the plugin host.
class turn {
 public:
  turn(std::shared_ptr<admission> gate, runtime::condition changed, bool suspect)
      : gate_(std::move(gate)), changed_(std::move(changed)), suspect_(suspect) {
    if (suspect_) ++gate_->suspects;
  }
  turn(const turn&) = delete;
  ~turn() {
    if (suspect_) --gate_->suspects;
    if (inside_) --gate_->inside;
    changed_.notify_all();
  }

  bool may_begin() const { return suspect_ ? gate_->inside == 0 : gate_->suspects == 0; }
  void begin() {
    inside_ = true;
    ++gate_->inside;
  }
  /// It has shown that it was not to blame. Nothing for a job that was no suspect.
  void acquit() {
    if (!suspect_ || !inside_) return;
    suspect_ = inside_ = false;
    --gate_->suspects;
    --gate_->inside;
    changed_.notify_all();
  }

 private:
  const std::shared_ptr<admission> gate_;
  runtime::condition changed_;
  bool suspect_;
  bool inside_ = false;
};

}  // namespace koppel::plugins
