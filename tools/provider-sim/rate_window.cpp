// SPDX-License-Identifier: Apache-2.0
// Exact, not bucketed: the times of all counted requests are kept.
#include "rate_window.hpp"

namespace koppel::provider_sim {

rate_verdict rate_window::admit(instant now, std::size_t limit, std::chrono::milliseconds span) {
  while (!counted_.empty() && counted_.front() + span <= now) counted_.pop_front();

  rate_verdict verdict;
  verdict.admitted = counted_.size() < limit;
  if (verdict.admitted) counted_.push_back(now);
  verdict.remaining = counted_.size() < limit ? limit - counted_.size() : 0;
  verdict.reset = counted_.empty() ? now : counted_.front() + span;
  return verdict;
}

}  // namespace koppel::provider_sim
