// SPDX-License-Identifier: Apache-2.0
// The field maps of Workfront, and the few kinds of value that only Workfront has.
#include "mapping.hpp"

#include <algorithm>

namespace koppel::workfront {
namespace {

using namespace koppel::sdk;

std::optional<std::string> some_text(const json& value) {
  const auto said = value.text();
  return said && !said->empty() ? std::optional<std::string>(*said) : std::nullopt;
}

/// "CUR", or "CPL:A" while the change to CPL awaits approval. Each customer may add keys, whose meaning we do not know.
std::optional<packed> read_project_status(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  const auto key = said->substr(0, said->find(':'));
  constexpr std::string_view keys[] = {"CPL", "DED", "REJ", "CUR", "PLN", "ONH", "REQ", "IDA", "APR"};  // three: ended
  const auto place = std::find(std::begin(keys), std::end(keys), key) - std::begin(keys);
  if (place == std::ssize(keys)) return packed::null();
  return packed::text(place < 3 && key == *said ? "inactive" : "active");
}

std::optional<packed> read_user_status(const json& value) {
  const auto active = value.boolean();
  return active ? std::optional(packed::text(*active ? "active" : "inactive")) : std::nullopt;
}

/// The day as it stands there, in the time zone in which Workfront tells it.
std::optional<packed> read_day(const json& value) {
  const auto said = value.text();
  if (said == "") return packed::null();
  if (!said || !parse_time(std::string(said->substr(0, 10)) + "T00:00:00Z")) return std::nullopt;
  return packed::text(said->substr(0, 10));
}

std::optional<packed> read_number(const json& value) {
  const auto number = value.number();
  return number ? std::optional(packed::real(*number)) : std::nullopt;
}

std::optional<packed> read_whole_as_text(const json& value) {
  const auto number = value.integer();
  return number ? std::optional(packed::text(std::to_string(*number))) : kinds::read_text(value);
}

/// "nl_BE" -> "nl"
std::optional<packed> read_language(const json& value) {
  const auto locale = value.text();
  if (!locale) return std::nullopt;
  return locale->empty() ? packed::null() : packed::text(locale->substr(0, locale->find_first_of("_-")));
}

std::optional<packed> read_email(const json& value) {
  if (!value.text()) return std::nullopt;
  std::vector<email> out;
  if (auto said = some_text(value)) out.push_back({"primary", *std::move(said)});
  return pack(out);
}

/// {"DE:Sector": "Bouw"}: the key is the id, what follows "DE:" its label. Sorted: their order is no change.
std::optional<packed> read_custom_fields(const json& value) {
  if (!value.is_object()) return std::nullopt;
  std::vector<custom_field> out;
  for (const auto name : value.names()) {
    const auto label = name.starts_with("DE:") ? name.substr(3) : name;
    auto content = value[name].is_null() ? packed::null() : packed::plain(value[name]);
    out.push_back({std::string(name), std::string(label), {}, std::move(content)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return pack(out);
}

// Of the whole row. What the row does not have at all stays absent.

std::optional<packed> read_phones(const json& row) {
  if (!row["phoneNumber"] && !row["mobilePhoneNumber"]) return packed();
  std::vector<phone> out;
  if (auto said = some_text(row["phoneNumber"])) out.push_back({"work", *std::move(said)});
  if (auto said = some_text(row["mobilePhoneNumber"])) out.push_back({"mobile", *std::move(said)});
  return pack(out);
}

/// Workfront's country is free text; the canonical one has two capital letters, and what is not is left out.
std::optional<packed> read_addresses(const json& row) {
  if (!row["address"] && !row["postalCode"] && !row["city"] && !row["state"] && !row["country"]) return packed();
  address out{"primary", some_text(row["address"]), some_text(row["postalCode"]), some_text(row["city"])};
  out.region = some_text(row["state"]);
  auto country = some_text(row["country"]).value_or("");
  for (auto& c : country) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (country.size() == 2 && std::all_of(country.begin(), country.end(), is_letter)) out.country = country;
  const bool says = out.line_1 || out.postal_code || out.city || out.region || out.country;
  return pack(says ? std::vector<address>{out} : std::vector<address>{});
}

std::optional<packed> read_owner(const json& row) {
  if (!row["ownerID"]) return packed();
  const auto id = some_text(row["ownerID"]);
  return id ? pack(owner_ref{*id, some_text(row["owner"]["name"])}) : packed::null();
}

constexpr kind project_status{"CUR|CPL|...", shape::text, read_project_status};
constexpr kind user_status{"isActive", shape::text, read_user_status};
constexpr kind day{"day of a time", shape::date, read_day};
constexpr kind number{"number", shape::real, read_number};
constexpr kind whole_as_text{"whole number", shape::text, read_whole_as_text};
constexpr kind language{"locale", shape::text, read_language};
constexpr kind one_email{"e-mail address", shape::emails, read_email};
constexpr kind custom_fields{"custom data", shape::custom_fields, read_custom_fields};
constexpr kind phones{"two numbers", shape::phones, read_phones};
constexpr kind addresses{"five fields", shape::addresses, read_addresses};
constexpr kind owner{"ownerID and owner", shape::owner, read_owner};

// Why documented fields do not travel.
constexpr std::string_view constant = "the same in every row", reference = "an id of an object that is not read",
                           none = "no canonical field", inner = "how Workfront itself is administered",
                           stamp = "travels as the record's provider_updated_at",
                           who = "who touched the row: bookkeeping",
                           foreign = "an id that another integration wrote; no canonical field",
                           of_company = "a canonical field of companies only",
                           of_contact = "a canonical field of contacts only",
                           login = "how the user logs in; for most a GUID of Adobe's",
                           restless = "changes with every login; no canonical field";

constexpr rule company_rules[] = {
    // in Workfront's row, canonical field (docs/bus.md), kind of value
    {"/name", "name", kinds::text},
    {"/entryDate", "created_at", kinds::time},
    {"/parameterValues", "custom_fields", custom_fields},
};
constexpr dropped_field company_dropped[] = {
    {"/objCode", constant},     {"/customerID", constant},  {"/customer", constant},
    {"/categoryID", reference}, {"/category", reference},   {"/objectCategories", reference},
    {"/groupID", reference},    {"/group", reference},      {"/esmProjectID", reference},
    {"/enteredByID", who},      {"/enteredBy", who},        {"/lastUpdatedByID", who},
    {"/lastUpdatedBy", who},    {"/lastUpdateDate", stamp}, {"/extRefID", foreign},
    {"/hasRateOverride", none}, {"/rates", none},           {"/isPrimary", none}};

constexpr rule project_rules[] = {
    // in Workfront's row ("" is all of it), canonical field, kind of value
    {"/name", "name", kinds::text},
    {"/referenceNumber", "code", whole_as_text},
    {"/status", "state", kinds::text},
    {"/status", "status", project_status},
    {"/companyID", "company_id", kinds::text},
    {"/plannedStartDate", "planned_start", day},
    {"/plannedCompletionDate", "planned_end", day},
    {"/percentComplete", "percent_complete", number},
    {"", "owner", owner},
    {"/description", "remarks", kinds::text},
    {"/URL", "website", kinds::text},
    {"/entryDate", "created_at", kinds::time},
    {"/parameterValues", "custom_fields", custom_fields},
};
constexpr dropped_field project_dropped[] = {
    {"/programID", reference},   {"/sponsorID", reference},  {"/condition", none},
    {"/customerID", constant},   {"/categoryID", reference}, {"/actualCompletionDate", none},
    {"/currency", of_company},   {"/actualStartDate", none}, {"/templateID", reference},
    {"/portfolioID", reference}, {"/extRefID", foreign},     {"/enteredByID", who},
    {"/objCode", constant},      {"/priority", none},        {"/lastUpdateDate", stamp},
    {"/lastUpdatedByID", who},   {"/groupID", reference},    {"/projectedCompletionDate", none}};

constexpr rule user_rules[] = {
    // in Workfront's row ("" is all of it), canonical field, kind of value
    {"/name", "name", kinds::text},
    {"/firstName", "first_name", kinds::text},
    {"/lastName", "last_name", kinds::text},
    {"/isActive", "status", user_status},
    {"/emailAddr", "emails", one_email},
    {"", "phones", phones},
    {"", "addresses", addresses},
    {"/locale", "language", language},
    {"/entryDate", "created_at", kinds::time},
    {"/parameterValues", "custom_fields", custom_fields},
};
constexpr dropped_field user_dropped[] = {
    {"/objCode", constant},     {"/customerID", constant},   {"/username", login},         {"/title", of_contact},
    {"/companyID", of_contact}, {"/homeGroupID", reference}, {"/homeTeamID", reference},   {"/roleID", reference},
    {"/managerID", none},       {"/isAdmin", inner},         {"/licenseType", inner},      {"/accessLevelID", inner},
    {"/timeZone", none},        {"/lastUpdateDate", stamp},  {"/lastLoginDate", restless}, {"/extRefID", foreign},
    {"/avatarDate", none}};

}  // namespace

constinit const sdk::field_map company_map{entity::company, company_rules, company_dropped};
constinit const sdk::field_map project_map{entity::project, project_rules, project_dropped};
constinit const sdk::field_map user_map{entity::user, user_rules, user_dropped};

constinit const object company{"/cmpy", "ID,name,entryDate,lastUpdateDate,parameterValues", company_map};
constinit const object project{
    "/proj",
    "ID,name,status,referenceNumber,companyID,plannedStartDate,plannedCompletionDate,"
    "percentComplete,ownerID,owner:name,description,URL,entryDate,lastUpdateDate,parameterValues",
    project_map};
constinit const object user{
    "/user",
    "ID,name,firstName,lastName,isActive,emailAddr,phoneNumber,mobilePhoneNumber,address,city,state,"
    "postalCode,country,locale,entryDate,lastUpdateDate,parameterValues",
    user_map};

}  // namespace koppel::workfront
