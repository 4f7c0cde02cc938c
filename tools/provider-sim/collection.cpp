// SPDX-License-Identifier: Apache-2.0
// A batch of changes costs one pass over the order and a merge of its tail: records that change move to the end, so the
// merge is short, and a bulk change of ten thousand records is not ten thousand insertions.
#include "collection.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

namespace koppel::provider_sim {

slot collection::find(const uuid& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? no_slot : found->second;
}

bool collection::earlier(slot a, slot b) const {
  return std::tie(recipes_[a].updated_at, recipes_[a].id) < std::tie(recipes_[b].updated_at, recipes_[b].id);
}

slot collection::add(std::vector<recipe> fresh) {
  const auto first = static_cast<slot>(recipes_.size());
  std::vector<slot> places(fresh.size());
  std::iota(places.begin(), places.end(), first);
  for (auto& one : fresh) {
    by_id_.emplace(one.id, static_cast<slot>(recipes_.size()));
    recipes_.push_back(std::move(one));
  }
  reorder(places);
  return first;
}

void collection::remove(std::span<const slot> places, instant now) {
  drop_from_order(places);
  for (const slot place : places) {
    by_id_.erase(recipes_[place].id);
    recipes_[place].alive = false;
    recipes_[place].removed_at = now;
    recipes_[place].overrides.reset();
  }
}

void collection::drop_from_order(std::span<const slot> places) {
  by_name_.clear();
  by_added_.clear();
  std::vector<bool> leaving(recipes_.size());
  for (const slot place : places) leaving[place] = true;
  std::erase_if(by_update_, [&](slot place) { return leaving[place]; });
}

void collection::reorder(std::span<const slot> places) {
  if (places.empty()) return;
  drop_from_order(places);
  std::vector<slot> moved(places.begin(), places.end());
  const auto less = [this](slot a, slot b) { return earlier(a, b); };
  std::sort(moved.begin(), moved.end(), less);
  moved.erase(std::unique(moved.begin(), moved.end()), moved.end());
  const auto from = std::lower_bound(by_update_.begin(), by_update_.end(), moved.front(), less) - by_update_.begin();
  const auto middle = static_cast<std::ptrdiff_t>(by_update_.size());
  by_update_.insert(by_update_.end(), moved.begin(), moved.end());
  std::inplace_merge(by_update_.begin() + from, by_update_.begin() + middle, by_update_.end(), less);
}

const std::vector<slot>& collection::order(sort_key key) const {
  if (key == sort_key::updated_at || by_update_.empty()) return by_update_;
  if (key == sort_key::added_at) {
    if (by_added_.empty()) {
      by_added_ = by_update_;
      std::sort(by_added_.begin(), by_added_.end(), [this](slot a, slot b) {
        return std::tie(recipes_[a].added_at, recipes_[a].id) < std::tie(recipes_[b].added_at, recipes_[b].id);
      });
    }
    return by_added_;
  }
  if (by_name_.empty()) {
    std::vector<std::pair<std::string, slot>> names;
    names.reserve(by_update_.size());
    for (const slot place : by_update_) names.emplace_back(name_of_(recipes_[place]), place);
    std::sort(names.begin(), names.end(), [this](const auto& a, const auto& b) {
      return std::tie(a.first, recipes_[a.second].id) < std::tie(b.first, recipes_[b.second].id);
    });
    for (const auto& [name, place] : names) by_name_.push_back(place);
  }
  return by_name_;
}

std::size_t collection::first_since(instant since, bool exclusive) const {
  const auto before = [&](slot place) {
    return exclusive ? recipes_[place].updated_at <= since : recipes_[place].updated_at < since;
  };
  return static_cast<std::size_t>(std::partition_point(by_update_.begin(), by_update_.end(), before) -
                                  by_update_.begin());
}

std::vector<slot> collection::choose(std::size_t count, draw& dice) const {
  auto pool = by_update_;
  count = std::min(count, pool.size());
  for (std::size_t at = 0; at < count; ++at) std::swap(pool[at], pool[at + dice.below(pool.size() - at)]);
  pool.resize(count);
  return pool;
}

}  // namespace koppel::provider_sim
