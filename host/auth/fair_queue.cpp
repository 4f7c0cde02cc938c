// SPDX-License-Identifier: Apache-2.0

#include "host/auth/fair_queue.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>

#include "host/runtime/steady_clock.hpp"

namespace koppel::auth {
namespace {

/// No wait is longer without looking again: the wall clock may have been set, the limit lifted.
constexpr std::chrono::milliseconds longest_sleep{5'000};

struct waiter {
  waiter(const runtime::asio::any_io_executor& executor, std::string id)
      : timer(executor), connection_id(std::move(id)) {}
  runtime::steady_timer timer;
  std::string connection_id;
};

}  // namespace

struct fair_queue::line {
  std::list<waiter> waiting;  ///< in order of arrival
  std::map<std::string, std::uint64_t> served;
  std::uint64_t turns = 0;

  std::list<waiter>::iterator first() {
    const auto turn_of = [this](const waiter& w) {
      const auto known = served.find(w.connection_id);
      return known == served.end() ? 0 : known->second;
    };
    return std::min_element(waiting.begin(), waiting.end(),
                            [&](const waiter& a, const waiter& b) { return turn_of(a) < turn_of(b); });
  }
  void wake() {
    if (!waiting.empty()) first()->timer.cancel();
  }
};

/// A place in the line, given up however its coroutine ends.
class fair_queue::standing {
 public:
  standing(std::shared_ptr<line> where, std::list<waiter>::iterator place) : line_(std::move(where)), place_(place) {}
  standing(const standing&) = delete;
  ~standing() {
    line_->waiting.erase(place_);
    line_->wake();
  }

 private:
  std::shared_ptr<line> line_;
  std::list<waiter>::iterator place_;
};

fair_queue::fair_queue() : line_(std::make_shared<line>()) {}

void fair_queue::wake() { line_->wake(); }

runtime::awaitable<std::optional<core::instant>> fair_queue::wait_turn(std::string connection_id,
                                                                       core::instant deadline,
                                                                       const runtime::clock& clock, taker take) {
  const auto executor = co_await runtime::asio::this_coro::executor;
  const auto queue = line_;
  const auto mine = queue->waiting.emplace(queue->waiting.end(), executor, connection_id);
  const standing place(queue, mine);
  for (;;) {
    const auto now = clock.now();
    auto until = deadline;
    if (queue->first() == mine) {
      const auto later = take(now);
      if (!later) {
        queue->served[connection_id] = ++queue->turns;
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
