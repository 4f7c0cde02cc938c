// SPDX-License-Identifier: Apache-2.0

#include "host/core/deletion_guard.hpp"

namespace koppel::core {

deletion_verdict judge_deletions(const deletion_limits& limits, const deletion_facts& facts) {
  const auto total = facts.deleted + facts.held + facts.more;
  const auto before = facts.known + facts.deleted;
  const bool beyond = total > limits.records && total * 100 > before * limits.percent;
  return beyond ? deletion_verdict::hold : deletion_verdict::publish;
}

}  // namespace koppel::core
