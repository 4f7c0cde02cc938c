// SPDX-License-Identifier: Apache-2.0
// Each account has the same three departments (one of them archived) and three users (one of them deactivated).
#include "teamleader/general_api.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "teamleader/api_errors.hpp"
#include "teamleader/crm_query.hpp"
#include "teamleader/portrait.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

struct department {
  const char *suffix, *vat_number, *status;
};
constexpr std::array<department, 3> departments{{{"", "BE 0899.623.035", "active"},
                                                 {" Nederland B.V.", "NL859123456B01", "active"},
                                                 {" (oud)", nullptr, "archived"}}};

struct user {
  const char *first_name, *last_name, *language, *function, *status;
};
constexpr std::array<user, 3> users{{{"Marleen", "De Wilde", "nl-BE", "Zaakvoerder", "active"},
                                     {"Grégory", "Lambert", "fr-BE", "Comptable", "active"},
                                     {"Tom", "Vertrokken", "nl-BE", nullptr, "deactivated"}}};

/// Names in `filter.status` (an array here, unlike for companies); nothing means that no such filter was sent.
std::optional<std::vector<std::string>> wanted(const json::object& body, const char* name) {
  const auto* filter = body.if_contains("filter");
  const auto* list = filter && filter->is_object() ? filter->get_object().if_contains(name) : nullptr;
  if (!list || !list->is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& one : list->get_array())
    if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

bool among(const std::optional<std::vector<std::string>>& wanted_texts, std::string_view text) {
  return !wanted_texts || std::find(wanted_texts->begin(), wanted_texts->end(), text) != wanted_texts->end();
}

json::object department_item(const identity& who, std::size_t number) {
  const auto& one = departments[number];
  json::array emails;
  if (number < 2) emails.push_back({{"type", "primary"}, {"email", "info@acme.example"}});
  if (number == 0) emails.push_back({{"type", "invoicing"}, {"email", "facturen@acme.example"}});
  return {{"id", fixed_id("department", number).text()},
          {"name", who.of.name + one.suffix},
          {"vat_number", one.vat_number ? json::value(one.vat_number) : json::value(nullptr)},
          {"currency", "EUR"},
          {"emails", std::move(emails)},
          {"status", one.status}};
}

json::object user_item(const identity& who, std::size_t number) {
  const auto& one = users[number];
  return {{"id", fixed_id("user", number).text()},
          {"account", json::object{{"type", "account"}, {"id", who.of.id}}},
          {"first_name", one.first_name},
          {"last_name", one.last_name},
          {"email", "gebruiker" + std::to_string(number + 1) + "@acme.example"},
          {"email_verification_status", number == 0 ? "confirmed" : "pending"},
          {"telephones", json::array{json::object{{"type", "phone"}, {"number", "092980615"}}}},
          {"language", one.language},
          {"function", one.function ? json::value(one.function) : json::value(nullptr)},
          {"time_zone", "Europe/Brussels"}};
}

/// The page of `data` that the body asks for.
reply one_page(const json::array& data, const json::object& body) {
  json::object paging;
  if (const auto* page = body.if_contains("page")) paging["page"] = *page;
  auto parsed = parse_crm_query(entity::company, paging);
  if (parsed.refused) return *std::move(parsed.refused);
  const auto size = parsed.query.page_size;
  const auto pages_before = std::min(data.size(), parsed.query.page_number - 1);
  json::array shown;
  for (auto at = pages_before * size; at < data.size() && shown.size() < size; ++at) shown.push_back(data[at]);
  return data_reply(std::move(shown));
}

}  // namespace

reply departments_list(const identity& who, const json::object& body) {
  const auto ids = wanted(body, "ids");
  const auto status = wanted(body, "status");
  json::array data;
  for (std::size_t number = 0; number < departments.size(); ++number)
    if (among(ids, fixed_id("department", number).text()) && among(status, departments[number].status))
      data.push_back(department_item(who, number));
  return data_reply(std::move(data));
}

reply departments_info(const identity& who, const json::object& body) {
  const auto* given = body.if_contains("id");
  if (!given || !given->is_string()) return api_error(400, "id must be present", "id");
  const auto id = uuid::parse(given->get_string());
  if (!id) return api_error(400, "id invalid uuid", "id");
  for (std::size_t number = 0; number < departments.size(); ++number) {
    if (fixed_id("department", number) != *id) continue;
    auto item = department_item(who, number);
    item["address"] = {{"line_1", "Dok Noord 3A 101"},
                       {"postal_code", "9000"},
                       {"city", "Gent"},
                       {"country", "BE"},
                       {"area_level_two", nullptr}};
    item["telephones"] = json::array{json::object{{"type", "phone"}, {"number", "092980615"}}};
    item["website"] = number == 0 ? json::value("www.acme.example") : json::value(nullptr);
    item["iban"] = nullptr;
    item["bic"] = nullptr;
    item["fiscal_regime"] = nullptr;
    return data_reply(std::move(item));
  }
  return api_error(404, "Department not found");
}

reply users_me(const identity& who) {
  auto me = user_item(who, 0);
  me["preferences"] = {{"invoiceable", true}, {"historic_time_tracking_limit", nullptr}, {"whitelabeling", false}};
  return data_reply(std::move(me));
}

reply users_list(const identity& who, const json::object& body) {
  const auto ids = wanted(body, "ids");
  const auto status = wanted(body, "status");
  json::array data;
  for (std::size_t number = 0; number < users.size(); ++number) {
    // Unlike companies, users default to the active ones.
    const bool shown =
        status ? among(status, users[number].status) : users[number].status == std::string_view("active");
    if (!shown || !among(ids, fixed_id("user", number).text())) continue;
    auto item = user_item(who, number);
    item["status"] = users[number].status;
    item["teams"] = json::array();
    data.push_back(std::move(item));
  }
  return one_page(data, body);
}

reply custom_field_definitions_list(const json::object& body) {
  const auto ids = wanted(body, "ids");
  const auto contexts = body.contains("filter") ? body.at("filter") : json::value();
  json::array data;
  for (auto& one : custom_field_definitions()) {
    const auto* context = contexts.is_object() ? contexts.get_object().if_contains("context") : nullptr;
    if (!among(ids, std::string_view(one.at("id").as_string())) || (context && *context != one.at("context"))) continue;
    data.push_back(std::move(one));
  }
  return one_page(data, body);
}

}  // namespace koppel::provider_sim::teamleader
