// SPDX-License-Identifier: Apache-2.0
// Waiting for a limit that several connections share: the connection that was served longest ago goes first, requests
// of one connection in order. So one that reads a hundred thousand records does not starve its neighbours. Main strand
// only; outlives its waiters.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/runtime/asio.hpp"
#include "host/runtime/clock.hpp"

namespace koppel::auth {

class fair_queue {
 public:
  fair_queue();

  /// Takes one request from the limit, or says when to ask again.
  using taker = std::function<std::optional<core::instant>(core::instant now)>;

  /// Completes when `take` gave a request (then empty), or at once when it cannot before `deadline` (then: when it
  /// could). Cancellation throws, as everywhere in Asio.
  runtime::awaitable<std::optional<core::instant>> wait_turn(std::string connection_id, core::instant deadline,
                                                             const runtime::clock& clock, taker take);
  /// The limit changed: whoever is first asks again.
  void wake();

 private:
  struct line;
  class standing;
  std::shared_ptr<line> line_;  ///< shared with those who stand in it: a process that ends drops its coroutines last
};

}  // namespace koppel::auth
