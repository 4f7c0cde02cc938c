// SPDX-License-Identifier: Apache-2.0

#include "host/auth/request_limits.hpp"

namespace koppel::auth {

counted_request::~counted_request() {
  for (auto& b : taken_) {
    b.quota->unanswered(clock_.now());
    b.queue->wake();
  }
}

runtime::awaitable<std::optional<core::instant>> counted_request::wait_turn(request_limits::bucket b,
                                                                            std::string connection_id,
                                                                            core::instant deadline) {
  fair_queue::taker take = [b](core::instant now) {
    const auto later = b.quota->ask(now);
    if (!later) b.quota->sent(now);
    return later;
  };
  const auto later = co_await b.queue->wait_turn(connection_id, deadline, clock_, take);
  if (!later) taken_.push_back(b);
  co_return later;
}

void counted_request::answered(const net::response& answer) {
  for (auto& b : std::exchange(taken_, {})) {
    b.quota->observe(clock_.now(), answer.status, answer.headers);
    b.queue->wake();
  }
}

}  // namespace koppel::auth
