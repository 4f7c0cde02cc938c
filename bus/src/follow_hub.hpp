// SPDX-License-Identifier: Apache-2.0
// All sessions of the host: who is who, whose turn it is, what is answered to a message. No sockets and no clock:
// bytes and time come in, bytes go out. The event source is read here, on the bus thread.
#pragma once

#include <functional>
#include <map>

#include "follow_session.hpp"

namespace koppel::bus {

/// A message for one peer, named by ZeroMQ's routing id.
struct outgoing {
  std::string peer;
  std::string bytes;
};

class follow_hub {
 public:
  struct options {
    std::size_t max_sessions = 256;
    std::chrono::milliseconds silence{6'000};  ///< a session that says nothing for so long is dropped
    std::function<void(const failure&)> on_broken = [](const failure&) {};  ///< a session ended for broken history
  };
  struct entry {
    follow_session session;
    std::string connected_since;
  };

  follow_hub(event_source& source, options o) : source_(source), options_(o) {}

  /// Answers a message. A failure is the event source's: the host must stop. `wall` is RFC 3339, for people.
  result<std::vector<outgoing>> receive(const std::string& peer, std::string_view bytes, time_point now,
                                        const std::string& wall);
  /// Heartbeats for all; drops the silent; lets paused sessions try again.
  std::vector<outgoing> heartbeat(time_point now, const std::string& wall);

  void head(std::uint64_t seq);
  std::uint64_t head() const { return head_; }

  /// The next batch of the next session in turn that wants one. Tell the hub how sending went.
  result<std::optional<outgoing>> next();
  void sent(const std::string& peer);
  void would_block(const std::string& peer);
  void unreachable(const std::string& peer);

  const std::map<std::string, entry>& sessions() const { return sessions_; }

 private:
  result<std::vector<outgoing>> follow(const std::string& peer, follow_request request, time_point now,
                                       const std::string& wall);
  result<std::vector<outgoing>> acknowledge(const std::string& peer, follow_session& session, const position& at);
  result<history_facts> facts_for(const start_at& from);
  result<std::optional<outgoing>> compose_for(const std::string& peer, follow_session& session,
                                              const follow_session::read_order& order);
  result<std::optional<std::string>> compose_page(follow_session& session, const follow_session::read_order& order);
  result<const std::vector<stored_batch>*> read(const follow_session::read_order& order);
  outgoing refuse(const std::string& peer, const failure& why);
  outgoing refuse_broken(const std::string& peer, const failure& why);

  event_source& source_;
  options options_;
  std::uint64_t head_ = 0;
  std::map<std::string, entry> sessions_;
  std::string turn_;  ///< the peer that was served last
  /// The page that was read last: consumers at the head all want the same one. Forgotten when the head moves.
  struct cached_page {
    follow_session::read_order order;
    std::vector<stored_batch> batches;
  };
  std::optional<cached_page> cache_;
};

}  // namespace koppel::bus
