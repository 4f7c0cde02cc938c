// SPDX-License-Identifier: Apache-2.0
// Makes recipes and keeps the links between contacts and companies in both directions.
#include "dataset.hpp"

#include <algorithm>
#include <boost/json/value.hpp>

#include "portrait.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim {
namespace {

using namespace std::chrono;

constexpr std::size_t bulk_import = 150;  ///< more than one page of 100, all with one updated_at

}  // namespace

dataset::dataset(dataset_size size, std::uint64_t seed, instant start) : dice_(seed) {
  for (const auto kind : {entity::company, entity::contact}) {
    auto fresh = make(kind, kind == entity::company ? size.companies : size.contacts);
    spread_times(fresh, start);
    mine(kind).add(std::move(fresh));
  }
}

std::vector<recipe> dataset::make(entity kind, std::size_t count) {
  const auto first = of(kind).next_slot();
  std::vector<recipe> fresh(count);
  for (std::size_t at = 0; at < count; ++at) {
    fresh[at].id = {dice_.next(), dice_.next()};
    fresh[at].active = !dice_.chance(8);
    if (kind == entity::contact) link(fresh[at], first + static_cast<slot>(at));
  }
  if (kind == entity::company) linked_.resize(first + count);
  return fresh;
}

void dataset::link(recipe& contact, slot place) {
  const auto& companies = companies_.order(sort_key::updated_at);
  if (companies.empty()) return;
  const unsigned count = dice_.chance(15) ? 0 : dice_.chance(12) ? 2 : 1;
  for (unsigned which = 0; which < count; ++which) {
    const auto company = companies[dice_.below(companies.size())];
    if (which == 1 && contact.companies[0] == company) break;
    contact.companies[which] = company;
    linked_[company].push_back(place);
  }
}

void dataset::spread_times(std::vector<recipe>& fresh, instant start) {
  const auto end = floor<seconds>(start);
  const auto span = static_cast<std::uint64_t>(duration_cast<seconds>(days{730}).count());
  for (std::size_t at = 0; at < fresh.size(); ++at) {
    auto& one = fresh[at];
    const auto age = dice_.below(span);
    one.added_at = end - seconds{age + 1};
    one.updated_at = dice_.chance(30) ? one.added_at : end - seconds{1 + dice_.below(age + 1)};
    // Several records of one second are everyday: imports, bulk edits.
    if (at > 0 && dice_.chance(12)) one.updated_at = std::max(one.added_at, fresh[at - 1].updated_at);
  }
  if (fresh.size() < 1000) return;
  const auto imported = end - days{200};
  for (std::size_t at = 0; at < bulk_import; ++at) fresh[at].added_at = fresh[at].updated_at = imported;
}

boost::json::object dataset::full(entity kind, slot place, boost::json::storage_ptr storage) const {
  const auto& record = of(kind).at(place);
  std::vector<linked_company> links;
  for (std::size_t which = 0; which < record.companies.size(); ++which)
    if (companies_.alive(record.companies[which])) links.push_back({companies_.at(record.companies[which]).id, which});
  return full_record(kind, record, links, std::move(storage));
}

std::vector<dataset::linked_contact> dataset::contacts_of(slot company) const {
  std::vector<linked_contact> out;
  for (const slot contact : linked_[company]) {
    if (!contacts_.alive(contact)) continue;
    out.push_back({contact, contacts_.at(contact).companies[0] == company ? 0u : 1u});
  }
  return out;
}

std::vector<std::string> dataset::ids(entity kind, const std::vector<slot>& places) const {
  std::vector<std::string> out;
  out.reserve(places.size());
  for (const slot place : places) out.push_back(of(kind).at(place).id.text());
  return out;
}

std::vector<std::string> dataset::add(entity kind, std::size_t count, instant now) {
  auto fresh = make(kind, count);
  for (auto& one : fresh) one.added_at = one.updated_at = floor<seconds>(now);
  const auto first = mine(kind).add(std::move(fresh));
  std::vector<slot> places;
  for (std::size_t at = 0; at < count; ++at) places.push_back(first + static_cast<slot>(at));
  return ids(kind, places);
}

std::vector<std::string> dataset::change(entity kind, std::size_t count, instant now) {
  const auto places = of(kind).choose(count, dice_);
  mine(kind).update(places, [&](recipe& record) {
    ++record.revision;
    record.updated_at = floor<seconds>(now);
  });
  return ids(kind, places);
}

std::vector<std::string> dataset::remove(entity kind, std::size_t count) {
  const auto places = of(kind).choose(count, dice_);
  auto gone = ids(kind, places);
  mine(kind).remove(places);
  return gone;
}

bool dataset::change_one(entity kind, std::string_view id, instant now) {
  const auto parsed = uuid::parse(id);
  const auto place = parsed ? of(kind).find(*parsed) : no_slot;
  if (place == no_slot) return false;
  mine(kind).update(std::span(&place, 1), [&](recipe& record) {
    ++record.revision;
    record.updated_at = floor<seconds>(now);
  });
  return true;
}

bool dataset::remove_one(entity kind, std::string_view id) {
  const auto parsed = uuid::parse(id);
  const auto place = parsed ? of(kind).find(*parsed) : no_slot;
  if (place == no_slot) return false;
  mine(kind).remove(std::span(&place, 1));
  return true;
}

std::optional<std::string> dataset::overwrite(entity kind, std::string_view id, const boost::json::object& fields,
                                              instant now) {
  const auto parsed = uuid::parse(id);
  const auto place = parsed ? of(kind).find(*parsed) : no_slot;
  if (place == no_slot) return "no such record";

  const auto shape = full(kind, place);
  auto updated_at = floor<seconds>(now);
  for (const auto& [name, value] : fields) {
    // `companies` would have to be kept in step with the company's side of the link.
    if (!shape.contains(name) || name == "id" || name == "companies")
      return "not a field that can be set: " + std::string(name);
    if (name == "status" && value != "active" && value != "deactivated") return "status is active or deactivated";
    if (name != "updated_at") continue;
    const auto time = value.is_string() ? parse_time(value.get_string().c_str()) : std::nullopt;
    if (!time) return "updated_at is not a time";
    updated_at = floor<seconds>(time->at);
  }
  mine(kind).update(std::span(&place, 1), [&](recipe& record) {
    record.updated_at = updated_at;
    if (!record.overrides) record.overrides = std::make_unique<boost::json::object>();
    for (const auto& [name, value] : fields) {
      if (name == "updated_at") continue;
      if (name == "status") record.active = value == "active";
      (*record.overrides)[name] = value;
    }
  });
  return std::nullopt;
}

}  // namespace koppel::provider_sim
