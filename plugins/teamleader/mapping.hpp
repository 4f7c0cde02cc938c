// SPDX-License-Identifier: Apache-2.0
// Teamleader Focus rows to canonical records. The field maps are the tables in mapping.cpp.
// A row of a list fills facet `core`; a read by id fills `core`, with the same bytes, and `detail`.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::teamleader {

extern const sdk::field_map company_map;
extern const sdk::field_map contact_map;
extern const sdk::field_map department_map;

/// Throws sdk::unmappable if the row has no usable id.
sdk::record to_company(const sdk::json& row);
sdk::record to_contact(const sdk::json& row);
sdk::record to_department(const sdk::json& row);

}  // namespace koppel::teamleader
