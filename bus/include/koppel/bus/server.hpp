// SPDX-License-Identifier: Apache-2.0
// The host's side of the bus: two sockets in one folder, `follow` (reliable) and `live` (for watching), and one thread
// that owns them. The ledger tells it that something newer is committed; it reads that from the event source itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <koppel/bus/error.hpp>
#include <koppel/bus/event_source.hpp>
#include <koppel/bus/filter.hpp>
#include <koppel/bus/limits.hpp>
#include <memory>
#include <string>
#include <vector>

namespace koppel::bus {

enum class live_detail {
  thin,   ///< record events travel without their data: no personal data on XPUB
  whole,  ///< everything; for an operator whose listeners are all trusted
};

struct server_options {
  live_detail live = live_detail::thin;
  std::chrono::milliseconds heartbeat{limits::heartbeat};
  std::size_t max_sessions = limits::sessions;
  std::size_t many_connections = limits::many_connections;
  /// So many are connected, or more; told again once they had become less than half. On the bus thread.
  std::function<void(std::size_t)> on_many_connections;
  /// The event source failed. Called once, on the bus thread, which ends then.
  std::function<void(const failure&)> on_fatal;
  /// Stored events are damaged and a consumer that needs them was refused, or watchers did not see them. On the bus
  /// thread; the bus goes on.
  std::function<void(const failure&)> on_broken;
};

/// A connected consumer, for status pages.
struct session_info {
  std::string name;             ///< empty: anonymous
  position at;                  ///< what it was sent
  std::uint64_t acked = 0;      ///< what it made durable, in this session
  std::uint64_t credit = 0;     ///< bytes it may still be sent
  std::string connected_since;  ///< RFC 3339 UTC
  filters filter;
};

class server {
 public:
  server(std::filesystem::path folder, std::unique_ptr<event_source> source, server_options options);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Makes or checks the folder (mode 0700, ours), binds, starts the thread. From then on the source belongs to it.
  result<> start();
  /// Bounded: nothing is waited for but the turn that runs. Idempotent; the destructor calls it.
  void stop();

  // Thread-safe, at once.

  /// Everything up to `head_seq` is committed. Cheap; many calls become one turn.
  void notify(std::uint64_t head_seq);
  /// For what has no seq and is not stored (sync.progress): to XPUB only. Dropped when 1,000 are waiting.
  void publish_live(event e);
  /// Of both sockets, also of whoever says nothing.
  std::size_t connections() const;
  /// Waits for the turn that runs, milliseconds at most.
  std::vector<session_info> sessions() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace koppel::bus
