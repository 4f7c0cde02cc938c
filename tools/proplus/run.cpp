// SPDX-License-Identifier: Apache-2.0
// The loop, and beginning again.

#include "run.hpp"

#include <spdlog/spdlog.h>

#include <koppel/fault_point.hpp>

namespace koppel::proplus {
namespace {

using namespace std::chrono_literals;

bool means_begin_again(const boost::system::error_code& code) {
  return code == bus::errc::epoch_changed || code == bus::errc::position_expired || code == bus::errc::position_ahead;
}

result<bus::follower> follow(store& into, bus::follower_options options) {
  auto at = into.stored_position();
  if (!at) return at.error();
  if (*at) {
    spdlog::info("following {} from {}", options.folder.string(), (*at)->seq);
    options.from = **at;
  } else {
    spdlog::info("following {} from the start", options.folder.string());
    options.from = bus::from_start{};
  }
  return bus::follower(std::move(options));
}

/// Says what the follower went through since last time.
void log_connection(const bus::follower& f, std::uint64_t& known) {
  if (f.reconnects() == known) return;
  if (known == 0 || f.reconnects() % 30 == 0) spdlog::warn("connecting to the bus again: {}", f.last_fault());
  known = f.reconnects();
}

}  // namespace

result<> run(store& into, const bus::follower_options& options, const std::atomic<bool>& stop) {
  auto follower = follow(into, options);
  if (!follower) return follower.error();
  std::uint64_t reconnects = 0;
  while (!stop) {
    auto got = follower->next(200ms);
    log_connection(*follower, reconnects);
    if (!got) {
      if (!means_begin_again(got.error().code)) return got.error();
      spdlog::warn("beginning again from the start of the host's history, what we have stays meanwhile: {}",
                   got.error().detail);
      if (auto r = into.begin_again(); !r) return r.error();
      follower = follow(into, options);
      if (!follower) return follower.error();
      continue;
    }
    if (auto r = into.note_head(follower->head()); !r) return r.error();
    if (!*got) continue;
    KOPPEL_FAULT_POINT("consumer.batch_received");
    if (auto r = into.apply(**got); !r) return r.error();
    if (auto r = follower->ack((*got)->complete_up_to); !r) return r.error();
    KOPPEL_FAULT_POINT("consumer.after_ack");
    spdlog::debug("applied up to {}: {} events", (*got)->complete_up_to.seq, (*got)->events.size());
    reconnects = follower->reconnects();
  }
  return {};
}

}  // namespace koppel::proplus
