// SPDX-License-Identifier: Apache-2.0
// A contact's recipe links to its companies (`recipe::links`); the way back is kept here.
#include "teamleader/dataset.hpp"

#include <boost/json/value.hpp>

#include "teamleader/portrait.hpp"

namespace koppel::provider_sim::teamleader {

dataset::dataset(dataset_size size, std::uint64_t seed, instant start)
    : record_store({"company", "contact"}, seed, std::chrono::seconds{1}, "updated_at") {
  populate(static_cast<std::size_t>(entity::company), size.companies, start);
  populate(static_cast<std::size_t>(entity::contact), size.contacts, start);
}

void dataset::link(std::size_t kind, recipe& fresh, slot place) {
  if (static_cast<entity>(kind) == entity::company) {
    linked_.resize(place + 1);
    return;
  }
  const auto& companies = of(entity::company).order(sort_key::updated_at);
  if (companies.empty()) return;
  const unsigned count = dice().chance(15) ? 0 : dice().chance(12) ? 2 : 1;
  for (unsigned which = 0; which < count; ++which) {
    const auto company = companies[dice().below(companies.size())];
    if (which == 1 && fresh.links[0] == company) break;
    fresh.links[which] = company;
    linked_[company].push_back(place);
  }
}

boost::json::object dataset::full(std::size_t kind, slot place, boost::json::storage_ptr storage) const {
  const auto& record = of(kind).at(place);
  const auto& companies = of(entity::company);
  std::vector<linked_company> links;
  for (std::size_t which = 0; which < record.links.size(); ++which)
    if (companies.alive(record.links[which])) links.push_back({companies.at(record.links[which]).id, which});
  return full_record(static_cast<entity>(kind), record, links, std::move(storage));
}

std::vector<dataset::linked_contact> dataset::contacts_of(slot company) const {
  const auto& contacts = of(entity::contact);
  std::vector<linked_contact> out;
  for (const slot contact : linked_[company]) {
    if (!contacts.alive(contact)) continue;
    out.push_back({contact, contacts.at(contact).links[0] == company ? 0u : 1u});
  }
  return out;
}

std::string dataset::sort_name(std::size_t kind, const recipe& record) const {
  return teamleader::sort_name(static_cast<entity>(kind), record);
}

std::optional<std::string> dataset::refuse_field(std::size_t, std::string_view name,
                                                 const boost::json::value& value) const {
  // `companies` would have to be kept in step with the company's side of the link.
  if (name == "id" || name == "companies") return "not a field that can be set: " + std::string(name);
  if (name == "status" && value != "active" && value != "deactivated") return "status is active or deactivated";
  return std::nullopt;
}

void dataset::written(std::size_t, recipe& record, std::string_view name, const boost::json::value& value) {
  if (name == "status") record.active = value == "active";
}

}  // namespace koppel::provider_sim::teamleader
