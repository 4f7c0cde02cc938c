// SPDX-License-Identifier: Apache-2.0
// What the bus reads: history, over a read-only connection of its own. Used on the bus thread; acknowledgements go to
// the ledger's thread through `acknowledge`.
#pragma once

#include <functional>
#include <koppel/bus/event_source.hpp>
#include <string>

#include "host/ledger/database.hpp"

namespace koppel::ledger {

class stored_events final : public bus::event_source {
 public:
  using acknowledged = std::function<void(const std::string& consumer, std::uint64_t seq)>;
  stored_events(const std::string& path, std::string epoch, acknowledged pass_on)
      : db_(path, database::access::read), epoch_(std::move(epoch)), pass_on_(std::move(pass_on)) {}

  const std::string& epoch() const override { return epoch_; }
  result<std::uint64_t> head() override;
  result<std::uint64_t> horizon() override;
  result<std::string> id_at(std::uint64_t seq) override;
  result<std::vector<bus::stored_batch>> read(std::uint64_t after, std::size_t max_bytes) override;
  result<bus::newest_events> read_newest(std::uint64_t after, std::uint64_t last, std::size_t max_bytes) override;
  void acknowledge(const std::string& consumer, std::uint64_t seq) override { pass_on_(consumer, seq); }

 private:
  result<void> take_newest(const bus::stored_batch& batch, std::uint64_t last, bus::newest_events& into);

  database db_;
  std::string epoch_;
  acknowledged pass_on_;
};

}  // namespace koppel::ledger
