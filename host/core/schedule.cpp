// SPDX-License-Identifier: Apache-2.0

#include "host/core/schedule.hpp"

#include <algorithm>

namespace koppel::core {
namespace {

std::chrono::milliseconds back_off(std::uint32_t failures) {
  if (failures == 0) return std::chrono::milliseconds{0};
  const auto minutes = std::chrono::minutes{1} * (std::int64_t{1} << std::min<std::uint32_t>(failures - 1, 6));
  return std::min<std::chrono::milliseconds>(minutes, std::chrono::hours{1});
}

}  // namespace

read_plan plan_next_read(const stream_history& h, std::chrono::seconds interval, std::chrono::seconds full_interval,
                         instant now) {
  const instant not_before = h.last_attempt_at.value_or(instant::min()) == instant::min()
                                 ? instant::min()
                                 : *h.last_attempt_at + back_off(h.failures);
  if (!h.last_full_at) return {.due = std::max(now, not_before), .full = true};
  if (h.interrupted) return {.due = std::max(now, not_before), .full = false};

  const instant full_due = *h.last_full_at + full_interval;
  const instant next_due = h.last_success_at.value_or(*h.last_full_at) + interval;
  const bool full = full_due <= next_due || full_due <= now;
  return {.due = std::max(full ? full_due : next_due, not_before), .full = full};
}

}  // namespace koppel::core
