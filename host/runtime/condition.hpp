// SPDX-License-Identifier: Apache-2.0
// Lets coroutines of one strand wait until something may have changed: a condition variable without threads. Waiters
// check their predicate in a loop; a wait ends early when notified, at its deadline, or when the waiting coroutine is
// cancelled. g++ 12.2 lays out a coroutine's frame wrongly when an operand of `co_await` has a class-type temporary,
// argument copies included, and its loop awaits elsewhere too: hence references here, and operands that are names.
#pragma once

#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <list>
#include <memory>

#include "host/runtime/asio.hpp"
#include "host/runtime/steady_clock.hpp"

namespace koppel::runtime {

class condition {
 public:
  void notify_all() {
    for (auto* timer : *waiting_) timer->cancel();
  }

  /// Waits even if the coroutine was asked to stop; each further request ends one wait.
  awaitable<void> wait_until(const steady_time& deadline) {
    // A copy of the list's owner: a frame that is destroyed with its io_context may outlive the condition.
    const auto list = waiting_;
    runtime::steady_timer timer(co_await asio::this_coro::executor, deadline);
    const registration entry{*list, list->insert(list->end(), &timer)};
    co_await timer.async_wait(token);
  }

  /// False, and without waiting any longer, once the coroutine was asked to stop.
  awaitable<bool> wait_or_stop(const steady_time& deadline);

 private:
  using timers = std::list<runtime::steady_timer*>;
  struct registration {
    timers& list;
    timers::iterator at;
    registration(timers& l, timers::iterator i) : list(l), at(i) {}
    registration(const registration&) = delete;
    ~registration() { list.erase(at); }
  };

  std::shared_ptr<timers> waiting_ = std::make_shared<timers>();
};

/// True once the coroutine that awaits this was asked to stop.
inline awaitable<bool> was_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

inline awaitable<bool> condition::wait_or_stop(const steady_time& deadline) {
  const bool before = co_await was_cancelled();
  if (before) co_return false;
  co_await wait_until(deadline);
  const bool after = co_await was_cancelled();
  co_return !after;
}

}  // namespace koppel::runtime
