// SPDX-License-Identifier: Apache-2.0
// The consumer's side: `follower` is the one reliable way to get events, `watcher` only looks on.
// Both are blocking, belong to one thread, and see nothing but values: no ZeroMQ, no Asio, no callbacks.
#pragma once

#include <chrono>
#include <filesystem>
#include <koppel/bus/error.hpp>
#include <koppel/bus/event.hpp>
#include <koppel/bus/filter.hpp>
#include <koppel/bus/limits.hpp>
#include <koppel/bus/position.hpp>
#include <koppel/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace koppel::bus {

struct follower_options {
  std::filesystem::path folder;  ///< the host's bus folder; need not exist yet
  std::string consumer;          ///< [a-z0-9-]{1,64}; empty: anonymous, nobody keeps an acknowledgement
  start_at from = from_start{};  ///< your stored position, where you have one; a snapshot to begin again
  filters filter;
  std::uint64_t credit_bytes = 4ULL * 1024 * 1024;         ///< bytes of batches on their way at once
  std::chrono::milliseconds heartbeat{limits::heartbeat};  ///< the host's; silence beyond 2.5 of them: connect anew
};

/// What one batch brought. Make the effect of the events and `complete_up_to` durable in one transaction of yours.
struct delivery {
  std::vector<event> events;  ///< in order; may be empty: then only the position moves
  position complete_up_to;
  std::uint64_t duplicates = 0;  ///< events that came again and were dropped
  /// In the middle of a snapshot: keep this, durably, instead of the position, and begin a new follower with it. Absent
  /// from its last delivery on. What did not occur in a snapshot may be swept once you have followed to what `head()`
  /// is after that delivery.
  std::optional<from_snapshot> walking;
};

class follower {
 public:
  explicit follower(follower_options options);
  ~follower();
  follower(follower&&) noexcept;
  follower& operator=(follower&&) noexcept;

  /// The next delivery, or nothing after `wait` (or after a signal). Connects, and connects anew, by itself.
  /// Errors are final for this object: epoch_changed, position_expired, position_ahead (begin again with another
  /// follower), replaced, bad_request, too_many, malformed, socket_failed.
  result<std::optional<delivery>> next(std::chrono::milliseconds wait);

  /// Everything up to `at` is durable here. Cumulative; sent again by itself after a reconnect.
  result<> ack(const position& at);

  /// The host's newest seq as of its last heartbeat or page; 0 until one came.
  std::uint64_t head() const;
  /// How often a connection was given up, and why the last time; for logs.
  std::uint64_t reconnects() const;
  const std::string& last_fault() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Looks at XPUB. May miss events, sees no personal data; never build on it.
class watcher {
 public:
  /// `topics` are prefixes such as "teamleader/" or "-/-/heartbeat/"; none: everything. One of more than 128 bytes:
  /// `next` says so.
  watcher(const std::filesystem::path& folder, const std::vector<std::string>& topics);
  ~watcher();

  /// The next event, or nothing after `wait`.
  result<std::optional<event>> next(std::chrono::milliseconds wait);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace koppel::bus
