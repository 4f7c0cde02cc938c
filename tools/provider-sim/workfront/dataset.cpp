// SPDX-License-Identifier: Apache-2.0
// Links of a recipe: 0 is the company of a user or project, 1 a project's owner or a user's manager.
#include "workfront/dataset.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <numeric>

namespace koppel::provider_sim::workfront {
namespace {

constexpr auto companies = static_cast<std::size_t>(entity::company);
constexpr auto users = static_cast<std::size_t>(entity::user);
constexpr auto projects = static_cast<std::size_t>(entity::project);

}  // namespace

dataset::dataset(dataset_size size, std::uint64_t seed, instant start, const knobs& settings)
    : record_store({"company", "user", "project"}, seed, std::chrono::milliseconds{1}, "lastUpdateDate"),
      settings_(settings),
      start_(start) {
  populate(companies, size.companies, start);
  populate(users, std::max<std::size_t>(size.users, 1), start);
  populate(projects, size.projects, start);
}

void dataset::link(std::size_t kind, recipe& fresh, slot place) {
  if (kind == companies) return;
  const auto& all_companies = of(companies).order(sort_key::updated_at);
  if (!all_companies.empty() && !dice().chance(15)) fresh.links[0] = all_companies[dice().below(all_companies.size())];
  if (kind == users) {
    if (place == 0) fresh.active = true;
    if (place > 0 && dice().chance(50)) fresh.links[1] = 0;
    return;
  }
  const auto& all_users = of(users).order(sort_key::updated_at);
  if (!all_users.empty()) fresh.links[1] = all_users[dice().below(all_users.size())];
}

std::optional<std::string> dataset::linked(std::size_t to, slot place) const {
  if (!of(to).alive(place)) return std::nullopt;
  return id_text(of(to).at(place).id);
}

boost::json::object dataset::full(std::size_t kind, slot place, boost::json::storage_ptr storage) const {
  return shown(static_cast<entity>(kind), place, default_customer, rest_dates(), std::move(storage));
}

boost::json::object dataset::shown(entity kind, slot place, const std::string& customer_id, const date_form& dates,
                                   boost::json::storage_ptr storage) const {
  const auto& record = of(kind).at(place);
  surroundings around;
  around.customer_id = customer_id;
  around.administrator_id = administrator_id();
  if (kind != entity::company) {
    around.company_id = linked(companies, record.links[0]);
    around.person_id = linked(users, record.links[1]);
  }
  around.updated_at = updated_at(kind, place);
  around.administrator = kind == entity::user && place == 0 && !settings_.not_admin;
  around.dates = dates;
  return portrait(kind, record, around, std::move(storage));
}

std::optional<instant> dataset::updated_at(entity kind, slot place) const {
  const auto& record = of(kind).at(place);
  const bool edited = record.revision > 0 || record.overrides || record.updated_at != record.added_at;
  // Of old records some have none; whether a new one has one is a knob.
  const bool null_of_old = record.added_at < start_ && record.id.high % 8 == 0;
  if (!edited && (settings_.null_update_dates || null_of_old)) return std::nullopt;
  return record.updated_at;
}

std::optional<uuid> dataset::company_of(entity kind, slot place) const {
  const auto company = of(kind).at(place).links[0];
  if (kind == entity::company || !of(companies).alive(company)) return std::nullopt;
  return of(companies).at(company).id;
}

std::vector<slot> dataset::by_id(entity kind) const {
  const auto& all = of(kind);
  auto& order = by_id_[static_cast<std::size_t>(kind)];
  if (order.size() != all.next_slot()) {
    order.resize(all.next_slot());
    std::iota(order.begin(), order.end(), slot{0});
    std::sort(order.begin(), order.end(), [&](slot a, slot b) { return all.at(a).id < all.at(b).id; });
  }
  std::vector<slot> live;
  live.reserve(all.size());
  std::copy_if(order.begin(), order.end(), std::back_inserter(live), [&](slot place) { return all.alive(place); });
  return live;
}

std::string dataset::sort_name(std::size_t kind, const recipe& record) const {
  if (record.overrides)
    if (const auto* name = record.overrides->if_contains("name"))
      return name->is_string() ? std::string(name->get_string().c_str()) : std::string();
  return workfront::sort_name(static_cast<entity>(kind), record);
}

std::optional<std::string> dataset::refuse_field(std::size_t, std::string_view name,
                                                 const boost::json::value& value) const {
  if (name == "ID" || name == "objCode" || name == "customerID" || name == "entryDate")
    return "not a field that can be set: " + std::string(name);
  if (name == "isActive" && !value.is_bool()) return "isActive is true or false";
  return std::nullopt;
}

void dataset::written(std::size_t, recipe& record, std::string_view name, const boost::json::value& value) {
  if (name == "isActive") record.active = value.get_bool();
}

void dataset::before_change(std::size_t kind, std::span<const slot> places) {
  if (!watching_) return;
  for (const slot place : places)
    before_[id_text(of(kind).at(place).id)] =
        shown(static_cast<entity>(kind), place, default_customer, {'.', settings_.utc_offset});
}

}  // namespace koppel::provider_sim::workfront
