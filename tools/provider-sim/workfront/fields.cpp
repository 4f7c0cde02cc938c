// SPDX-License-Identifier: Apache-2.0
// The names come from the portraits themselves, so that what is shown and what may be asked for cannot differ.
#include "workfront/fields.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>

#include "workfront/customer.hpp"
#include "workfront/portrait.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;
using names = std::set<std::string, std::less<>>;

constexpr std::string_view custom_prefix = "DE:";

/// The custom forms of the account: which keys exist, whether a record fills them in or not.
const names& custom_fields(object_kind kind) {
  static const names of_companies{"DE:Straat", "DE:Postcode", "DE:Gemeente", "DE:BTW-nummer", "DE:Sector"};
  static const names none;
  return kind == object_kind::company ? of_companies : none;
}

const names& plain_fields(object_kind kind) {
  static const auto table = [] {
    std::map<object_kind, names> out;
    for (const auto each : {object_kind::company, object_kind::user, object_kind::project})
      for (const auto& field : portrait(static_cast<entity>(each), recipe{}, {}))
        if (field.key() != "parameterValues") out[each].emplace(field.key());
    for (const auto& field : customer_object({}, 10)) out[object_kind::customer].emplace(field.key());
    return out;
  }();
  return table.at(kind);
}

/// References that are followed, and the kind of object at the end (nothing: name and ID only).
const std::map<std::string, std::optional<object_kind>, std::less<>>& references(object_kind kind) {
  using table = std::map<std::string, std::optional<object_kind>, std::less<>>;
  static const table of_company{{"category", std::nullopt},
                                {"customer", object_kind::customer},
                                {"enteredBy", object_kind::user},
                                {"lastUpdatedBy", object_kind::user},
                                {"group", std::nullopt}};
  static const table of_user{{"company", object_kind::company},
                             {"customer", object_kind::customer},
                             {"manager", object_kind::user},
                             {"role", std::nullopt}};
  static const table of_project{
      {"company", object_kind::company}, {"customer", object_kind::customer},  {"owner", object_kind::user},
      {"enteredBy", object_kind::user},  {"lastUpdatedBy", object_kind::user}, {"group", std::nullopt},
      {"category", std::nullopt}};
  static const table none;
  if (kind == object_kind::company) return of_company;
  if (kind == object_kind::user) return of_user;
  return kind == object_kind::project ? of_project : none;
}

bool in_version(std::string_view field, int version) { return field != "esmProjectID" || version >= 22; }

bool has_plain(object_kind kind, std::string_view field, int version) {
  return plain_fields(kind).contains(field) && in_version(field, version);
}

const std::vector<std::string>& common_fields(object_kind kind) {
  static const std::vector<std::string> of_project{"ID",
                                                   "name",
                                                   "objCode",
                                                   "percentComplete",
                                                   "plannedCompletionDate",
                                                   "plannedStartDate",
                                                   "priority",
                                                   "projectedCompletionDate",
                                                   "status"};
  static const std::vector<std::string> few{"ID", "name", "objCode"};
  return kind == object_kind::project ? of_project : few;
}

/// Before v21, a multi-select field with one value is that value.
json::value custom_value(const json::object& whole, std::string_view field, int version) {
  const auto* values = whole.if_contains("parameterValues");
  const auto* value = values && values->is_object() ? values->get_object().if_contains(field) : nullptr;
  if (!value) return nullptr;
  if (version < 21 && value->is_array() && value->get_array().size() == 1) return value->get_array().front();
  return *value;
}

json::object custom_values(const json::object& whole, int version, json::storage_ptr storage) {
  json::object out(std::move(storage));
  if (const auto* values = whole.if_contains("parameterValues"); values && values->is_object())
    for (const auto& [name, value] : values->get_object()) out[name] = custom_value(whole, name, version);
  return out;
}

json::object common_of(const json::object& whole) {
  json::object out;
  for (const auto* name : {"ID", "name", "objCode"})
    if (const auto* value = whole.if_contains(name)) out[name] = *value;
  return out;
}

