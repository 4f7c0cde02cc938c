// SPDX-License-Identifier: Apache-2.0
// [stream.fields]: which field of a row becomes which canonical field, as the manifest says it. The SDK's field maps
// view texts that somebody else owns: here.
#pragma once

#include <koppel/sdk/field_map.hpp>
#include <koppel/sdk/gather.hpp>
#include <koppel/toml_reader.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace koppel::declarative {

class field_table {
 public:
  /// Reads and checks the table: fields that the entity has, kinds that fit them.
  field_table(toml_reader& in, const std::string& plugin, const std::string& entity);
  field_table(const field_table&) = delete;

  bool empty() const { return rules_.empty() && specials_.empty(); }
  /// Throws unmappable for a row that is no record.
  sdk::record map(const sdk::json& row, const std::string& id, std::optional<sdk::time_point> updated_at) const;

 private:
  /// One line that map_row has no word for.
  struct special {
    enum class way { constant, translation, emails, phones, addresses } what;
    std::string_view to, facet, from;
    sdk::packed value{};                          ///< constant
    std::map<std::string, sdk::packed> values{};  ///< translation
    std::vector<sdk::typed_field> typed{};        ///< emails, phones
    std::vector<sdk::address_fields> parts{};     ///< addresses
  };

  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void read_field(toml_reader& in, const std::string& to);
  void read_table(toml_reader& in, std::string_view to);
  void read_list(toml_reader& in, special line, sdk::shape wanted);
  void read_values(toml_reader& in, special line, sdk::shape wanted);
  void read_constant(toml_reader& in, special line, sdk::shape wanted);
  void read_dropped(toml_reader& in);
  std::optional<sdk::shape> shape_of(std::string_view to) const;
  void add_rule(toml_reader& in, const char* key, std::string_view from, std::string_view to, std::string_view facet,
                const sdk::kind* as, sdk::shape wanted);
  void apply(const special& line, const sdk::json& row, sdk::record& to) const;

  std::string plugin_, entity_;
  std::deque<std::string> texts_;  ///< what the views below view; a deque's elements stay where they are
  std::vector<sdk::rule> rules_;
  std::vector<sdk::dropped_field> dropped_;
  std::vector<special> specials_;
};

}  // namespace koppel::declarative
