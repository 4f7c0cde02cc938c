// SPDX-License-Identifier: Apache-2.0
// Groups of fields have dice of their own, thrown from the id. A change (recipe::revision) shows in the telephone.
#include "zoho/portrait.hpp"

#include <array>
#include <boost/json/array.hpp>

#include "draw.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::zoho {
namespace {

namespace json = boost::json;

enum class topic : std::uint64_t { region = 101, name, address, business, tags, text };

draw dice_for(const recipe& record, topic about) {
  draw mixed(record.id.low * 0x9e3779b97f4a7c15ULL ^ static_cast<std::uint64_t>(about));
  return draw(mixed.next());
}

const region& region_of(const recipe& record) {
  auto dice = dice_for(record, topic::region);
  return dice.from(regions());
}

struct person {
  std::string first, last;
  bool female = false;
};

person person_of(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  const bool female = dice.chance(50);
  const std::string last(dice.from(where.family_names));
  return {std::string(female ? dice.from(where.female_names) : dice.from(where.male_names)), last, female};
}

/// People write it in full; a few as a code.
std::string country_name(const recipe& record, draw& dice) {
  const auto& where = region_of(record);
  if (dice.chance(10)) return std::string(where.country);
  if (where.country == "NL") return "Nederland";
  return where.language == "fr" ? "Belgique" : "België";
}

std::string telephone(const recipe& record, std::uint64_t which) {
  draw dice(record.id.low + which * 7919 + record.revision);
  return std::string(region_of(record).calling_code) + " " + dice.digits(8);
}

/// An address of which the organisation has `percent`; the newer fields around it are computed or empty.
void add_address(json::object& out, const recipe& record, const std::string& prefix, const char* code,
                 unsigned percent) {
  draw dice(dice_for(record, topic::address).next() ^ prefix.size());
  const auto& where = region_of(record);
  const auto spot = dice.from(where.places);
  const bool known = dice.chance(percent);
  const auto put = [&](const std::string& name, json::value value) { out[prefix + "_" + name] = std::move(value); };
  const auto street = std::string(dice.from(where.streets)) + " " + std::to_string(1 + dice.below(200));
  put("Street", known ? json::value(street) : nullptr);
  put(code, known ? json::value(spot.postal_code) : nullptr);
  put("City", known ? json::value(spot.city) : nullptr);
  put("State", nullptr);
  put("Country", known ? json::value(country_name(record, dice)) : nullptr);
  for (const char* name : {"Latitude", "Longitude", "Flat_House_No_Building_Apartment_Name"}) put(name, nullptr);
  for (const char* name : {"Coordinates", "Address"}) put(name, "");
}

json::value tags(const recipe& record) {
  auto dice = dice_for(record, topic::tags);
  json::array out;
  for (std::uint64_t count = dice.below(3), at = 0; at < count; ++at)
    out.push_back({{"name", dice.from(tag_words())}, {"id", std::to_string(900 + at)}, {"color_code", nullptr}});
  return out;
}

void add_system(json::object& out, const surroundings& around) {
  for (const char* name : {"$field_states", "$zia_owner_assignment", "$review", "Record_Image", "nearby_distance__s"})
    out[name] = nullptr;
  for (const char* name :
       {"$process_flow", "$locked_for_me", "$is_duplicate", "$orchestration", "$in_merge", "Locked__s"})
    out[name] = false;
  for (const char* name : {"$approved", "$editable"}) out[name] = true;
  out["$currency_symbol"] = "€";
  out["$state"] = "save";
  out["$approval_state"] = "approved";
  out["$layout_id"] = {{"display_label", "Standard"}, {"name", "Standard"}, {"id", "7328395000000091029"}};
  out["$approval"] = {
      {"delegate", false}, {"takeover", false}, {"approve", false}, {"reject", false}, {"resubmit", false}};
  out["$review_process"] = {{"approve", false}, {"reject", false}, {"resubmit", false}};
  for (const char* name : {"Owner", "Created_By", "Modified_By"}) out[name] = around.owner;
  out["Created_Time"] = around.created;
  out["Modified_Time"] = around.modified;
  out["Last_Activity_Time"] = around.modified;
}

void add_account(json::object& out, const recipe& record) {
  auto dice = dice_for(record, topic::business);
  const auto name = sort_name(entity::account, record);
  static constexpr std::array types{"Customer", "Supplier", "Vendor", "Partner", "Prospect", ""};
  const std::string_view type = dice.from(types);
  out["Account_Name"] = name;
  out["Account_Type"] = type.empty() ? json::value(nullptr) : json::value(type);
  out["Account_Number"] = dice.chance(70) ? "0" : dice.digits(5);
  out["Website"] = dice.chance(60) ? json::value("https://" + slug(name) + ".example") : nullptr;
  out["Phone"] = telephone(record, 1);
  out["Fax"] = dice.chance(10) ? json::value(telephone(record, 2)) : nullptr;
  out["Annual_Revenue"] = static_cast<std::int64_t>(dice.below(1'000'000));
  out["Employees"] = static_cast<std::int64_t>(dice.below(500));
  for (const char* field :
       {"SIC_Code", "Industry", "Account_Site", "Ownership", "Rating", "Ticker_Symbol", "Parent_Account"})
    out[field] = nullptr;
  add_address(out, record, "Billing", "Code", 80);
  add_address(out, record, "Shipping", "Code", 20);
}

void add_contact(json::object& out, const recipe& record, const surroundings& around) {
  auto dice = dice_for(record, topic::business);
  const auto who = person_of(record);
  out["First_Name"] = who.first;
  out["Last_Name"] = who.last;
  out["Full_Name"] = who.first + " " + who.last;
  out["Salutation"] = dice.chance(40) ? json::value(who.female ? "Mevr." : "Dhr.") : nullptr;
  out["Email"] = dice.chance(90) ? json::value(mail_of(record)) : nullptr;
  out["Secondary_Email"] = nullptr;
  out["Phone"] = telephone(record, 1);
  out["Mobile"] = dice.chance(60) ? json::value(telephone(record, 3)) : nullptr;
  out["Title"] = dice.chance(60) ? json::value(dice.from(job_titles())) : nullptr;
  out["Department"] = dice.chance(30) ? json::value(dice.from(divisions())) : nullptr;
  out["Date_of_Birth"] = dice.chance(20) ? json::value("19" + std::to_string(60 + dice.below(40)) + "-04-25") : nullptr;
  out["Email_Opt_Out"] = dice.chance(15);
  out["Account_Name"] = around.account;
  for (const char* field : {"Home_Phone", "Other_Phone", "Asst_Phone", "Assistant", "Vendor_Name", "Reporting_To",
                            "Lead_Source", "Skype_ID", "Twitter", "Fax", "Unsubscribed_Mode", "Unsubscribed_Time"})
    out[field] = nullptr;
  add_address(out, record, "Mailing", "Zip", 40);
  add_address(out, record, "Other", "Zip", 5);
}

void add_user(json::object& out, const recipe& record, const surroundings& around) {
  const auto who = person_of(record);
  const auto& where = region_of(record);
  out["first_name"] = who.first;
  out["last_name"] = who.last;
  out["full_name"] = who.first + " " + who.last;
  out["email"] = mail_of(record);
  out["phone"] = telephone(record, 1);
  out["status"] = !record.alive ? "deleted" : record.active ? "active" : "disabled";
  out["confirm"] = true;
  out["zuid"] = std::to_string(record.id.low % 1'000'000'000);
  out["role"] = {{"name", "CEO"}, {"id", "7328395000000026005"}};
  out["profile"] = {{"name", "Administrator"}, {"id", "7328395000000026011"}};
  out["country"] = where.country == "NL" ? "Netherlands" : "Belgium";
  out["country_locale"] = where.country;
  out["language"] = "en_US";
  out["locale"] = "en_US";
  out["time_zone"] = "Europe/Brussels";
  out["created_time"] = around.created;
  out["Modified_Time"] = around.modified;
  for (const char* field : {"created_by", "Modified_By"}) out[field] = around.owner;
  for (const char* field : {"Isonline", "personal_account", "sandboxDeveloper", "microsoft"}) out[field] = false;
  for (const char* field : {"state", "city", "street", "zip", "mobile", "fax", "website", "dob", "alias", "signature",
                            "Reporting_To", "status_reason__s", "Current_Shift__s", "Next_Shift__s"})
    out[field] = nullptr;
  out["territories"] = json::array();
  out["theme"] = {{"type", "default"}};
}

}  // namespace

std::string sort_name(entity kind, const recipe& record) {
  if (record.overrides)
    if (const auto* name = record.overrides->if_contains(kind == entity::account ? "Account_Name"
                                                         : kind == entity::user  ? "full_name"
                                                                                 : "Last_Name"))
      return name->is_string() ? std::string(name->get_string().c_str()) : std::string();
  const auto who = person_of(record);
  if (kind == entity::user) return who.first + " " + who.last;
  if (kind == entity::contact) return who.last + '\x1f' + who.first;
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  return std::string(dice.from(where.trades)) + " " + std::string(dice.from(where.family_names)) + " " +
         std::string(dice.from(where.legal_forms));
}

std::string mail_of(const recipe& record) {
  const auto who = person_of(record);
  return slug(who.first) + "." + slug(who.last) + "@mail.example";
}

json::object portrait(entity kind, const recipe& record, const surroundings& around, json::storage_ptr storage) {
  json::object out(std::move(storage));
  out.reserve(72);
  out["id"] = around.id;
  if (kind == entity::user) {
    add_user(out, record, around);
  } else {
    if (kind == entity::account) add_account(out, record);
    if (kind == entity::contact) add_contact(out, record, around);
    add_system(out, around);
    out["Tag"] = tags(record);
    auto dice = dice_for(record, topic::text);
    out["Description"] = dice.chance(30) ? json::value(dice.from(remark_lines())) : nullptr;
  }
  if (record.overrides)
    for (const auto& [name, value] : *record.overrides) out[name] = value;
  return out;
}

}  // namespace koppel::provider_sim::zoho
