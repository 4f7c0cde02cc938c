// SPDX-License-Identifier: Apache-2.0

#include "host/auth/connection_gate.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace koppel::auth {

runtime::awaitable<connection_gate::pass> connection_gate::enter(std::string connection_id) {
  const auto [lane, free] = lanes_.try_emplace(connection_id);
  if (!free) {
    auto mine = std::make_shared<waiter>(co_await runtime::asio::this_coro::executor);
    mine->timer.expires_at(std::chrono::steady_clock::time_point::max());
    lane->second.push_back(mine);
    co_await mine->timer.async_wait(runtime::token);
    if (!mine->admitted) {
      // We were cancelled, still in the queue: the lane exists as long as somebody is inside.
      auto& queue = lanes_.at(connection_id);
      queue.erase(std::find(queue.begin(), queue.end(), mine));
      throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
  }
  co_return pass(*this, std::move(connection_id));
}

void connection_gate::leave(const std::string& id) {
  auto lane = lanes_.find(id);
  if (lane->second.empty()) {
    lanes_.erase(lane);
    return;
  }
  // Handed over without ever being free: nobody overtakes.
  auto next = std::move(lane->second.front());
  lane->second.pop_front();
  next->admitted = true;
  next->timer.cancel();
}

}  // namespace koppel::auth
