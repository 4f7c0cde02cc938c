// SPDX-License-Identifier: Apache-2.0
// A contact's recipe links to its companies (`recipe::links`); the way back is kept here.
#include "teamleader/dataset.hpp"

#include <algorithm>
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
    if (companies.alive(record.links[which]))
      links.push_back({companies.at(record.links[which]).id, which, link_revision(place, which)});
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

unsigned dataset::link_revision(slot contact, std::size_t which) const {
  const auto known = link_revisions_.find({contact, which});
  return known == link_revisions_.end() ? 0 : known->second;
}

std::vector<std::string> dataset::relink(relinking what, std::size_t count) {
  const auto& contacts = of(entity::contact);
  std::vector<std::string> out;
  for (const slot contact : contacts.choose(contacts.size(), dice())) {
    if (out.size() == count) break;
    if (relink_one(what, contact)) out.push_back(id_text(contacts.at(contact).id));
  }
  return out;
}

bool dataset::relink_one(relinking what, slot contact) {
  const auto& companies = of(entity::company);
  const auto links = of(entity::contact).at(contact).links;
  // A link to a company that is gone is as good as none.
  const auto wanted = [&](slot link) { return companies.alive(link) == (what != relinking::linked); };
  const auto found = std::find_if(links.begin(), links.end(), wanted);
  if (found == links.end()) return false;
  const auto which = static_cast<std::size_t>(found - links.begin());
  if (what == relinking::changed) {
    const auto& of_contact = of(entity::contact).at(contact);
    auto& revision = link_revisions_[{contact, which}];
    const auto before = link_of(of_contact, which, revision);
    const auto is_as_before = [&](const company_link& now) {
      return now.position == before.position && now.division == before.division &&
             now.decision_maker == before.decision_maker;
    };
    do ++revision;
    while (is_as_before(link_of(of_contact, which, revision)));
    return true;
  }
  if (what == relinking::unlinked) {
    put_link(contact, which, no_slot);
    return true;
  }
  for (const slot company : companies.choose(2, dice())) {
    if (company == links[0] || company == links[1]) continue;
    put_link(contact, which, company);
    return true;
  }
  return false;
}

void dataset::put_link(slot contact, std::size_t which, slot company) {
  const auto before = of(entity::contact).at(contact).links[which];
  if (before != no_slot) std::erase(linked_[before], contact);
  if (company != no_slot) linked_[company].push_back(contact);
  ++link_revisions_[{contact, which}];
  adjust(static_cast<std::size_t>(entity::contact), contact, [&](recipe& one) { one.links[which] = company; });
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
