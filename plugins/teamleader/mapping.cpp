// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

#include <utility>

namespace koppel::teamleader {

using namespace koppel::sdk;

namespace {

/// Nothing if the object says nothing of a place.
std::optional<address> read_address(const json& of, std::string type) {
  address out{std::move(type),
              some_text(of["line_1"]),
              some_text(of["postal_code"]),
              some_text(of["city"]),
              {},
              some_text(of["country"]),
              {}};
  if (!out.line_1 && !out.postal_code && !out.city && !out.country) return std::nullopt;
  return out;
}

std::optional<packed> read_one_address(const json& value) {
  if (!value.is_object()) return std::nullopt;
  std::vector<address> out;
  if (auto place = read_address(value, "primary")) out.push_back(*std::move(place));
  return pack(out);
}

/// The first address of type primary, without addressee: a list answer has none for it either.
std::optional<packed> read_primary_of_several(const json& value) {
  if (!value.is_array()) return std::nullopt;
  for (const auto& item : value.items())
    if (item["type"].text() == "primary" && item["address"].is_object()) return read_one_address(item["address"]);
  return pack(std::vector<address>{});
}

std::optional<packed> read_other_addresses(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<address> out;
  bool primary_seen = false;
  for (const auto& item : value.items()) {
    const auto type = item["type"].text().value_or("");
    if (type == "primary" && !std::exchange(primary_seen, true)) continue;
    auto place = read_address(item["address"], std::string(type));
    if (!place) continue;
    place->addressee = some_text(item["address"]["addressee"]);
    out.push_back(*std::move(place));
  }
  return pack(out);
}

std::optional<packed> read_payment_term(const json& value) {
  const auto type = some_text(value["type"]);
  if (!type) return std::nullopt;
  const payment_terms terms{*type, value["days"].integer()};
  return pack(terms);
}

/// The first name may be null.
std::optional<packed> read_full_name(const json& row) {
  const auto first = row["first_name"].text().value_or(""), last = row["last_name"].text().value_or("");
  if (first.empty() && last.empty()) return packed::null();
  return packed::text(std::string(first) + (first.empty() || last.empty() ? "" : " ") + std::string(last));
}

}  // namespace

kind_list own_kinds() {
  return kind_list()
      .add("one address", shape::addresses, read_one_address)
      .add("primary of addresses", shape::addresses, read_primary_of_several)
      .add("all but the primary of addresses", shape::addresses, read_other_addresses)
      .add("payment term", shape::payment_term, read_payment_term)
      .add_of_row("first and last name", shape::text, read_full_name);
}

}  // namespace koppel::teamleader
