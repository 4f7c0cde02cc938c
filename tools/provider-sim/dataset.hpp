// SPDX-License-Identifier: Apache-2.0
// The account's companies and contacts: made from a seed, changed through the control port, read by the API.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collection.hpp"

namespace koppel::provider_sim {

struct dataset_size {
  std::size_t companies = 100;
  std::size_t contacts = 250;
};

class dataset {
 public:
  /// Records added and changed in the two years before `start`; the same arguments give the same records.
  dataset(dataset_size size, std::uint64_t seed, instant start);

  const collection& of(entity kind) const { return kind == entity::company ? companies_ : contacts_; }

  /// The `.info` shape (with a contact's companies), overrides applied.
  boost::json::object full(entity kind, slot place, boost::json::storage_ptr storage = {}) const;

  /// The live contacts that belong to a company, and the position of the link within the contact.
  struct linked_contact {
    slot contact;
    std::size_t which;
  };
  std::vector<linked_contact> contacts_of(slot company) const;

  std::vector<std::string> add(entity kind, std::size_t count, instant now);
  std::vector<std::string> change(entity kind, std::size_t count, instant now);
  std::vector<std::string> remove(entity kind, std::size_t count);
  /// By id; false if there is no such record.
  bool change_one(entity kind, std::string_view id, instant now);
  bool remove_one(entity kind, std::string_view id);

  /// Writes fields of the `.info` shape over a record and bumps `updated_at` (unless that is among them).
  /// Returns what is wrong, in which case nothing changed.
  std::optional<std::string> overwrite(entity kind, std::string_view id, const boost::json::object& fields,
                                       instant now);

 private:
  collection& mine(entity kind) { return kind == entity::company ? companies_ : contacts_; }
  std::vector<recipe> make(entity kind, std::size_t count);
  void link(recipe& contact, slot place);
  void spread_times(std::vector<recipe>& fresh, instant start);
  std::vector<std::string> ids(entity kind, const std::vector<slot>& places) const;

  draw dice_;
  collection companies_{entity::company};
  collection contacts_{entity::contact};
  std::vector<std::vector<slot>> linked_;  ///< contacts by company slot, deleted ones included
};

}  // namespace koppel::provider_sim
