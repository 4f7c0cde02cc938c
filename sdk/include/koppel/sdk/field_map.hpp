// SPDX-License-Identifier: Apache-2.0
// Field maps: which field of a provider's JSON becomes which canonical field, as data. A mapper walks the table; tests
// and documents read the same table.
#pragma once

#include <koppel/sdk/entities.hpp>
#include <koppel/sdk/json.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace koppel::sdk {

/// What ids of a provider mean, where a row gives an id alone: read beforehand, from a list of countries say.
using lookup = std::map<std::string, std::string, std::less<>>;

/// How a JSON value becomes a canonical one. `read` gets a value that is there and not null. It may answer "absent"; it
/// returns nothing if the value is of another type: the field is then left out too, and reported once a job.
struct kind {
  std::string_view name;
  shape gives;
  std::optional<packed> (*read)(const json& value);
  /// Instead of `read`, for values that hold an id to look up.
  std::optional<packed> (*read_with)(const json& value, const lookup& known) = nullptr;
};

namespace kinds {
std::optional<packed> read_text(const json& value);
std::optional<packed> read_flag(const json& value);
std::optional<packed> read_time(const json& value);
std::optional<packed> read_date(const json& value);
std::optional<packed> read_tags(const json& value);
std::optional<packed> read_emails(const json& value);
std::optional<packed> read_phones(const json& value);
std::optional<packed> read_vat_number(const json& value);

inline constexpr kind text{"text", shape::text, read_text};  ///< "" is known to be empty: null
inline constexpr kind flag{"flag", shape::flag, read_flag};
inline constexpr kind time{"time", shape::time, read_time};          ///< any RFC 3339, becomes UTC
inline constexpr kind date{"date", shape::date, read_date};          ///< "YYYY-MM-DD", a real day
inline constexpr kind tags{"tags", shape::texts, read_tags};         ///< a set: sorted, each once
inline constexpr kind emails{"emails", shape::emails, read_emails};  ///< [{type, email}]
inline constexpr kind phones{"phones", shape::phones, read_phones};  ///< [{type, number}]
inline constexpr kind vat_number{"normalized VAT number", shape::text, read_vat_number};
}  // namespace kinds

/// One line of a field map. `from` is a path as in json::at ("" is the whole row).
struct rule {
  std::string_view from;
  std::string_view to;
  const kind& as;
  std::string_view in_facet = "core";
};

/// A documented field of the provider that does not travel, and why.
struct dropped_field {
  std::string_view from;
  std::string_view why;
};

struct field_map {
  std::string_view entity;
  std::span<const rule> rules;
  std::span<const dropped_field> dropped;
};

/// Walks the table. What is absent in the row stays absent, null becomes null or []. Facets come in the order in which
/// the table names them; one without fields is left out. The id must be a string that is not empty: throws unmappable.
record map_row(const field_map& map, const json& row, std::string_view id_path = "/id",
               std::string_view updated_at_path = "/updated_at", const lookup& known = {});

/// The same for providers whose ids are no strings, or whose time of change is no RFC 3339: both are given.
record map_row(const field_map& map, const json& row, const std::string& id, std::optional<time_point> updated_at,
               const lookup& known = {});

/// What is wrong with a table: fields the entity does not have, kinds of the wrong shape. Empty: it is sound.
std::vector<std::string> faults_of(const field_map& map);

}  // namespace koppel::sdk
