// SPDX-License-Identifier: Apache-2.0
// The field map of SnelStart's relations, B2B API v2, and the few kinds of value that only SnelStart has.
#include "mapping.hpp"

#include <algorithm>

namespace koppel::snelstart {
namespace {

using namespace koppel::sdk;

std::optional<std::string> some_text(const json& value) {
  const auto said = value.text();
  return said && !said->empty() ? std::optional<std::string>(*said) : std::nullopt;
}

bool is_of_kind(const json& row, std::string_view wanted) {
  for (const auto& kind : row["relatiesoort"].items())
    if (kind.text() == wanted) return true;
  return false;
}

/// "info@a.example; office@a.example" is two addresses.
std::optional<packed> read_emails(const json& value) {
  if (!value.text()) return std::nullopt;
  std::vector<email> out;
  for (std::string_view rest = *value.text(); !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.push_back({out.empty() ? "primary" : "other", std::string(one)});
  }
  return pack(out);
}

std::optional<packed> read_number(const json& value, std::string_view type) {
  if (!value.text()) return std::nullopt;
  std::vector<phone> out;
  if (const auto number = some_text(value)) out.push_back({std::string(type), *number});
  return pack(out);
}

std::optional<packed> read_status(const json& value) {
  const auto inactive = value.boolean();
  return inactive ? std::optional(packed::text(*inactive ? "inactive" : "active")) : std::nullopt;
}

std::optional<packed> read_roles(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& item : value.items()) {
    if (item.text() == "Klant") out.emplace_back("customer");
    if (item.text() == "Leverancier") out.emplace_back("supplier");
  }
  std::sort(out.begin(), out.end());
  return pack(out);
}

std::optional<packed> read_number_as_text(const json& value) {
  const auto number = value.integer();
  return number ? std::optional(packed::text(std::to_string(*number))) : std::nullopt;
}

std::optional<packed> read_payment_term(const json& value) {
  const payment_terms terms{"after_invoice_date", value.integer()};
  return terms.days ? std::optional(pack(terms)) : std::nullopt;
}

/// SnelStart gives an empty address the Netherlands: a country alone is no address.
std::optional<packed> read_address(const json& of, std::string_view type, const lookup& countries) {
  if (!of.is_object()) return std::nullopt;
  address out{std::string(type),
              some_text(of["straat"]),
              some_text(of["postcode"]),
              some_text(of["plaats"]),
              {},
              {},
              some_text(of["contactpersoon"])};
  const bool says_nothing = !out.line_1 && !out.postal_code && !out.city && !out.addressee;
  const auto land = countries.find(of["land"]["id"].text().value_or(""));
  if (land != countries.end()) out.country = land->second;
  return pack(says_nothing ? std::vector<address>{} : std::vector{out});
}

/// A custom field has no id but its name. Sorted, so that order is no change.
std::optional<packed> read_custom_fields(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<custom_field> out;
  for (const auto& item : value.items())
    if (const auto name = some_text(item["naam"]))
      out.push_back({*name, *name, {}, item["waarde"] ? packed::plain(item["waarde"]) : packed::null()});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return pack(out);
}

constexpr kind emails{"addresses with ; between them", shape::emails, read_emails};
constexpr kind telephone{"number", shape::phones, [](const json& of) { return read_number(of, "phone"); }};
constexpr kind mobile{"mobile number", shape::phones, [](const json& of) { return read_number(of, "mobile"); }};
constexpr kind fax{"fax number", shape::phones, [](const json& of) { return read_number(of, "fax"); }};
constexpr kind status{"true: inactive", shape::text, read_status};
constexpr kind roles{"Klant, Leverancier", shape::texts, read_roles};
constexpr kind number_as_text{"whole number", shape::text, read_number_as_text};
constexpr kind payment_term{"days after the invoice", shape::payment_term, read_payment_term};
constexpr kind main_address{"address", shape::addresses, nullptr, [](const json& of, const lookup& countries) {
                              return read_address(of, "primary", countries);
                            }};
constexpr kind post_address{"address", shape::addresses, nullptr, [](const json& of, const lookup& countries) {
                              return read_address(of, "correspondence", countries);
                            }};
constexpr kind custom_fields{"name and value", shape::custom_fields, read_custom_fields};

constexpr rule company_rules[] = {
    // in SnelStart's row, canonical field (docs/bus.md), kind of value, facet where it is not core
    {"/naam", "name", kinds::text},
    {"/nonactief", "status", status, "state"},
    {"/relatiesoort", "roles", roles},
    {"/relatiecode", "customer_number", number_as_text},
    {"/btwNummer", "vat_number", kinds::text},
    {"/btwNummer", "vat_number_normalized", kinds::vat_number},
    {"/kvkNummer", "registration_number", kinds::text},
    {"/email", "emails", emails},
    {"/telefoon", "phones", telephone},
    {"/mobieleTelefoon", "phones", mobile, "mobile"},
    {"/fax", "phones", fax, "fax"},
    {"/vestigingsAdres", "addresses", main_address},
    {"/correspondentieAdres", "addresses", post_address, "correspondence"},
    {"/websiteUrl", "website", kinds::text},
    {"/iban", "iban", kinds::text},
    {"/bic", "bic", kinds::text},
    {"/krediettermijn", "payment_term", payment_term},
    {"/memo", "remarks", kinds::text},
    {"/extraVeldenKlant", "custom_fields", custom_fields},
};
constexpr std::string_view sends = "how SnelStart sends its own documents; no canonical field";
constexpr dropped_field company_dropped[] = {
    // in SnelStart's row, why it does not travel
    {"/uri", "the id again"},
    {"/modifiedOn", "has no zone, so it names no moment; it moves the cursor"},
    {"/oin", "no canonical field"},
    {"/factuurkorting", "no canonical field"},
    {"/kredietLimiet", "no canonical field"},
    {"/bankieren", "whether SnelStart pays this relation by its bank link; no canonical field"},
    {"/aanmaningsoort", "how SnelStart reminds of its own invoices; no canonical field"},
    {"/aanmaningSoort", "the same, as some clients have it"},
    {"/incassoSoort", "how SnelStart collects its own invoices; no canonical field"},
    {"/ublBestandAlsBijlage", sends},
    {"/offerteEmailVersturen", sends},
    {"/bevestigingsEmailVersturen", sends},
    {"/factuurEmailVersturen", sends},
    {"/aanmaningEmailVersturen", sends},
    {"/offerteAanvraagEmailVersturen", sends},
    {"/bestellingEmailVersturen", sends},
    {"/factuurRelatie", "who gets the invoices, which need not be a parent; no canonical field"},
    {"/inkoopBoekingenUri", "where another module's rows are"},
    {"/verkoopBoekingenUri", "where another module's rows are"},
    {"/documents", "files; no canonical field"},
    {"/vestigingsAdres/land/uri", "the id again"},
    {"/correspondentieAdres/land/uri", "the id again"},
};

}  // namespace

constinit const sdk::field_map company_map{entity::company, company_rules, company_dropped};

lookup to_countries(const json_items& rows) {
  lookup out;
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (const auto& row : rows) {
    const auto id = row["id"].text(), code = row["landcode"].text();
    if (id && code && code->size() == 2 && std::all_of(code->begin(), code->end(), capital)) out.emplace(*id, *code);
  }
  return out;
}

bool is_internal(const json& row) {
  const bool own = is_of_kind(row, "Eigen") && !is_of_kind(row, "Klant") && !is_of_kind(row, "Leverancier");
  return own || row["relatiecode"].integer().value_or(0) < 0;
}

record to_company(const json& row, const lookup& countries) {
  return map_row(company_map, row, "/id", "/modifiedOn", countries);
}

record to_inactive_company(std::string_view id) {
  record out(entity::company, id);
  out.in("state").set(canonical::status, "inactive");
  return out;
}

}  // namespace koppel::snelstart
