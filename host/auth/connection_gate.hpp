// SPDX-License-Identifier: Apache-2.0
// One owner per connection: whoever exchanges a code or judges credentials passes here, one at a time and in order.
// Holds no lock with a time limit; what is inside has deadlines of its own. Main strand only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "host/runtime/asio.hpp"

namespace koppel::auth {

class connection_gate {
  struct lanes;

 public:
  connection_gate();

  /// Being inside; leaves when it goes. May outlive the gate: a process that ends drops its coroutines last.
  class pass {
   public:
    pass(std::shared_ptr<lanes> where, std::string id) : where_(std::move(where)), id_(std::move(id)) {}
    pass(pass&& other) noexcept : where_(std::move(other.where_)), id_(std::move(other.id_)) {}
    pass& operator=(pass&&) = delete;
    ~pass();

   private:
    std::shared_ptr<lanes> where_;
    std::string id_;
  };

  /// Completes when this connection is free. Cancellation throws, as everywhere in Asio.
  runtime::awaitable<pass> enter(std::string connection_id);

 private:
  std::shared_ptr<lanes> lanes_;  ///< shared with the passes
};

}  // namespace koppel::auth
