// SPDX-License-Identifier: Apache-2.0
// What the service knows of connections, streams and runs under way. Shared with the runs' coroutines, whose frames a
// process that ends drops after the service. Main strand only.
#pragma once

#include <set>

#include "host/runtime/steady_clock.hpp"
#include "host/sync/sync_service.hpp"

namespace koppel::sync {

struct sync_service::state {
  using stream_key = std::pair<std::string, std::string>;  ///< connection id, stream
  struct stream {
    core::stream_history history;
    std::optional<bool> asked_full;  ///< asked for, full or not
    bool asked_by_hand = false;      ///< by a person, and not only because of a webhook
    bool full_owed = false;          ///< a full read was asked for, but an interrupted incremental one has to end first
    bool running = false;
  };

  explicit state(const runtime::asio::any_io_executor& executor) : timer(executor) {}

  /// The schedule looks at everything anew.
  void wake() {
    woken = true;
    timer.cancel();
  }

  std::map<std::string, ledger::connection> connections;
  std::map<stream_key, stream> streams;
  std::map<stream_key, const job*> jobs;  ///< runs under way; null until the run has begun
  std::set<stream_key> releasing;         ///< whose confirmed deletions are being published
  runtime::steady_timer timer;
  bool stopping = false;
  bool woken = false;
};

}  // namespace koppel::sync
