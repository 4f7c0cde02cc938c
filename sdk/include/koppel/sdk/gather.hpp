// SPDX-License-Identifier: Apache-2.0
// One canonical list from several fields of a provider's row: phones, e-mail addresses, postal addresses. For the kinds
// of a field map whose rule reads the whole row. Nothing of a list in the row: absent; all of it empty: [].
#pragma once

#include <koppel/sdk/field_map.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace koppel::sdk {

/// A text that says something; nothing for "", null, absent and other types.
std::optional<std::string> some_text(const json& value);

/// A field of the row, a path as in json::at, and the type that its value has in our list.
struct typed_field {
  std::string_view from, type;
};
/// The fields of one address; each path is `prefix` and the name ("/Billing_" and "City"). An empty name: there is
/// none. An address of which nothing is known is left out. A country is read by country_code.
struct address_fields {
  std::string_view type, prefix, line_1, postal_code, city, region, country;
};

std::optional<packed> gather_emails(const json& row, std::span<const typed_field> fields);
std::optional<packed> gather_phones(const json& row, std::span<const typed_field> fields);
std::optional<packed> gather_addresses(const json& row, std::span<const address_fields> addresses);

/// ISO 3166-1 alpha-2 of a country as people write it: two letters as they are, else the names in English, Dutch,
/// French and its own language of the countries around Belgium and of a few others. Nothing for other texts.
std::optional<std::string> country_code(std::string_view as_written);

namespace kinds {
/// For a rule that reads the whole row:
///   constexpr typed_field company_phones[] = {{"/Phone", "phone"}, {"/Fax", "fax"}};
///   constexpr rule rules[] = {{"", "phones", kinds::phones_in<company_phones>}, ...
template <const auto& Fields>
inline constexpr kind phones_in{"phones of several fields", shape::phones,
                                [](const json& row) { return gather_phones(row, Fields); }};
template <const auto& Fields>
inline constexpr kind emails_in{"e-mail addresses of several fields", shape::emails,
                                [](const json& row) { return gather_emails(row, Fields); }};
template <const auto& Fields>
inline constexpr kind addresses_in{"addresses of several fields each", shape::addresses,
                                   [](const json& row) { return gather_addresses(row, Fields); }};

std::optional<packed> read_reference(const json& value);
std::optional<packed> read_named_tags(const json& value);
inline constexpr kind reference{"reference", shape::owner, read_reference};     ///< {id, name}
inline constexpr kind named_tags{"named tags", shape::texts, read_named_tags};  ///< [{name}]: a set, as kinds::tags
}  // namespace kinds

}  // namespace koppel::sdk
