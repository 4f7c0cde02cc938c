// SPDX-License-Identifier: Apache-2.0
// One canonical list from several fields of a provider's row: phones, e-mail addresses, postal addresses. Nothing of a
// list in the row: absent; all of it empty: [].
#pragma once

#include <koppel/sdk/kinds.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace koppel::sdk {

/// A field of the row, a path as in json::at, and the type that its value has in our list.
struct typed_field {
  std::string from, type;
};
/// The paths of one address's parts. An empty one: there is none. An address of which nothing is known is left out. A
/// country is read by country_code.
struct address_fields {
  std::string type, line_1, postal_code, city, region, country;
};

std::optional<packed> gather_emails(const json& row, std::span<const typed_field> fields);
std::optional<packed> gather_phones(const json& row, std::span<const typed_field> fields);
std::optional<packed> gather_addresses(const json& row, std::span<const address_fields> addresses);

/// ISO 3166-1 alpha-2 of a country as people write it: two letters as they are (but UK is GB), else the names in
/// English, Dutch, French and its own language of the countries around Belgium and of a few others. Nothing for other
/// texts.
std::optional<std::string> country_code(std::string_view as_written);

}  // namespace koppel::sdk
