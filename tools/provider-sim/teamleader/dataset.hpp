// SPDX-License-Identifier: Apache-2.0
// The account's companies and contacts, and the links between them in both directions.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record_store.hpp"

namespace koppel::provider_sim::teamleader {

enum class entity { company, contact };

struct dataset_size {
  std::size_t companies = 100;
  std::size_t contacts = 250;
};

class dataset final : public record_store {
 public:
  /// The same arguments give the same records.
  dataset(dataset_size size, std::uint64_t seed, instant start);

  using record_store::of;
  const collection& of(entity kind) const { return of(static_cast<std::size_t>(kind)); }

  /// The `.info` shape (with a contact's companies), overrides applied.
  boost::json::object full(std::size_t kind, slot place, boost::json::storage_ptr storage = {}) const override;
  boost::json::object full(entity kind, slot place, boost::json::storage_ptr storage = {}) const {
    return full(static_cast<std::size_t>(kind), place, std::move(storage));
  }

  /// The live contacts that belong to a company, and the position of the link within the contact.
  struct linked_contact {
    slot contact;
    std::size_t which;
  };
  std::vector<linked_contact> contacts_of(slot company) const;
  unsigned link_revision(slot contact, std::size_t which) const;

  /// One link of each of `count` contacts, by seeded dice: a company more, one less, or another function at one. Moves
  /// no time of change. Returns the ids of the contacts; of those that have no such link to change there are fewer.
  enum class relinking { linked, unlinked, changed };
  std::vector<std::string> relink(relinking what, std::size_t count);

 private:
  std::string sort_name(std::size_t kind, const recipe& record) const override;
  void link(std::size_t kind, recipe& fresh, slot place) override;
  std::optional<std::string> refuse_field(std::size_t kind, std::string_view name,
                                          const boost::json::value& value) const override;
  void written(std::size_t kind, recipe& record, std::string_view name, const boost::json::value& value) override;

  bool relink_one(relinking what, slot contact);
  void put_link(slot contact, std::size_t which, slot company);

  std::vector<std::vector<slot>> linked_;  ///< contacts by company slot, deleted ones included
  std::map<std::pair<slot, std::size_t>, unsigned> link_revisions_;  ///< of the links that were written anew
};

}  // namespace koppel::provider_sim::teamleader
