// SPDX-License-Identifier: Apache-2.0
// The ledger without its thread: the same commits (ledger/committer), made when the disk gets to it.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "host/ledger/committer.hpp"
#include "tests/simulation/world.hpp"

namespace koppel::simulation {

class simulated_ledger final : public ledger::ledger {
 public:
  /// `db` is at `path`. `on_fatal`: the process must end. `on_commit`: events were added.
  simulated_ledger(world& w, std::string path, std::unique_ptr<koppel::ledger::database> db,
                   koppel::ledger::sealer seals, std::function<void(failure)> on_fatal,
                   std::function<void(std::uint64_t)> on_commit);

  const std::string& epoch() const override { return committer_.epoch(); }
  std::unique_ptr<bus::event_source> make_event_source() override;

  /// Drops what waits: nobody is there any more to be answered.
  void drop() {
    jobs_.clear();
    positions_.clear();
  }

 protected:
  void enqueue(std::function<result<void>(koppel::ledger::transaction&)> work,
               std::function<void(result<void>)> done) override;

 private:
  void arm();
  void commit();

  world& world_;
  const std::string path_;
  koppel::ledger::committer committer_;
  std::deque<koppel::ledger::job> jobs_;
  koppel::ledger::consumer_positions positions_;
  bool armed_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace koppel::simulation
