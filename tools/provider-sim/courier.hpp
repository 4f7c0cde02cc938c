// SPDX-License-Identifier: Apache-2.0
// Carries webhook calls: a small HTTP client on the server's thread, several calls at a time, and never one that an
// answer of the provider waits for. It calls this machine only: a simulator must not call strangers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "simulator.hpp"

namespace koppel::provider_sim {

class courier {
 public:
  /// What is given outlives it. `context` does not run once it is gone.
  courier(boost::asio::io_context& context, simulator& behind, std::function<instant()> clock);
  ~courier();

  void start();
  /// There may be something to carry, or the clock was moved.
  void look_again();

 private:
  struct works;
  std::unique_ptr<works> works_;
};

}  // namespace koppel::provider_sim
