// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/virtual_time.hpp"

#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace koppel::simulation::virtual_time {
namespace {

/// Not the epoch: a time_point of zero means "never" to some.
constexpr runtime::steady_time beginning{std::chrono::hours{1}};

runtime::steady_time present = beginning;
runtime::steady_time earliest = runtime::steady_time::max();

}  // namespace

runtime::steady_time now() { return present; }
void reset() {
  present = beginning;
  forget_timers();
}
void advance_to(runtime::steady_time t) { present = std::max(present, t); }
runtime::steady_time earliest_timer() { return earliest; }
void forget_timers() { earliest = runtime::steady_time::max(); }

}  // namespace koppel::simulation::virtual_time

namespace koppel::runtime {

using namespace simulation;

steady_time steady_clock::now() noexcept { return virtual_time::present; }

/// Asio is told to look at its timers at once, always: then no poll of it waits for real time.
steady_clock::duration steady_waits::to_wait_duration(const steady_clock::duration& left) {
  constexpr std::chrono::hours never{24 * 365};  // timers that only a cancellation ends
  if (left < never) virtual_time::earliest = std::min(virtual_time::earliest, virtual_time::present + left);
  return steady_clock::duration::zero();
}

}  // namespace koppel::runtime

// Asio keeps a timerfd that tells it when to look at its timers. Here it always says so: it has expired when it is made
// and is never read. Setting it anew for each timer would cost more than all the rest of a life.
extern "C" int timerfd_create(int clock, int flags) {
  const auto fd = static_cast<int>(::syscall(SYS_timerfd_create, clock, flags));
  itimerspec at_once{};
  at_once.it_value.tv_nsec = 1;
  if (fd >= 0) ::syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &at_once, nullptr);
  return fd;
}

extern "C" int timerfd_settime(int, int, const itimerspec*, itimerspec*) { return 0; }
