// SPDX-License-Identifier: Apache-2.0
// Webhook calls between what caused them and the wire: when each goes out, what a test does to them on the way, and
// what came of every attempt. Decides only; the courier carries. Bounded: what does not fit is dropped and counted.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "delivery.hpp"
#include "draw.hpp"
#include "http_message.hpp"
#include "knob_list.hpp"

namespace koppel::provider_sim {

/// A delivery with its number, which its repetitions and further attempts keep in `of`.
struct parcel {
  std::uint64_t number = 0;
  std::uint64_t of = 0;  ///< the delivery that this one repeats; itself otherwise
  std::string cause;     ///< change, again, flood, forged
  int attempt = 1;
  instant made, due;
  delivery what;
};

class outbox {
 public:
  static constexpr std::size_t capacity = 100'000, remembered = 10'000, logged = 100'000;

  explicit outbox(std::uint64_t seed) : dice_(seed) {}

  /// Deliveries of a change: the rules apply to them.
  void accept(std::vector<delivery> fresh, instant now);
  /// Deliveries that a test ordered: they go as they are, `per_second` of them (0: at once).
  void accept_ordered(std::vector<delivery> fresh, const std::string& cause, std::size_t per_second, instant now);
  /// The last `count` deliveries of changes once more, the oldest of them first; or those with `numbers`. How many.
  std::size_t repeat(std::size_t count, const std::vector<std::uint64_t>& numbers, instant now);

  /// The next one that may go now, if any. It counts as under way until `finished`.
  std::optional<parcel> next(instant now);
  /// When to ask again at the latest; nothing if only a call of another member can change the answer.
  std::optional<instant> wake_at() const;
  /// `what.attempts_left` and `what.pause` say whether it is tried again.
  void finished(parcel one, const attempt& result, instant now);

  /// The latest delivery of a change to `url`, or to any if that is empty.
  const delivery* latest(const std::string& url) const;

  /// What a test does to deliveries; see README.md. Returns what is wrong with `orders`, in which case nothing changed.
  std::optional<std::string> set_rules(const boost::json::object& orders);
  void clear_rules() { rules_ = {}; }
  boost::json::object rules();
  boost::json::object counts() const;
  /// {"next":N,"attempts":[...]}: attempts by the order in which they ended.
  std::string attempts_since(std::uint64_t since, std::size_t limit) const;

 private:
  struct rule_set {
    bool paused = false;
    bool shuffle = false;
    std::chrono::milliseconds delay{0}, jitter{0};
    std::size_t twice_every = 0, drop_every = 0;
    std::size_t at_once = 8;
    std::set<std::uint64_t> drop;  ///< ordinals since the rules were set
    std::uint64_t seen = 0;
  };
  struct ended {
    std::uint64_t seq = 0;
    parcel one;  ///< without its body
    attempt result;
    instant at;
  };

  static knob_list scalars(rule_set& of);
  void put(parcel one);

  draw dice_;
  rule_set rules_;
  std::uint64_t next_number_ = 1, next_seq_ = 1;
  std::map<std::pair<instant, std::uint64_t>, parcel> waiting_;  ///< by when, then in order of arrival
  std::uint64_t arrivals_ = 0;
  std::size_t under_way_ = 0;
  std::deque<parcel> past_;  ///< of changes, to be repeated
  std::deque<ended> log_;
  std::uint64_t made_ = 0, dropped_ = 0, overflowed_ = 0, sent_ = 0, taken_ = 0, given_up_ = 0;
  std::map<int, std::uint64_t> by_status_;
};

}  // namespace koppel::provider_sim
