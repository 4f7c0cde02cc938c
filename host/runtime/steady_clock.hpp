// SPDX-License-Identifier: Apache-2.0
// The clock that waits are measured with, and the timer that goes by it. Declared here and defined in a file of its own
// (steady_clock.cpp): the simulation links another definition, in which time passes only when nothing else is left to
// do. Sockets (host/net) and threads keep the system's clock; they are not simulated.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>

namespace koppel::runtime {

using steady_time = std::chrono::steady_clock::time_point;

struct steady_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = steady_time;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};

/// How long Asio may sleep until a timer is due.
struct steady_waits {
  static steady_clock::duration to_wait_duration(const steady_clock::duration& left);
  static steady_clock::duration to_wait_duration(const steady_time& due) {
    return to_wait_duration(due - steady_clock::now());
  }
};

using steady_timer = boost::asio::basic_waitable_timer<steady_clock, steady_waits>;

}  // namespace koppel::runtime
