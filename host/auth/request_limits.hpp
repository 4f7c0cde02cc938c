// SPDX-License-Identifier: Apache-2.0
// A provider's limits as requests meet them: buckets (core/quota), each with the line of those who wait for it, and the
// request that was taken from them. Main strand only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/auth/fair_queue.hpp"
#include "host/core/quota.hpp"
#include "host/net/http.hpp"

namespace koppel::auth {

class request_limits {
 public:
  struct bucket {
    core::quota* quota;
    fair_queue* queue;
  };
  bucket of(const core::limit_rule& rule, const core::bucket_scope& scope) {
    auto& quota = quotas_.of(rule, scope);
    return {&quota, &queues_[&quota]};
  }

 private:
  core::bucket_table quotas_;
  std::map<const core::quota*, fair_queue> queues_;
};

/// What one request took from its buckets: they are told what came of it, also where it ends in the midst of it.
class counted_request {
 public:
  explicit counted_request(const runtime::clock& clock) : clock_(clock) {}
  counted_request(const counted_request&) = delete;
  ~counted_request();

  /// Completes when the bucket has room (then empty), or at once when it has none before `deadline` (then: when it
  /// would). Cancellation throws, as everywhere in Asio.
  runtime::awaitable<std::optional<core::instant>> wait_turn(request_limits::bucket b, std::string connection_id,
                                                             core::instant deadline);
  void answered(const net::response& answer);

 private:
  const runtime::clock& clock_;
  std::vector<request_limits::bucket> taken_;
};

}  // namespace koppel::auth
