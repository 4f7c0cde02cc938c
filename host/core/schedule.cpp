// SPDX-License-Identifier: Apache-2.0

#include "host/core/schedule.hpp"

#include <algorithm>

#include "host/core/sync_run.hpp"

namespace koppel::core {
namespace {

/// So often a full read that concluded nothing comes again without a pause.
constexpr std::uint32_t free_repeats = 2;

/// `first`, doubled for each time after the first, `most` at most.
std::chrono::milliseconds doubled(std::chrono::milliseconds first, std::uint32_t times,
                                  std::chrono::milliseconds most) {
  if (times == 0) return std::chrono::milliseconds{0};
  return std::min(first * (std::int64_t{1} << std::min<std::uint32_t>(times - 1, 16)), most);
}

}  // namespace

std::size_t places_of_one(std::size_t places, std::size_t providers) {
  return providers < 2 ? places : std::max<std::size_t>(1, places - (places + 3) / 4);
}

stream_history after(stream_history h, const read_outcome& o) {
  using ending = read_outcome::ending;
  h.last_attempt_at = o.at;
  const bool blameless = o.as == ending::host_stopped || o.as == ending::plugin_replaced;
  h.interrupted = o.as == ending::interrupted || blameless;
  h.not_before.reset();
  if (o.retry_after.count() > 0) h.not_before = o.at + o.retry_after;
  if (o.as == ending::completed) {
    h.failures = 0;
    h.last_success_at = o.at;
    if (o.full && o.complete) {
      h.last_full_at = o.at;
      h.inconclusive = 0;
    } else if (o.full) {
      h.last_inconclusive_at = o.at;
      ++h.inconclusive;
    }
  } else if (!blameless) {
    ++h.failures;
  }
  return h;
}

stream_history believable(stream_history h, instant now) {
  for (auto* at : {&h.last_full_at, &h.last_success_at, &h.last_attempt_at, &h.last_inconclusive_at})
    if (*at) *at = std::min(**at, now);
  if (h.not_before) h.not_before = std::min<instant>(*h.not_before, now + sync_run::max_retry_after);
  return h;
}

bool never_read(const stream_history& h) { return !h.last_full_at && h.inconclusive == 0; }

read_plan plan_next_read(const stream_history& h, std::chrono::seconds interval, std::chrono::seconds full_interval,
                         instant now) {
  instant not_before = h.not_before.value_or(instant::min());
  if (h.last_attempt_at)
    not_before =
        std::max(not_before, *h.last_attempt_at + doubled(std::chrono::minutes{1}, h.failures, std::chrono::hours{1}));
  if (never_read(h)) return {.due = std::max(now, not_before), .full = true};
  if (h.interrupted) return {.due = std::max(now, not_before), .full = false};

  instant full_due = h.last_full_at ? *h.last_full_at + full_interval : instant::min();
  if (h.inconclusive > free_repeats)
    full_due = std::max(full_due, h.last_inconclusive_at.value_or(instant::min()) +
                                      doubled(std::chrono::minutes{1}, h.inconclusive - free_repeats, full_interval));
  const instant next_due = h.last_success_at.value_or(h.last_full_at.value_or(instant::min())) + interval;
  const bool full = full_due <= next_due || full_due <= now;
  return {.due = std::max(full ? full_due : next_due, not_before), .full = full};
}

}  // namespace koppel::core
