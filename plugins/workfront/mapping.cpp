// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

#include <algorithm>

namespace koppel::workfront {

using namespace koppel::sdk;

namespace {

/// "CUR", or "CPL:A" while the change to CPL awaits approval. Each customer may add keys, whose meaning we do not know.
std::optional<packed> read_project_status(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  const auto key = said->substr(0, said->find(':'));
  constexpr std::string_view keys[] = {"CPL", "DED", "REJ", "CUR", "PLN", "ONH", "REQ", "IDA", "APR"};  // three: ended
  const auto place = std::find(std::begin(keys), std::end(keys), key) - std::begin(keys);
  if (place == std::ssize(keys)) return packed::null();
  return packed::text(place < 3 && key == *said ? "inactive" : "active");
}

/// {"DE:Sector": "Bouw"}: the key is the id, what follows "DE:" its label. Sorted: their order is no change.
std::optional<packed> read_custom_fields(const json& value) {
  if (!value.is_object()) return std::nullopt;
  std::vector<custom_field> out;
  for (const auto name : value.names()) {
    const auto label = name.starts_with("DE:") ? name.substr(3) : name;
    auto content = value[name].is_null() ? packed::null() : packed::plain(value[name]);
    out.push_back({std::string(name), std::string(label), {}, std::move(content)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return pack(out);
}

/// Workfront's country is free text; the canonical one has two capital letters, and what is not is left out.
std::optional<packed> read_addresses(const json& row) {
  address out{"primary", some_text(row["address"]), some_text(row["postalCode"]), some_text(row["city"])};
  out.region = some_text(row["state"]);
  auto country = some_text(row["country"]).value_or("");
  for (auto& c : country) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (country.size() == 2 && std::all_of(country.begin(), country.end(), is_letter)) out.country = country;
  const bool says = out.line_1 || out.postal_code || out.city || out.region || out.country;
  return pack(says ? std::vector<address>{out} : std::vector<address>{});
}

std::optional<packed> read_owner(const json& row) {
  if (!row["ownerID"]) return packed();
  const auto id = some_text(row["ownerID"]);
  return id ? pack(owner_ref{*id, some_text(row["owner"]["name"])}) : packed::null();
}

}  // namespace

kind_list own_kinds() {
  return kind_list()
      .add("CUR|CPL|...", shape::text, read_project_status)
      .add("custom data", shape::custom_fields, read_custom_fields)
      .add_of_row("five fields", shape::addresses, read_addresses)
      .add_of_row("ownerID and owner", shape::owner, read_owner);
}

std::string fields_asked_for(const field_table& fields) {
  constexpr std::string_view created = "entryDate";
  auto out = "ID," + fields.names(":");
  return out.insert(out.find(created) + created.size(), ",lastUpdateDate");
}

}  // namespace koppel::workfront
