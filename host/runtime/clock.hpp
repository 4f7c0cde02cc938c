// SPDX-License-Identifier: Apache-2.0
// Time, injected: who needs `now` takes a clock. The system clock is made in one place, main's wiring.
#pragma once

#include <atomic>

#include "host/core/time.hpp"

namespace koppel::runtime {

class clock {
 public:
  virtual ~clock() = default;
  virtual core::instant now() const = 0;
};

class system_clock final : public clock {
 public:
  core::instant now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

/// For tests: stands still until told.
class manual_clock final : public clock {
 public:
  explicit manual_clock(core::instant t) : now_(t) {}
  core::instant now() const override { return now_; }
  void advance(std::chrono::milliseconds d) { now_ = now_.load() + d; }

 private:
  std::atomic<core::instant> now_;  ///< the ledger's thread looks at it as well
};

}  // namespace koppel::runtime
