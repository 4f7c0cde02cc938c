// SPDX-License-Identifier: Apache-2.0

#include "host/auth/fair_queue.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace koppel::auth {
namespace {

/// No wait is longer without looking again: the wall clock may have been set, the limit lifted.
constexpr std::chrono::milliseconds longest_sleep{5'000};

}  // namespace

/// A place in the queue, given up however its coroutine ends.
class fair_queue::standing {
 public:
  standing(fair_queue& queue, place where) : queue_(queue), where_(where) {}
  standing(const standing&) = delete;
  ~standing() {
    queue_.waiting_.erase(where_);
    queue_.wake();
  }

 private:
  fair_queue& queue_;
  place where_;
};

fair_queue::place fair_queue::first() {
  const auto turn_of = [&](const waiter& w) {
    const auto known = served_.find(w.connection_id);
    return known == served_.end() ? 0 : known->second;
  };
  return std::min_element(waiting_.begin(), waiting_.end(),
                          [&](const waiter& a, const waiter& b) { return turn_of(a) < turn_of(b); });
}

void fair_queue::wake() {
  if (!waiting_.empty()) first()->timer.cancel();
}

runtime::awaitable<std::optional<core::instant>> fair_queue::wait_turn(std::string connection_id,
                                                                       core::instant deadline,
                                                                       const runtime::clock& clock, taker take) {
  const auto executor = co_await runtime::asio::this_coro::executor;
  const auto mine = waiting_.emplace(waiting_.end(), executor, connection_id);
  const standing place_in_queue(*this, mine);
  for (;;) {
    const auto now = clock.now();
    auto until = deadline;
    if (first() == mine) {
      const auto later = take(now);
      if (!later) {
        served_[connection_id] = ++turns_;
        co_return std::nullopt;
      }
      if (*later >= deadline) co_return *later;
      until = *later;
    } else if (now >= deadline) {
      co_return now;
    }
    mine->timer.expires_after(
        std::clamp<std::chrono::milliseconds>(until - now, std::chrono::milliseconds{1}, longest_sleep));
    // Others may come, go and be served meanwhile: everything is looked at again. When cancelled, the next wait throws.
    co_await mine->timer.async_wait(runtime::token);
  }
}

}  // namespace koppel::auth
