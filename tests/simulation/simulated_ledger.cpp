// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/simulated_ledger.hpp"

#include "host/ledger/event_source.hpp"

namespace koppel::simulation {

simulated_ledger::simulated_ledger(world& w, std::string path, std::unique_ptr<koppel::ledger::database> db,
                                   koppel::ledger::sealer seals, std::function<void(failure)> on_fatal,
                                   std::function<void(std::uint64_t)> on_commit,
                                   std::function<std::uint64_t()> free_bytes)
    : world_(w),
      path_(std::move(path)),
      committer_(std::move(db), std::move(seals), w.wall,
                 {.on_fatal = std::move(on_fatal),
                  .on_commit = std::move(on_commit),
                  .free_bytes = std::move(free_bytes),
                  .on_space = [this](const koppel::ledger::disk_space& s) { space_ = s; }},
                 // What cannot wait in a life is little; megabytes of zeros would cost more than all the rest of it.
                 {.in_log = std::uint64_t{256} << 10}) {}

std::unique_ptr<bus::event_source> simulated_ledger::make_event_source() {
  return std::make_unique<koppel::ledger::stored_events>(path_, epoch(),
                                                         [this](const std::string& consumer, std::uint64_t seq) {
                                                           auto& position = positions_[consumer];
                                                           position = std::max(position, seq);
                                                           arm();
                                                         });
}

void simulated_ledger::enqueue(std::function<result<void>(koppel::ledger::transaction&)> work,
                               koppel::ledger::urgency how, std::function<void(result<void>)> done) {
  jobs_.push_back({std::move(work), std::move(done), how});
  arm();
}

void simulated_ledger::arm() {
  if (armed_) return;
  armed_ = true;
  auto delay = world_.chance.around(milliseconds{2});
  if (!world_.calm && world_.chance.hits(0.002)) {
    world_.fault("disk slow");
    delay = milliseconds{2'000};
  }
  world_.after(delay, [this, weak = std::weak_ptr(alive_)] {
    if (!weak.expired()) commit();
  });
}

void simulated_ledger::commit() {
  armed_ = false;
  world_.count("commit");
  committer_.commit(jobs_, positions_);
  positions_.clear();
  if (!jobs_.empty()) arm();
}

}  // namespace koppel::simulation
