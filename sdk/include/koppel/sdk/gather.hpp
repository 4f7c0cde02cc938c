// SPDX-License-Identifier: Apache-2.0
// One canonical field from several fields of a provider's row: phones, e-mail addresses, postal addresses, an owner, a
// text.
// It travels whole and replaces what consumers have, so it is known when every part of it is: all in the row, and of
// the right type. All of them empty: []. None in the row: absent. Only some in the row, or one of another type: left
// out, and why, for a list without that part would wipe it.
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
/// The paths of one address's parts. An empty one: there is none. An address that is empty is none. A
/// `country` is read by sdk::country_code; `country_code` has two letters, and another text is none; `country_id` is
/// looked up, and alone no address: some providers fill it in themselves.
struct address_fields {
  std::string type, line_1, postal_code, city, region, addressee, country, country_code, country_id;
};

/// What it means that a part is not in the row.
enum class absence {
  unknown,  ///< the provider does not say
  empty,    ///< the provider leaves out what is empty, or the parts are members of one object that is given whole
};

field_value gather_emails(const json& row, std::span<const typed_field> fields, absence means = absence::unknown);
field_value gather_phones(const json& row, std::span<const typed_field> fields, absence means = absence::unknown);
field_value gather_addresses(const json& row, std::span<const address_fields> addresses, const lookup& countries = {},
                             absence means = absence::unknown);
/// A reference whose id and name are two fields. Without an id there is nobody, whatever the name; a name that is not
/// in the row, or whose path is empty, is not known, and the id travels alone.
field_value gather_owner(const json& row, const std::string& id, const std::string& name);

/// Texts in this order with `between` between them, those that are empty left out; null where all are. "An" and
/// "Peeters" are "An Peeters".
field_value gather_text(const json& row, std::span<const std::string> from, std::string_view between,
                        absence means = absence::unknown);

/// ISO 3166-1 alpha-2 of a country as people write it: two letters as they are (but UK is GB), else the names in
/// English, Dutch, French and its own language of the countries around Belgium and of a few others. Nothing for other
/// texts.
std::optional<std::string> country_code(std::string_view as_written);

}  // namespace koppel::sdk
