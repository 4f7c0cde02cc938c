// SPDX-License-Identifier: Apache-2.0
// The canonical entities and their fields (docs/bus.md says what each means), with the C++ type of each value.
// `record.in("core").set(canonical::vat_number, "BE0899623035")` compiles only with a value of the right type.
#pragma once

#include <koppel/sdk/record.hpp>

#include <optional>
#include <span>

namespace koppel::sdk {

// Members that are not there are left out of the value: inside a list, which replaces whole, that means "none known".
struct email {
  std::string type, address;
};
struct phone {
  std::string type, number;
};
struct address {
  std::string type;
  std::optional<std::string> line_1, postal_code, city, region, country, addressee;
};
struct custom_field {
  std::string id;
  std::optional<std::string> label, type;
  packed value = packed::null();
};
struct owner_ref {
  std::string id;
  std::optional<std::string> name;
};
struct payment_terms {
  std::string type;
  std::optional<std::int64_t> days;
};
struct company_link {
  std::string id;
  std::optional<std::string> position, division;
  std::optional<bool> decision_maker;
};
/// A calendar date, "1984-12-31".
struct date {
  std::string text;
};

packed pack(const date& value);
packed pack(const owner_ref& value);
packed pack(const payment_terms& value);
packed pack(const std::vector<email>& value);
packed pack(const std::vector<phone>& value);
packed pack(const std::vector<address>& value);
packed pack(const std::vector<custom_field>& value);
packed pack(const std::vector<company_link>& value);

namespace entity {
inline constexpr std::string_view company = "company", contact = "contact", department = "department",
                                  project = "project", user = "user";
}

namespace canonical {
using text = std::string_view;
using texts = std::vector<std::string>;

// Of every entity
inline constexpr field<text> name{"name"}, status{"status"}, website{"website"}, iban{"iban"}, bic{"bic"},
    language{"language"}, remarks{"remarks"}, url{"url"};
inline constexpr field<std::vector<email>> emails{"emails"};
inline constexpr field<std::vector<phone>> phones{"phones"};
inline constexpr field<std::vector<address>> addresses{"addresses"};
inline constexpr field<texts> tags{"tags"};
inline constexpr field<std::vector<custom_field>> custom_fields{"custom_fields"};
inline constexpr field<owner_ref> owner{"owner"};
inline constexpr field<time_point> created_at{"created_at"};
// Company
inline constexpr field<texts> roles{"roles"};
inline constexpr field<text> customer_number{"customer_number"}, vat_number{"vat_number"},
    vat_number_normalized{"vat_number_normalized"}, registration_number{"registration_number"}, currency{"currency"},
    parent_id{"parent_id"};
inline constexpr field<payment_terms> payment_term{"payment_term"};
// Contact; first_name and last_name also of a user
inline constexpr field<text> first_name{"first_name"}, last_name{"last_name"}, full_name{"full_name"},
    salutation{"salutation"}, job_title{"job_title"}, department_name{"department_name"}, gender{"gender"};
inline constexpr field<date> birthdate{"birthdate"};
inline constexpr field<bool> marketing_consent{"marketing_consent"};
inline constexpr field<std::vector<company_link>> companies{"companies"};
// Department
inline constexpr field<bool> is_default{"is_default"};
// Project
inline constexpr field<text> code{"code"}, state{"state"}, company_id{"company_id"};
inline constexpr field<date> planned_start{"planned_start"}, planned_end{"planned_end"};
inline constexpr field<double> percent_complete{"percent_complete"};
}  // namespace canonical

/// What kind of value a canonical field has, for tables and checks.
enum class shape {
  text,
  texts,
  flag,
  integer,
  real,
  time,
  date,
  emails,
  phones,
  addresses,
  custom_fields,
  owner,
  payment_term,
  links
};
std::string_view to_text(shape of);
inline bool is_list(shape of) {
  return of == shape::texts || of == shape::emails || of == shape::phones || of == shape::addresses ||
         of == shape::custom_fields || of == shape::links;
}

/// The shape of a canonical field of an entity; nothing if that entity has no such field.
std::optional<shape> shape_of(std::string_view entity, std::string_view field);
/// All fields of an entity, in the order of docs/bus.md; empty for an entity that is not canonical.
std::vector<std::string_view> fields_of(std::string_view entity);

/// "BE 0899.623.035" -> "BE0899623035": letters in upper case and digits, nothing else. A hint for matching.
std::string normalized_vat_number(std::string_view as_given);

}  // namespace koppel::sdk
