// SPDX-License-Identifier: Apache-2.0
// The consumer's half of `follow`, without sockets: what to send, what a message means, when to connect anew.
// Order and gaplessness are checked here; whatever does not fit is a protocol fault, and the answer to it is a new
// connection from the last position, after a random pause of up to half a second.
#pragma once

#include <chrono>
#include <koppel/bus/client.hpp>
#include <optional>
#include <random>

#include "protocol.hpp"

namespace koppel::bus {

using time_point = std::chrono::steady_clock::time_point;

class follow_client {
 public:
  follow_client(follower_options options, std::uint32_t seed);

  /// The connection must be (re)made at this time; nothing while one is in use.
  std::optional<time_point> connect_at() const { return connect_at_; }
  /// A connection was opened; returns the message to send first.
  std::string connected(time_point now);

  /// Takes one message of the host. A delivery, or nothing to hand out. Failures are final: the host refused.
  result<std::optional<delivery>> receive(std::string_view bytes, time_point now);

  /// The application has taken what was delivered and waits again: its bytes become credit.
  void waiting(time_point now);
  /// Nothing came and the application gets its turn: what it takes from now on is not the host's silence, what was
  /// waited before is.
  void returning(time_point now) { looked_ = now; }
  /// Messages that are due: credit, an acknowledgement, a ping. Notices silence.
  std::vector<std::string> due(time_point now);
  /// The same messages, while the application has its turn: says nothing of the host's silence, for nobody listened.
  std::vector<std::string> outbox(time_point now);
  /// When to call `due` next, at the latest.
  time_point wake_at() const;
  void acknowledge(position at);

  const position& at() const { return at_; }
  std::uint64_t head() const { return head_; }
  std::uint64_t reconnects() const { return reconnects_; }
  const std::string& last_fault() const { return last_fault_; }

 private:
  result<std::optional<delivery>> on_batch(const batch_message& batch, std::size_t cost, time_point now);
  result<std::optional<delivery>> on_page(const page_message& page, std::size_t cost, time_point now);
  result<std::optional<delivery>> on_refused(const refused_message& refused, time_point now);
  /// Takes the events of a batch or a page behind `known`; why not, where they cannot be right.
  std::string take(std::string_view events, std::uint64_t first, std::uint64_t last, const std::string& epoch,
                   std::uint64_t known, delivery& into) const;
  void fault(std::string why, time_point now);

  follower_options options_;
  std::minstd_rand random_;
  position at_;                        ///< delivered up to here
  bool at_known_ = false;              ///< false until the host has said where "start" or "now" is
  std::optional<from_snapshot> walk_;  ///< the snapshot that is walked, as far as it was delivered
  bool accepted_ = false;              ///< the host has answered our follow on this connection
  std::optional<time_point> connect_at_ = time_point{};
  time_point last_heard_{}, last_batch_{}, last_said_{};
  time_point looked_{};  ///< when the application last got its turn, or we last looked
  std::uint64_t owed_credit_ = 0, grant_ = 0;
  std::optional<position> ack_;  ///< newest acknowledgement that was asked for
  bool ack_due_ = false;
  std::uint64_t head_ = 0, reconnects_ = 0;
  std::string last_fault_;
};

}  // namespace koppel::bus
