// SPDX-License-Identifier: Apache-2.0
// All records of one entity. A record is kept as a *recipe*: its id, its times, how often it changed, and what a test
// wrote over it. Its fields are computed from that on demand by the provider, so a million records fit in memory.
// The order by (updated_at, id) is kept at all times; the other two orders are made when asked for.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "draw.hpp"
#include "http_message.hpp"
#include "uuid.hpp"

namespace koppel::provider_sim {

enum class sort_key { name, added_at, updated_at };

/// The place of a record in its collection; never reused.
using slot = std::uint32_t;
inline constexpr slot no_slot = static_cast<slot>(-1);

struct recipe {
  uuid id;
  std::uint32_t revision = 0;
  instant added_at;
  instant updated_at;
  instant removed_at{};                            ///< of a record that is gone
  std::array<slot, 2> links{no_slot, no_slot};     ///< to records of other entities; the provider says what they mean
  std::unique_ptr<boost::json::object> overrides;  ///< fields written through the control port
  bool active = true;
  bool alive = true;
};

class collection {
 public:
  /// `name_of` gives what a record is sorted by under its name.
  explicit collection(std::function<std::string(const recipe&)> name_of) : name_of_(std::move(name_of)) {}

  std::size_t size() const { return by_update_.size(); }
  const recipe& at(slot place) const { return recipes_[place]; }
  bool alive(slot place) const { return place < recipes_.size() && recipes_[place].alive; }
  /// no_slot if there is no such record (any more).
  slot find(const uuid& id) const;

  /// The slot that the next added record gets.
  slot next_slot() const { return static_cast<slot>(recipes_.size()); }

  /// Adds recipes; their slots are consecutive, and the first one is returned.
  slot add(std::vector<recipe> fresh);

  /// Applies `change(recipe&)` to each record and moves them to their new place in the order.
  template <class Change>
  void update(std::span<const slot> places, Change change) {
    for (const slot place : places) change(recipes_[place]);
    reorder(places);
  }

  void remove(std::span<const slot> places, instant now);

  /// Live records, ascending; ties by id. The reference is good until the next change.
  const std::vector<slot>& order(sort_key key) const;

  /// The position in order(updated_at) of the first record not before (or, exclusive, after) `since`.
  std::size_t first_since(instant since, bool exclusive) const;

  /// `count` different live records, or all if there are fewer.
  std::vector<slot> choose(std::size_t count, draw& dice) const;

 private:
  bool earlier(slot a, slot b) const;
  void reorder(std::span<const slot> places);
  void drop_from_order(std::span<const slot> places);

  std::function<std::string(const recipe&)> name_of_;
  std::vector<recipe> recipes_;
  std::unordered_map<uuid, slot> by_id_;
  std::vector<slot> by_update_;
  mutable std::vector<slot> by_name_, by_added_;  ///< empty while out of date
};

}  // namespace koppel::provider_sim
