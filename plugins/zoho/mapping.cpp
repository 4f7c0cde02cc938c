// SPDX-License-Identifier: Apache-2.0
// The field maps of Zoho CRM, API v8, and the kinds of value that only Zoho has. Where several of its fields make one
// list of ours, the kind reads the whole row.
#include "mapping.hpp"

#include <koppel/sdk/dropped.hpp>
#include <koppel/sdk/gather.hpp>

namespace koppel::zoho {
namespace {

using namespace koppel::sdk;

constexpr typed_field company_phones[] = {{"/Phone", "phone"}, {"/Fax", "fax"}};
constexpr typed_field contact_phones[] = {
    {"/Phone", "phone"}, {"/Mobile", "mobile"}, {"/Home_Phone", "home"}, {"/Other_Phone", "other"}, {"/Fax", "fax"}};
constexpr typed_field user_phones[] = {{"/phone", "phone"}, {"/mobile", "mobile"}, {"/fax", "fax"}};
constexpr typed_field contact_emails[] = {{"/Email", "primary"}, {"/Secondary_Email", "secondary"}};
constexpr typed_field user_emails[] = {{"/email", "primary"}};
constexpr address_fields company_places[] = {{"invoicing", "/Billing_", "Street", "Code", "City", "State", "Country"},
                                             {"delivery", "/Shipping_", "Street", "Code", "City", "State", "Country"}};
constexpr address_fields contact_places[] = {{"primary", "/Mailing_", "Street", "Zip", "City", "State", "Country"},
                                             {"other", "/Other_", "Street", "Zip", "City", "State", "Country"}};
constexpr address_fields user_places[] = {{"primary", "/", "street", "zip", "city", "state", "country_locale"}};

/// Of a partner or a competitor it is known that he is neither.
std::optional<packed> read_roles(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  std::vector<std::string> out;
  if (said == "Customer") out.emplace_back("customer");
  if (said == "Supplier" || said == "Vendor") out.emplace_back("supplier");
  return pack(out);
}

/// A number or a text; 0 is what Zoho fills in itself.
std::optional<packed> read_account_number(const json& value) {
  if (!value.integer() && !value.text()) return std::nullopt;
  const auto said = value.integer() ? std::to_string(*value.integer()) : std::string(*value.text());
  return said == "0" || said.empty() ? packed::null() : packed::text(said);
}

/// Lists cut long texts after 500 characters, reads by id do not: both are cut here. Counted as UTF-16, which is never
/// less than what a list gives.
std::optional<packed> read_long_text(const json& value) {
  constexpr std::size_t most = 500;
  const auto said = value.text();
  std::size_t units = 0, at = 0;
  for (; said && at < said->size() && units < most; ++at) {
    const auto byte = static_cast<unsigned char>((*said)[at]);
    units += (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
  }
  if (units < most) return kinds::read_text(value);
  while (at < said->size() && (static_cast<unsigned char>((*said)[at]) & 0xC0) == 0x80) ++at;
  return packed::text(std::string(said->substr(0, at)) + "…");
}

/// Who opted out gave no consent; who did not was perhaps never asked.
std::optional<packed> read_opt_out(const json& value) {
  const auto out = value.boolean();
  return !out ? std::nullopt : std::optional(*out ? packed::flag(false) : packed::null());
}

std::optional<packed> read_account(const json& value) {
  const auto id = some_text(value["id"]);
  return id ? std::optional(pack(std::vector<company_link>{{*id, {}, {}, {}}})) : std::nullopt;
}

std::optional<packed> read_user_status(const json& value) {
  const auto said = value.text();
  return said ? std::optional(packed::text(said == "disabled" || said == "closed" ? "inactive" : *said)) : std::nullopt;
}

constexpr kind roles{"account type", shape::texts, read_roles};
constexpr kind account_number{"number or text", shape::text, read_account_number};
constexpr kind long_text{"first 500 characters", shape::text, read_long_text};
constexpr kind opt_out{"opted out", shape::flag, read_opt_out};
constexpr kind account{"reference to an account", shape::links, read_account};
constexpr kind user_status{"active|disabled|closed", shape::text, read_user_status};

// What becomes of each documented field ("" is the whole row). Sources: README.md.
constexpr rule company_rules[] = {
    {"/Account_Name", "name", kinds::text},
    {"/Account_Type", "roles", roles},
    {"/Account_Number", "customer_number", account_number},
    {"", "phones", kinds::phones_in<company_phones>},
    {"/Website", "website", kinds::text},
    {"", "addresses", kinds::addresses_in<company_places>},
    {"/Parent_Account/id", "parent_id", kinds::text},
    {"/Owner", "owner", kinds::reference},
    {"/Tag", "tags", kinds::named_tags},
    {"/Description", "remarks", long_text},
    {"/Created_Time", "created_at", kinds::time},
};
constexpr rule contact_rules[] = {
    {"/Full_Name", "name", kinds::text},
    {"/Full_Name", "full_name", kinds::text},
    {"/First_Name", "first_name", kinds::text},
    {"/Last_Name", "last_name", kinds::text},
    {"/Salutation", "salutation", kinds::text},
    {"/Title", "job_title", kinds::text},
    {"/Department", "department_name", kinds::text},
    {"/Date_of_Birth", "birthdate", kinds::date},
    {"/Email_Opt_Out", "marketing_consent", opt_out},
    {"", "emails", kinds::emails_in<contact_emails>},
    {"", "phones", kinds::phones_in<contact_phones>},
    {"", "addresses", kinds::addresses_in<contact_places>},
    {"/Account_Name", "companies", account},
    {"/Owner", "owner", kinds::reference},
    {"/Tag", "tags", kinds::named_tags},
    {"/Description", "remarks", long_text},
    {"/Created_Time", "created_at", kinds::time},
};
constexpr rule user_rules[] = {
    {"/full_name", "name", kinds::text},
    {"/first_name", "first_name", kinds::text},
    {"/last_name", "last_name", kinds::text},
    {"/status", "status", user_status},
    {"", "emails", kinds::emails_in<user_emails>},
    {"", "phones", kinds::phones_in<user_phones>},
    {"", "addresses", kinds::addresses_in<user_places>},
    {"/website", "website", kinds::text},
    {"/language", "language", kinds::text},
    {"/created_time", "created_at", kinds::time},
};

// What does not travel, and why.
constexpr std::string_view no_field = "no canonical field", updated = "travels as the record's provider_updated_at",
                           other_person = "of another person; no canonical field",
                           map_point = "computed for Zoho's maps from the address that travels",
                           house = "only where the newer address fields are on; to ask for it elsewhere may be refused";
constexpr dropped_group of_modules{
    "/$currency_symbol /$field_states /$state /$process_flow /$locked_for_me /$approved /$approval /$editable "
    "/$zia_owner_assignment /$is_duplicate /$review_process /$review /$layout_id /$orchestration /$in_merge "
    "/$approval_state /Locked__s /Last_Activity_Time /Created_By /Modified_By",
    "state and history of the row within Zoho; no canonical field"};
constexpr dropped_group company_groups[] = {
    of_modules,
    {"/Billing_Latitude /Billing_Longitude /Billing_Coordinates /Billing_Address /Shipping_Latitude "
     "/Shipping_Longitude /Shipping_Coordinates /Shipping_Address /nearby_distance__s",
     map_point},
    {"/Billing_Flat_House_No_Building_Apartment_Name /Shipping_Flat_House_No_Building_Apartment_Name", house},
    {"/SIC_Code /Industry /Account_Site /Annual_Revenue /Employees /Ownership /Rating /Ticker_Symbol /Record_Image",
     no_field},
    {"/Modified_Time", updated},
};
constexpr dropped_group contact_groups[] = {
    of_modules,
    {"/Mailing_Latitude /Mailing_Longitude /Mailing_Coordinates /Mailing_Address /Other_Latitude /Other_Longitude "
     "/Other_Coordinates /Other_Address /nearby_distance__s",
     map_point},
    {"/Mailing_Flat_House_No_Building_Apartment_Name /Other_Flat_House_No_Building_Apartment_Name", house},
    {"/Asst_Phone /Assistant /Reporting_To", other_person},
    {"/Vendor_Name /Lead_Source /Skype_ID /Twitter /Unsubscribed_Mode /Unsubscribed_Time /Record_Image", no_field},
    {"/Modified_Time", updated},
};
constexpr dropped_group user_groups[] = {
    {"/country", "a name; country_locale has the same as a code"},
    {"/dob", "sensitive, and no canonical field of a user"},
    {"/created_by /Modified_By /Reporting_To", other_person},
    {"/role /profile /territories /category /confirm /status_reason__s /sandboxDeveloper /Isonline "
     "/$shift_effective_from /$current_shift /$next_shift /Current_Shift__s /Next_Shift__s /Shift_Effective_From__s",
     "organisation of work within Zoho; no canonical field"},
    {"/locale /time_zone /time_format /date_format /offset /decimal_separator /number_separator /name_format "
     "/name_format__s /sort_order_preference /sort_order_preference__s /default_tab_group /theme /customize_info "
     "/rtl_enabled /distance_preference__s /Currency /signature",
     "how the user sees Zoho; no canonical field"},
    {"/zuid /ezuid /microsoft /personal_account /imap_status /telephony_enabled /ntc_enabled /ntc_notification_type",
     "of Zoho's other services; no canonical field"},
    {"/alias /image_link", no_field},
    {"/Modified_Time", updated},
};
constexpr auto company_dropped = each_dropped<company_groups>();
constexpr auto contact_dropped = each_dropped<contact_groups>();
constexpr auto user_dropped = each_dropped<user_groups>();

}  // namespace

constinit const std::string_view company_fields =
    "Account_Name,Account_Type,Account_Number,Phone,Fax,Website,Billing_Street,Billing_Code,Billing_City,Billing_State,"
    "Billing_Country,Shipping_Street,Shipping_Code,Shipping_City,Shipping_State,Shipping_Country,Parent_Account,Owner,"
    "Tag,Description,Created_Time,Modified_Time";
constinit const std::string_view contact_fields =
    "Full_Name,First_Name,Last_Name,Salutation,Title,Department,Date_of_Birth,Email_Opt_Out,Email,Secondary_Email,"
    "Phone,Mobile,Home_Phone,Other_Phone,Fax,Mailing_Street,Mailing_Zip,Mailing_City,Mailing_State,"
    "Mailing_Country,Other_Street,Other_Zip,Other_City,Other_State,Other_Country,Account_Name,Owner,Tag,Description,"
    "Created_Time,Modified_Time";

constinit const field_map company_map{entity::company, company_rules, company_dropped};
constinit const field_map contact_map{entity::contact, contact_rules, contact_dropped};
constinit const field_map user_map{entity::user, user_rules, user_dropped};

record to_company(const json& row) { return map_row(company_map, row, "/id", "/Modified_Time"); }
record to_contact(const json& row) { return map_row(contact_map, row, "/id", "/Modified_Time"); }
record to_user(const json& row) {
  return row["status"].text() == "deleted" ? to_deletion(entity::user, row)
                                           : map_row(user_map, row, "/id", "/Modified_Time");
}

record to_deletion(std::string_view entity, const json& row) {
  auto out = map_row({entity, {}, {}}, row, "/id", row["deleted_time"] ? "/deleted_time" : "/Modified_Time");
  out.gone = true;
  return out;
}

}  // namespace koppel::zoho
