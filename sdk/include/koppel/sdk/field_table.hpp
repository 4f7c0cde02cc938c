// SPDX-License-Identifier: Apache-2.0
// Field tables: which field of a provider's row becomes which canonical field, as a manifest's [stream.fields] says it
// (docs/provider-without-code.md). Connectors map rows with them; tests and documents read the same tables.
#pragma once

#include <koppel/sdk/kinds.hpp>
#include <koppel/sdk/record.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

/// One line: it fills `to` with what `read` makes of a row.
struct field_line {
  std::string to, facet = "core";
  std::string kind;               ///< for people
  std::vector<std::string> from;  ///< paths that it reads, as in json::at; none for a constant
  std::function<field_value(const json& row, const lookup& known)> read;
};

/// A documented field of the provider that does not travel, and why.
struct dropped_field {
  std::string from, why;
};

class field_table {
 public:
  explicit field_table(std::string entity) : entity_(std::move(entity)) {}

  void add(field_line line) { lines_.push_back(std::move(line)); }
  void drop(dropped_field field) { dropped_.push_back(std::move(field)); }

  const std::string& entity() const { return entity_; }
  const std::vector<field_line>& lines() const { return lines_; }
  const std::vector<dropped_field>& dropped() const { return dropped_; }
  /// What a list is asked for: the names of the row's members that are read, each once, in the order of the lines, with
  /// a comma between two. Of what is within a member its own name is enough, unless `within` joins both ("owner:name").
  std::string names(std::string_view within = {}) const;

  /// Walks the table. What is absent in the row stays absent, null becomes null or []. Facets come in the order in
  /// which the table names them; one without fields is left out. The id must be a string that is not empty: throws
  /// unmappable.
  record map(const json& row, std::string_view id_path = "/id", std::string_view updated_at_path = "/updated_at",
             const lookup& known = {}) const;
  /// The record of a row that says that it is gone.
  record deletion(const json& row, std::string_view id_path, std::string_view deleted_at_path) const;
  /// `map` for providers whose ids are no strings, or whose time of change is no RFC 3339: both are given.
  record map(const json& row, const std::string& id, std::optional<time_point> updated_at,
             const lookup& known = {}) const;

 private:
  std::string entity_;
  std::vector<field_line> lines_;
  std::vector<dropped_field> dropped_;
};

struct stream_fields {
  std::string stream;
  field_table fields;
};

/// The tables of a manifest, a stream's each; streams without one are left out. Throws std::runtime_error with the
/// first ten mistakes, each with line, key and what is possible.
std::vector<stream_fields> read_field_tables(std::string_view manifest, const kind_list& kinds);

}  // namespace koppel::sdk
