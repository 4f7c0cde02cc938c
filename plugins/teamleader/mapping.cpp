// SPDX-License-Identifier: Apache-2.0
// The field maps of Teamleader Focus, API version 2023-09-26, and the few kinds of value that only Teamleader has.
// Lists and reads by id differ: a list gives `primary_address`, a read by id gives `addresses` with the primary among
// them.
#include "mapping.hpp"

#include <algorithm>
#include <utility>

namespace koppel::teamleader {
namespace {

using namespace koppel::sdk;

std::optional<std::string> some_text(const json& value) {
  const auto said = value.text();
  return said && !said->empty() ? std::optional<std::string>(*said) : std::nullopt;
}

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

std::optional<packed> read_status(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  return packed::text(said == "deactivated" || said == "archived" ? "inactive" : *said);
}

std::optional<packed> read_user(const json& value) {
  const auto id = some_text(value["id"]);
  if (!id) return std::nullopt;
  const owner_ref owner{*id, {}};
  return pack(owner);
}

std::optional<packed> read_payment_term(const json& value) {
  const auto type = some_text(value["type"]);
  if (!type) return std::nullopt;
  const payment_terms terms{*type, value["days"].integer()};
  return pack(terms);
}

/// Sorted by definition, so that the order of one answer or another makes no difference. "", [] and null are all empty.
std::optional<packed> read_custom_fields(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<custom_field> out;
  for (const auto& item : value.items()) {
    const auto id = some_text(item["definition"]["id"]);
    if (!id) continue;
    auto content = item["value"] ? packed::plain(item["value"]) : packed::null();
    out.push_back({*id, {}, {}, std::move(content)});
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return pack(out);
}

std::optional<packed> read_companies(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<company_link> out;
  for (const auto& item : value.items())
    if (const auto id = some_text(item["company"]["id"]))
      out.push_back({*id, some_text(item["position"]), some_text(item["division"]), item["decision_maker"].boolean()});
  return pack(out);
}

/// From the whole row; the first name may be null.
std::optional<packed> read_full_name(const json& row) {
  if (!row["first_name"] && !row["last_name"]) return packed();
  const auto first = row["first_name"].text().value_or(""), last = row["last_name"].text().value_or("");
  if (first.empty() && last.empty()) return packed::null();
  return packed::text(std::string(first) + (first.empty() || last.empty() ? "" : " ") + std::string(last));
}

constexpr kind status{"active, or deactivated, or archived", shape::text, read_status};
constexpr kind one_address{"one address", shape::addresses, read_one_address};
constexpr kind primary_of_several{"primary of addresses", shape::addresses, read_primary_of_several};
constexpr kind other_addresses{"all but the primary of addresses", shape::addresses, read_other_addresses};
constexpr kind user{"reference to a user", shape::owner, read_user};
constexpr kind payment_term{"payment term", shape::payment_term, read_payment_term};
constexpr kind custom_fields{"custom fields", shape::custom_fields, read_custom_fields};
constexpr kind companies{"links to companies", shape::links, read_companies};
constexpr kind full_name{"first and last name", shape::text, read_full_name};

// What becomes of each documented field. `kinds::` are the SDK's own kinds of value, the others stand above. A field of
// facet `detail` is known from a read by id alone, so the next list leaves it as it is.
constexpr rule company_rules[] = {
    // in Teamleader's row, canonical field (docs/bus.md), kind of value, facet where it is not core
    {"/name", "name", kinds::text},
    {"/status", "status", status},
    {"/vat_number", "vat_number", kinds::text},
    {"/vat_number", "vat_number_normalized", kinds::vat_number},
    {"/national_identification_number", "registration_number", kinds::text},
    {"/emails", "emails", kinds::emails},
    {"/telephones", "phones", kinds::phones},
    {"/website", "website", kinds::text},
    {"/primary_address", "addresses", one_address},
    {"/addresses", "addresses", primary_of_several},
    {"/iban", "iban", kinds::text},
    {"/bic", "bic", kinds::text},
    {"/language", "language", kinds::text},
    {"/preferred_currency", "currency", kinds::text},
    {"/payment_term", "payment_term", payment_term},
    {"/responsible_user", "owner", user},
    {"/added_at", "created_at", kinds::time},
    {"/web_url", "url", kinds::text},
    {"/tags", "tags", kinds::tags},
    {"/custom_fields", "custom_fields", custom_fields},
    {"/addresses", "addresses", other_addresses, "detail"},
    {"/remarks", "remarks", kinds::text, "detail"},
};
constexpr dropped_field company_dropped[] = {
    // in Teamleader's row, why it does not travel
    {"/business_type", "an id whose name needs businessTypes.list; no canonical field"},
    {"/invoicing_preferences", "how Teamleader sends its own invoices; no canonical field"},
    {"/marketing_mails_consent", "a canonical field of contacts, not of companies"},
    {"/price_list", "an id of another module; no canonical field"},
    {"/activity_code", "undocumented, only ever seen null"},
    {"/related_companies", "not asked for; no canonical field"},
    {"/related_contacts", "not asked for: the contact's own `companies` says the same"},
    {"/primary_address/area_level_two", "an id of a province, without its name"},
    {"/updated_at", "travels as the record's provider_updated_at"},
};

constexpr rule contact_rules[] = {
    // in Teamleader's row ("" is all of it), canonical field, kind of value, facet where it is not core
    // Every entity has a `name` that consumers can show; that of a contact, who has none of his own, is his full name.
    {"", "name", full_name},
    {"", "full_name", full_name},
    {"/first_name", "first_name", kinds::text},
    {"/last_name", "last_name", kinds::text},
    {"/status", "status", status},
    {"/salutation", "salutation", kinds::text},
    {"/emails", "emails", kinds::emails},
    {"/telephones", "phones", kinds::phones},
    {"/website", "website", kinds::text},
    {"/primary_address", "addresses", one_address},
    {"/addresses", "addresses", primary_of_several},
    {"/gender", "gender", kinds::text},
    {"/birthdate", "birthdate", kinds::date},
    {"/iban", "iban", kinds::text},
    {"/bic", "bic", kinds::text},
    {"/language", "language", kinds::text},
    {"/added_at", "created_at", kinds::time},
    {"/web_url", "url", kinds::text},
    {"/tags", "tags", kinds::tags},
    {"/marketing_mails_consent", "marketing_consent", kinds::flag},
    {"/custom_fields", "custom_fields", custom_fields},
    {"/addresses", "addresses", other_addresses, "detail"},
    {"/remarks", "remarks", kinds::text, "detail"},
    {"/companies", "companies", companies, "detail"},
};
constexpr dropped_field contact_dropped[] = {
    // in Teamleader's row, why it does not travel
    {"/national_identification_number", "of a person: sensitive, and no canonical field"},
    {"/vat_number", "no canonical field of a contact"},
    {"/payment_term", "no canonical field of a contact"},
    {"/invoicing_preferences", "how Teamleader sends its own invoices; no canonical field"},
    {"/price_list", "an id of another module; no canonical field"},
    {"/companies/secondary_position", "no canonical field"},
    {"/primary_address/area_level_two", "an id of a province, without its name"},
    {"/updated_at", "travels as the record's provider_updated_at"},
};

// The customer's own legal entities: few, short, and without a time of change.
constexpr rule department_rules[] = {
    // in Teamleader's row, canonical field, kind of value, facet where it is not core
    {"/name", "name", kinds::text},
    {"/status", "status", status},
    {"/vat_number", "vat_number", kinds::text},
    {"/currency", "currency", kinds::text},
    {"/emails", "emails", kinds::emails},
    {"/address", "addresses", one_address, "detail"},
    {"/telephones", "phones", kinds::phones, "detail"},
    {"/website", "website", kinds::text, "detail"},
    {"/iban", "iban", kinds::text, "detail"},
    {"/bic", "bic", kinds::text, "detail"},
};
constexpr dropped_field department_dropped[] = {
    // in Teamleader's row, why it does not travel
    {"/fiscal_regime", "which tax rules Teamleader applies to its invoices; no canonical field"},
    {"/address/area_level_two", "an id of a province, without its name"},
};

}  // namespace

constinit const sdk::field_map company_map{entity::company, company_rules, company_dropped};
constinit const sdk::field_map contact_map{entity::contact, contact_rules, contact_dropped};
constinit const sdk::field_map department_map{entity::department, department_rules, department_dropped};

record to_company(const json& row) { return map_row(company_map, row); }
record to_contact(const json& row) { return map_row(contact_map, row); }
record to_department(const json& row) { return map_row(department_map, row); }

}  // namespace koppel::teamleader
