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

bus::follower follow(const store& into, bus::follower_options options) {
  options.from = into.start();
  std::string where = "the start";
  if (const auto* at = std::get_if<bus::position>(&options.from)) where = std::to_string(at->seq);
  if (const auto* walk = std::get_if<bus::from_snapshot>(&options.from))
    where = walk->of.epoch.empty() ? "a snapshot" : "the middle of a snapshot, " + std::to_string(walk->after);
  spdlog::info("following {} from {}", options.folder.string(), where);
  return bus::follower(std::move(options));
}

/// Says what the follower went through since last time.
void log_connection(const bus::follower& f, std::uint64_t& known) {
  if (f.reconnects() == known) return;
  if (known == 0 || f.reconnects() % 30 == 0) spdlog::warn("connecting to the bus again: {}", f.last_fault());
  known = f.reconnects();
}

/// Where another process writes to the database, the same is tried again: nothing of it was acknowledged. False: told
/// to stop meanwhile, and it was not done.
template <class Work>
result<bool> when_free(const std::atomic<bool>& stop, Work work) {
  for (bool said = false;; said = true) {
    const result<> done = work();
    if (done) return result<bool>(true);
    if (done.error().code != boost::system::errc::resource_unavailable_try_again) return done.error();
    if (!said) spdlog::warn("waiting: {}", done.error().detail);
    if (stop) return result<bool>(false);
  }
}

}  // namespace

result<> run(store& into, const bus::follower_options& options, const std::atomic<bool>& stop) {
  auto follower = follow(into, options);
  std::uint64_t reconnects = 0;
  while (!stop) {
    auto got = follower.next(200ms);
    log_connection(follower, reconnects);
    if (!got) {
      if (!means_begin_again(got.error().code)) return got.error();
      spdlog::warn("beginning again with a snapshot, what we have stays meanwhile: {}", got.error().detail);
      const auto begun = when_free(stop, [&] { return into.begin_again(); });
      if (!begun) return begun.error();
      if (!*begun) break;
      follower = follow(into, options);
      reconnects = 0;
      continue;
    }
    const auto noted = when_free(stop, [&] { return into.note_head(follower.head()); });
    if (!noted) return noted.error();
    if (!*got) continue;
    KOPPEL_FAULT_POINT("consumer.batch_received");
    const auto applied = when_free(stop, [&] { return into.apply(**got); });
    if (!applied) return applied.error();
    if (!*applied) break;
    const auto& walking = (*got)->walking;
    spdlog::debug("applied {} events, up to {}", (*got)->events.size(),
                  walking ? walking->after : (*got)->complete_up_to.seq);
    if (!walking)
      if (auto r = follower.ack((*got)->complete_up_to); !r) return r.error();
    KOPPEL_FAULT_POINT("consumer.after_ack");
    reconnects = follower.reconnects();
  }
  return {};
}

}  // namespace koppel::proplus
