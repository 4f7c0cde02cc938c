// SPDX-License-Identifier: Apache-2.0
// One owner per connection: whoever exchanges a code or judges credentials passes here, one at a time and in order.
// Holds no lock with a time limit; what is inside has deadlines of its own. Main strand only; outlives its passes.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "host/runtime/asio.hpp"

namespace koppel::auth {

class connection_gate {
 public:
  /// Being inside; leaves when it goes.
  class pass {
   public:
    pass(connection_gate& gate, std::string id) : gate_(&gate), id_(std::move(id)) {}
    pass(pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), id_(std::move(other.id_)) {}
    pass& operator=(pass&&) = delete;
    ~pass() {
      if (gate_) gate_->leave(id_);
    }

   private:
    connection_gate* gate_;
    std::string id_;
  };

  /// Completes when this connection is free. Cancellation throws, as everywhere in Asio.
  runtime::awaitable<pass> enter(std::string connection_id);

 private:
  struct waiter {
    explicit waiter(const runtime::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    bool admitted = false;
  };
  void leave(const std::string& id);

  /// Connections with somebody inside, and who waits. The coroutine and the queue share a waiter: either may go first.
  std::map<std::string, std::deque<std::shared_ptr<waiter>>> lanes_;
};

}  // namespace koppel::auth
