// SPDX-License-Identifier: Apache-2.0
// Rows of Zoho CRM to canonical records. The field maps are the tables in mapping.cpp.
// A list and a read by id say the same of what is mapped, so there is one facet.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::zoho {

extern const sdk::field_map company_map;
extern const sdk::field_map contact_map;
extern const sdk::field_map user_map;

/// What a list has to be asked for, at most 50 names: all that the maps read.
extern const std::string_view company_fields, contact_fields;

/// They throw sdk::unmappable if the row has no usable id.
sdk::record to_company(const sdk::json& row);
sdk::record to_contact(const sdk::json& row);
sdk::record to_user(const sdk::json& row);  ///< a deleted user is not there

/// A row of a list of deletions, or a user who was deleted.
sdk::record to_deletion(std::string_view entity, const sdk::json& row);

}  // namespace koppel::zoho
