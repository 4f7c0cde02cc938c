// SPDX-License-Identifier: Apache-2.0
// The account's companies and contacts, and the links between them in both directions.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
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

 private:
  std::string sort_name(std::size_t kind, const recipe& record) const override;
  void link(std::size_t kind, recipe& fresh, slot place) override;
  std::optional<std::string> refuse_field(std::size_t kind, std::string_view name,
                                          const boost::json::value& value) const override;
  void written(std::size_t kind, recipe& record, std::string_view name, const boost::json::value& value) override;

  std::vector<std::vector<slot>> linked_;  ///< contacts by company slot, deleted ones included
};

}  // namespace koppel::provider_sim::teamleader
