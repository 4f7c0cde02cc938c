// SPDX-License-Identifier: Apache-2.0
// One consumer's session, as the host sees it: where it is, what it may still be sent, what comes next.
// Decisions only: pages of history, requests and time come in as arguments, messages come out. No sockets, no clock.
#pragma once

#include <chrono>
#include <koppel/bus/event_source.hpp>
#include <optional>

#include "protocol.hpp"

namespace koppel::bus {

using time_point = std::chrono::steady_clock::time_point;

/// What the host's history says about the place where a consumer wants to begin.
struct history_facts {
  std::string epoch;
  std::uint64_t head = 0;
  std::uint64_t horizon = 1;
  std::string id_at_position;  ///< of the event at the asked seq; empty where there is none (any more)
};

/// Where following begins, or why it cannot (epoch_changed, position_expired, position_ahead).
result<position> begin_at(const start_at& from, const history_facts& facts);

class follow_session {
 public:
  follow_session(follow_request request, position begin, time_point now);

  struct read_order {
    std::uint64_t after = 0;
    std::size_t max_bytes = 0;
    std::optional<std::uint64_t> newest_up_to;  ///< each subject's newest up to here, for `compose_page`
  };
  /// What to read for the next batch; nothing when caught up, out of credit or paused.
  std::optional<read_order> wants(std::uint64_t head) const;

  /// The next batch out of a page that was read as ordered. `horizon` is taken after the page was read.
  /// An empty result: the page does not fit the credit; more credit opens the way again.
  /// position_expired: retention has overtaken this session. history_broken: this session must end.
  result<std::optional<std::string>> compose(const std::vector<stored_batch>& page, std::uint64_t horizon);
  /// The next page of a snapshot, of what was read as ordered. An empty result: it does not fit the credit.
  result<std::optional<std::string>> compose_page(const newest_events& walked, std::uint64_t head);
  /// The composed batch or page has left; the session moves on.
  void sent();
  /// The peer's pipe is full: wait until it says something or the next heartbeat.
  void pause() { paused_ = true; }
  /// The source had nothing, although the head says so: ask again when the head is confirmed.
  void nothing_there() { paused_ = true; }
  void resume() { paused_ = false; }

  /// The message that accepts a session: an empty batch that names its position.
  std::string acceptance() const;

  void heard(time_point now) {
    last_heard_ = now;
    paused_ = false;
  }
  bool silent_since(time_point then) const { return last_heard_ < then; }
  result<> on_credit(std::uint64_t bytes);
  /// The seq to keep for this consumer, or nothing (anonymous, or not newer).
  result<std::optional<std::uint64_t>> on_ack(const position& at);

  const std::string& name() const { return request_.consumer; }
  /// What it was sent; while a snapshot is walked, what that is of.
  const position& at() const { return at_; }
  std::uint64_t credit() const { return credit_; }
  std::uint64_t acked() const { return acked_; }
  const filters& filter() const { return request_.filter; }

 private:
  struct filling;  ///< a batch in the making
  result<> append(filling& into, const stored_batch& batch, std::uint64_t horizon) const;
  std::optional<std::string> within_credit(std::string message);

  follow_request request_;
  position at_;  ///< everything up to here was sent
  std::uint64_t credit_;
  std::uint64_t acked_ = 0;
  std::uint64_t refused_credit_ = 0;  ///< with this much credit the next batch did not fit; 0: none did not
  /// From the start a consumer may walk history that retention has thinned: it still meets each record's newest.
  bool walking_thinned_;
  std::optional<std::uint64_t> walked_;  ///< of a snapshot; its pages come before anything behind at_
  bool paused_ = false;
  time_point last_heard_;
  struct composed {
    std::uint64_t cost = 0;
    position up_to;
    std::optional<std::uint64_t> walked;
  } next_;
};

}  // namespace koppel::bus
