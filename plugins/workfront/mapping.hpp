// SPDX-License-Identifier: Apache-2.0
// Workfront's objects to canonical records. The field maps are the tables in mapping.cpp. Lists and reads by id are
// asked for the same fields, so one facet, `core`, holds them all.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::workfront {

extern const sdk::field_map company_map;
extern const sdk::field_map project_map;
extern const sdk::field_map user_map;

/// An object of the API: its name in paths, what `fields` asks for (one name that Workfront does not know fails the
/// whole request), and how a row becomes a record.
struct object {
  std::string_view path, fields;
  const sdk::field_map& map;

  /// Throws sdk::unmappable if the row has no usable ID.
  sdk::record to_record(const sdk::json& row) const { return map_row(map, row, "/ID", "/lastUpdateDate"); }
};

extern const object company, project, user;

}  // namespace koppel::workfront
