// SPDX-License-Identifier: Apache-2.0
// From a recipe to the JSON of a record. The `.info` shape is the full one; the `.list` shape is made from it, so the
// two can never contradict each other.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <span>
#include <string>

#include "collection.hpp"
#include "teamleader/dataset.hpp"

namespace koppel::provider_sim::teamleader {

/// A contact's company, as `contacts.info` shows it and, from the other side, `companies.info` with related_contacts.
struct company_link {
  std::string_view position, secondary_position, division;  ///< empty means null
  bool decision_maker = false;
};

/// A company that a contact belongs to, which of its links says so, and how often that was written anew.
struct linked_company {
  uuid id;
  std::size_t which = 0;
  unsigned revision = 0;
};

/// What a list is sorted by under `name`: the company's name, or last_name and first_name.
std::string sort_name(entity kind, const recipe& record);

/// The `.info` shape without anything that an include asks for; a contact's `companies` are those of `companies`.
boost::json::object full_record(entity kind, const recipe& record, std::span<const linked_company> companies,
                                boost::json::storage_ptr storage = {});

/// Turns the `.info` shape into the `.list` shape: primary_address for addresses, and no detail-only field.
void reduce_to_list(entity kind, boost::json::object& record, bool with_custom_fields);

/// The `which`-th company link of a contact, in its `revision`.
company_link link_of(const recipe& contact, std::size_t which, unsigned revision);

/// {"type":"priceList",...} or null, shown only where an include asks for it.
boost::json::value price_list_of(const recipe& record);

/// The ids of the fixed objects that records refer to.
uuid fixed_id(std::string_view what, std::uint64_t number);

/// The account's custom field definitions for one context, as customFieldDefinitions.list shows them.
boost::json::array custom_field_definitions();

}  // namespace koppel::provider_sim::teamleader
