// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

namespace koppel::zoho {

using namespace koppel::sdk;

namespace {

/// A number or a text; 0 is what Zoho fills in itself.
std::optional<packed> read_account_number(const json& value) {
  if (!value.integer() && !value.text()) return std::nullopt;
  const auto said = value.integer() ? std::to_string(*value.integer()) : std::string(*value.text());
  return said == "0" || said.empty() ? packed::null() : packed::text(said);
}

/// Lists cut long texts after 500 characters, reads by id do not: both are cut here. Counted as UTF-16, which is never
/// less than what a list gives.
std::optional<packed> read_long_text(const json& value) {
  constexpr std::size_t most = 500;
  const auto said = value.text();
  std::size_t units = 0, at = 0;
  for (; said && at < said->size() && units < most; ++at) {
    const auto byte = static_cast<unsigned char>((*said)[at]);
    units += (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
  }
  if (units < most) return kinds::read_text(value);
  while (at < said->size() && (static_cast<unsigned char>((*said)[at]) & 0xC0) == 0x80) ++at;
  return packed::text(std::string(said->substr(0, at)) + "…");
}

}  // namespace

kind_list own_kinds() {
  return kind_list()
      .add("number or text", shape::text, read_account_number)
      .add("first 500 characters", shape::text, read_long_text);
}

record to_deletion(const field_table& fields, const json& row) {
  const field_table nothing(fields.entity());
  auto out = nothing.map(row, "/id", row["deleted_time"] ? "/deleted_time" : "/Modified_Time");
  out.gone = true;
  return out;
}

record to_record(const field_table& fields, const json& row) {
  if (fields.entity() == entity::user && row["status"].text() == "deleted") return to_deletion(fields, row);
  return fields.map(row, "/id", "/Modified_Time");
}

}  // namespace koppel::zoho
