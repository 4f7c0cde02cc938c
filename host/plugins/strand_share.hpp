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

  /// A message is followed by work that is not measured: an effect that is begun and answered.
  static constexpr duration per_message = std::chrono::microseconds{40};
  static constexpr duration burst = std::chrono::milliseconds{50};
  static constexpr int part = 4;

  /// So many messages were worked on, in `took`, until `now`. Returns for how long the next ones have to wait.
  duration charge(runtime::steady_time now, std::size_t messages, duration took) {
    used_ = std::max(duration{0}, used_ - (now - at_) / part);
    at_ = now;
    used_ += took + per_message * static_cast<duration::rep>(messages);
    return used_ > burst ? (used_ - burst) * part : duration{0};
  }

 private:
  duration used_{0};  ///< and not yet made good by time that passed
  runtime::steady_time at_{};
};

}  // namespace koppel::plugins
