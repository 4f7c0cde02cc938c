// SPDX-License-Identifier: Apache-2.0
// The order in which dice are thrown decides what a seed means: ids and links first, record by record, then times.
#include "record_store.hpp"

#include <algorithm>

#include "timestamps.hpp"

namespace koppel::provider_sim {
namespace {

using namespace std::chrono;

constexpr std::size_t bulk_import = 150;  ///< more than one page of 100, all with one time of change

}  // namespace

record_store::record_store(std::vector<std::string> entities, std::uint64_t seed, milliseconds tick,
                           std::string updated_field)
    : names_(std::move(entities)), dice_(seed), tick_(tick), updated_field_(std::move(updated_field)) {
  for (std::size_t entity = 0; entity < names_.size(); ++entity)
    collections_.emplace_back([this, entity](const recipe& record) { return sort_name(entity, record); });
}

std::optional<std::size_t> record_store::entity_named(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names_.begin());
}

slot record_store::find(std::size_t entity, std::string_view id) const {
  const auto parsed = parse_id(id);
  return parsed ? of(entity).find(*parsed) : no_slot;
}

void record_store::populate(std::size_t entity, std::size_t count, instant start) {
  auto fresh = make(entity, count);
  spread_times(fresh, start);
  collections_[entity].add(std::move(fresh));
}

std::vector<recipe> record_store::make(std::size_t entity, std::size_t count) {
  const auto first = of(entity).next_slot();
  std::vector<recipe> fresh(count);
  for (std::size_t at = 0; at < count; ++at) {
    fresh[at].id = new_id(entity);
    fresh[at].active = !dice_.chance(8);
    link(entity, fresh[at], first + static_cast<slot>(at));
  }
  return fresh;
}

void record_store::spread_times(std::vector<recipe>& fresh, instant start) {
  const instant end = floor<seconds>(start);
  const auto span = static_cast<std::uint64_t>(duration_cast<seconds>(days{730}).count());
  // Within a second, for providers that count finer; such a time never passes `end`.
  const auto fraction = [this] {
    const auto ticks = static_cast<std::uint64_t>(seconds{1} / tick_);
    return ticks > 1 ? tick_ * static_cast<std::int64_t>(dice_.below(ticks)) : milliseconds{0};
  };
  for (std::size_t at = 0; at < fresh.size(); ++at) {
    auto& one = fresh[at];
    const auto age = dice_.below(span);
    one.added_at = end - seconds{age + 1} + fraction();
    one.updated_at =
        dice_.chance(30) ? one.added_at : std::max(one.added_at, end - seconds{1 + dice_.below(age + 1)} + fraction());
    // Several records of one moment are everyday: imports, bulk edits.
    if (at > 0 && dice_.chance(12)) one.updated_at = std::max(one.added_at, fresh[at - 1].updated_at);
  }
  if (fresh.size() < 1000) return;
  const auto imported = end - days{200};
  for (std::size_t at = 0; at < bulk_import; ++at) fresh[at].added_at = fresh[at].updated_at = imported;
}

std::vector<std::string> record_store::ids(std::size_t entity, std::span<const slot> places) const {
  std::vector<std::string> out;
  out.reserve(places.size());
  for (const slot place : places) out.push_back(id_text(of(entity).at(place).id));
  return out;
}

std::vector<std::string> record_store::add(std::size_t entity, std::size_t count, instant now) {
  auto fresh = make(entity, count);
  for (auto& one : fresh) one.added_at = one.updated_at = stamp(now);
  const auto first = collections_[entity].add(std::move(fresh));
  std::vector<slot> places;
  for (std::size_t at = 0; at < count; ++at) places.push_back(first + static_cast<slot>(at));
  return ids(entity, places);
}

void record_store::revise(std::size_t entity, std::span<const slot> places, instant now) {
  before_change(entity, places);
  collections_[entity].update(places, [&](recipe& record) {
    ++record.revision;
    record.updated_at = stamp(now);
  });
}

void record_store::take_away(std::size_t entity, std::span<const slot> places, instant now) {
  before_change(entity, places);
  collections_[entity].remove(places, stamp(now));
}

std::vector<std::string> record_store::change(std::size_t entity, std::size_t count, instant now) {
  const auto places = of(entity).choose(count, dice_);
  revise(entity, places, now);
  return ids(entity, places);
}

std::vector<std::string> record_store::remove(std::size_t entity, std::size_t count, instant now) {
  const auto places = of(entity).choose(count, dice_);
  take_away(entity, places, now);
  return ids(entity, places);
}

bool record_store::change_one(std::size_t entity, std::string_view id, instant now) {
  const auto place = find(entity, id);
  if (place == no_slot) return false;
  revise(entity, std::span(&place, 1), now);
  return true;
}

bool record_store::remove_one(std::size_t entity, std::string_view id, instant now) {
  const auto place = find(entity, id);
  if (place == no_slot) return false;
  take_away(entity, std::span(&place, 1), now);
  return true;
}

std::optional<std::string> record_store::overwrite(std::size_t entity, std::string_view id,
                                                   const boost::json::object& fields, instant now) {
  const auto place = find(entity, id);
  if (place == no_slot) return "no such record";

  const auto shape = full(entity, place);
  auto updated_at = stamp(now);
  for (const auto& [name, value] : fields) {
    if (!shape.contains(name)) return "not a field that can be set: " + std::string(name);
    if (auto problem = refuse_field(entity, std::string_view(name.data(), name.size()), value)) return problem;
    if (name != updated_field_) continue;
    const auto time = value.is_string() ? parse_time(value.get_string().c_str()) : std::nullopt;
    if (!time) return updated_field_ + " is not a time";
    updated_at = stamp(time->at);
  }
  before_change(entity, std::span(&place, 1));
  collections_[entity].update(std::span(&place, 1), [&](recipe& record) {
    record.updated_at = updated_at;
    if (!record.overrides) record.overrides = std::make_unique<boost::json::object>();
    for (const auto& [name, value] : fields) {
      if (name == updated_field_) continue;
      written(entity, record, std::string_view(name.data(), name.size()), value);
      (*record.overrides)[name] = value;
    }
  });
  return std::nullopt;
}

uuid record_store::new_id(std::size_t) { return {dice_.next(), dice_.next()}; }

void record_store::link(std::size_t, recipe&, slot) {}

std::optional<std::string> record_store::refuse_field(std::size_t, std::string_view, const boost::json::value&) const {
  return std::nullopt;
}

void record_store::written(std::size_t, recipe&, std::string_view, const boost::json::value&) {}

void record_store::before_change(std::size_t, std::span<const slot>) {}

}  // namespace koppel::provider_sim
