// SPDX-License-Identifier: Apache-2.0
// The tables of the consumer's database, and which canonical fields (docs/bus.md) become columns of which entity.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::proplus {

inline constexpr int schema_version = 2;
inline constexpr int application_id = 0x4B505031;  ///< "KPP1", in the file's header: whose database this is

struct entity {
  std::string_view name;                  ///< also the table's
  std::vector<std::string_view> columns;  ///< the canonical fields; lists and maps are kept as JSON text
};

/// The five entities, in a fixed order.
const std::vector<entity>& entities();
/// By entity name, or by the name of its stream ("companies"); null for what we do not keep.
const entity* find_entity(std::string_view name);

/// All CREATE statements, as one script.
std::string create_script();
/// Insert, or update where the event is newer. Parameters: connection_id, id, revision, walk, last_seq, a bit mask of
/// the fields that are there (an absent one keeps what we have), then the columns.
std::string upsert_sql(const entity& e);

}  // namespace koppel::proplus