void pick_reference(object_kind kind, std::string_view field, int version, const follow& to, json::object& out) {
  const auto colon = field.find(':');
  const auto ref = field.substr(0, colon);
  const auto target = to(ref);
  if (!target) {
    out[ref] = nullptr;
    return;
  }
  if (!out.contains(ref) || !out[ref].is_object()) out[ref] = common_of(*target);
  if (colon == std::string_view::npos) return;
  auto& nested = out[ref].as_object();
  const auto inner = field.substr(colon + 1);
  const auto& inner_kind = references(kind).find(ref)->second;
  for (const auto& [name, value] : *target)
    if ((inner == "*" && inner_kind && has_plain(*inner_kind, name, version)) || name == inner) nested[name] = value;
}

}  // namespace

std::optional<object_kind> object_named(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  static const std::map<std::string, object_kind> known{
      {"cmpy", object_kind::company},     {"company", object_kind::company}, {"user", object_kind::user},
      {"proj", object_kind::project},     {"project", object_kind::project}, {"cust", object_kind::customer},
      {"customer", object_kind::customer}};
  const auto found = known.find(lower);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::string_view class_name(object_kind kind) {
  static constexpr std::array<std::string_view, 4> all{"Company", "User", "Project", "Customer"};
  return all[static_cast<std::size_t>(kind)];
}

std::string unsupported_field(std::string_view field, object_kind kind, int version) {
  return "APIModel V" + std::to_string(version) + "_0 does not support field " + std::string(field) + " (" +
         std::string(class_name(kind)) + ")";
}

bool has_field(object_kind kind, std::string_view field, int version, bool wildcards) {
  if (field == "*") return wildcards;
  if (field.starts_with(custom_prefix)) return custom_fields(kind).contains(field);
  if (field == "parameterValues") return kind != object_kind::customer && wildcards;
  const auto colon = field.find(':');
  if (colon == std::string_view::npos)
    return has_plain(kind, field, version) || (wildcards && references(kind).contains(field));
  const auto reference = references(kind).find(field.substr(0, colon));
  if (reference == references(kind).end()) return false;
  const auto inner = field.substr(colon + 1);
  if (inner == "*") return wildcards;
  if (!reference->second) return inner == "ID" || inner == "name" || inner == "objCode";
  return has_plain(*reference->second, inner, version);
}

bool is_date(std::string_view field) { return field.ends_with("Date"); }

json::value value_of(const json::object& whole, std::string_view field, const follow& to) {
  if (field.starts_with(custom_prefix)) return custom_value(whole, field, 21);
  const auto colon = field.find(':');
  if (colon != std::string_view::npos) {
    const auto target = to(field.substr(0, colon));
    const auto* value = target ? target->if_contains(field.substr(colon + 1)) : nullptr;
    return value ? *value : json::value(nullptr);
  }
  const auto* value = whole.if_contains(field);
  return value ? *value : json::value(nullptr);
}

json::object picked(object_kind kind, const json::object& whole, const std::optional<std::vector<std::string>>& fields,
                    int version, const follow& to, json::storage_ptr storage) {
  json::object out(storage);
  out["ID"] = whole.at("ID");
  if (!fields) {
    for (const auto& name : common_fields(kind)) out[name] = whole.at(name);
    return out;
  }
  for (const auto& field : *fields) {
    if (field == "*") {
      for (const auto& [name, value] : whole)
        if (has_plain(kind, name, version)) out[name] = value;
    } else if (field.starts_with(custom_prefix)) {
      out[field] = custom_value(whole, field, version);
    } else if (field == "parameterValues") {
      out[field] = custom_values(whole, version, storage);
    } else if (field.find(':') != std::string::npos || !whole.contains(field)) {
      pick_reference(kind, field, version, to, out);
    } else {
      out[field] = whole.at(field);
    }
  }
  if (!out.contains("objCode")) out["objCode"] = whole.at("objCode");
  return out;
}

}  // namespace koppel::provider_sim::workfront
