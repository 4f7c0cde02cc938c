// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

#include <algorithm>

namespace koppel::snelstart {

using namespace koppel::sdk;

namespace {

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

std::optional<packed> read_main_address(const json& of, const lookup& countries) {
  return read_address(of, "primary", countries);
}
std::optional<packed> read_post_address(const json& of, const lookup& countries) {
  return read_address(of, "correspondence", countries);
}

}  // namespace

kind_list own_kinds() {
  return kind_list()
      .add("Klant, Leverancier", shape::texts, read_roles)
      .add("addresses with ; between them", shape::emails, read_emails)
      .add("address", shape::addresses, read_main_address)
      .add("correspondence address", shape::addresses, read_post_address)
      .add("days after the invoice", shape::payment_term, read_payment_term);
}

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

record to_inactive_company(std::string_view id) {
  record out(entity::company, id);
  out.in("state").set(canonical::status, "inactive");
  return out;
}

}  // namespace koppel::snelstart
