// SPDX-License-Identifier: Apache-2.0

#include "host/auth/connection_gate.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <deque>
#include <map>

#include "host/runtime/steady_clock.hpp"

namespace koppel::auth {
namespace {

struct waiter {
  explicit waiter(const runtime::asio::any_io_executor& executor) : timer(executor) {}
  runtime::steady_timer timer;
  bool admitted = false;
};

}  // namespace

struct connection_gate::lanes {
  /// Connections with somebody inside, and who waits. Coroutine and queue share a waiter: either may go first.
  std::map<std::string, std::deque<std::shared_ptr<waiter>>> open;
};

connection_gate::connection_gate() : lanes_(std::make_shared<lanes>()) {}

runtime::awaitable<connection_gate::pass> connection_gate::enter(std::string connection_id) {
  const auto where = lanes_;
  const auto [lane, free] = where->open.try_emplace(connection_id);
  if (!free) {
    auto mine = std::make_shared<waiter>(co_await runtime::asio::this_coro::executor);
    mine->timer.expires_at(runtime::steady_time::max());
    lane->second.push_back(mine);
    co_await mine->timer.async_wait(runtime::token);
    if (!mine->admitted) {
      // We were cancelled, still in the queue: the lane exists as long as somebody is inside.
      auto& queue = where->open.at(connection_id);
      queue.erase(std::find(queue.begin(), queue.end(), mine));
      throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
  }
  co_return pass(where, std::move(connection_id));
}

connection_gate::pass::~pass() {
  if (!where_) return;
  const auto lane = where_->open.find(id_);
  if (lane->second.empty()) {
    where_->open.erase(lane);
    return;
  }
  // Handed over without ever being free: nobody overtakes.
  const auto next = std::move(lane->second.front());
  lane->second.pop_front();
  next->admitted = true;
  next->timer.cancel();
}

}  // namespace koppel::auth
