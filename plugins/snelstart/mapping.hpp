// SPDX-License-Identifier: Apache-2.0
// A row of SnelStart's `relaties` to a canonical company. The field map is the table in mapping.cpp.
// Lists and reads by id give the same row. Facet `core` is most of it; the second and third telephone number and the
// second address have facets of their own, which the host joins, and so has `state`, which alone is known of a relation
// that SnelStart refuses to show because it is no longer active.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::snelstart {

sdk::kind_list own_kinds();

/// Ids of `landen` and their ISO 3166-1 alpha-2 codes. A code that is not two capital letters is none.
sdk::lookup to_countries(const sdk::json_items& rows);

/// The administration's own relation, and SnelStart's placeholders: made by SnelStart, and nobody's customer.
bool is_internal(const sdk::json& row);

/// All that is known of a relation that is "nonactief" and not shown.
sdk::record to_inactive_company(std::string_view id);

}  // namespace koppel::snelstart
