// SPDX-License-Identifier: Apache-2.0
// How much of the main strand one runner's messages may take: a burst, then a quarter of the time. What is beyond waits
// in the socket, and the runner in the end with it, so that a flood holds up nobody else. Pure: time is an argument.
#pragma once

#include <algorithm>
#include <chrono>

#include "host/runtime/steady_clock.hpp"

namespace koppel::plugins {

class strand_share {
 public:
  using duration = runtime::steady_clock::duration;

  // Estimates. What was measured would count what other processes took meanwhile, and no simulation could repeat it.
  static constexpr duration per_message = std::chrono::microseconds{40};  ///< with the effect that it asks for
  static constexpr duration per_kib = std::chrono::microseconds{5};
  static constexpr duration burst = std::chrono::milliseconds{50};
  static constexpr int part = 4;

  /// So many messages, and bytes of them, have been worked on. Returns for how long the next ones have to wait.
  duration charge(runtime::steady_time now, std::size_t messages, std::size_t bytes) {
    used_ = std::max(duration{0}, used_ - (now - at_) / part);
    at_ = now;
    used_ += per_message * static_cast<duration::rep>(messages) + per_kib * static_cast<duration::rep>(bytes) / 1024;
    return used_ > burst ? (used_ - burst) * part : duration{0};
  }

 private:
  duration used_{0};  ///< and not yet made good by time that passed
  runtime::steady_time at_{};
};

}  // namespace koppel::plugins
