// SPDX-License-Identifier: Apache-2.0
// Every group of fields has dice of its own, thrown from the record's id, so that a group added later changes no other.
// A change (recipe::revision) always shows in the telephones, and now and then in tags, address or remarks as well.
#include "teamleader/portrait.hpp"

#include <array>
#include <boost/json/value.hpp>
#include <cstdio>

#include "draw.hpp"
#include "teamleader/portrait_parts.hpp"
#include "timestamps.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;
using std::chrono::floor;
using std::chrono::seconds;

struct person {
  std::string_view first, last;
  bool female;
};

std::string company_name(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  std::string name(dice.from(where.trades));
  name.append(" ").append(dice.from(where.family_names)).append(" ").append(dice.from(where.legal_forms));
  return name;
}

person person_of(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  const bool female = dice.chance(50);
  const auto last = dice.from(where.family_names);
  const auto first = female ? dice.from(where.female_names) : dice.from(where.male_names);
  // last_name is the only name that Teamleader requires.
  return {dice.chance(4) ? std::string_view{} : first, last, female};
}

json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

void add_company_fields(const recipe& record, json::object& out) {
  const auto name = company_name(record);
  auto dice = dice_for(record, topic::business);
  out["name"] = name;
  out["status"] = record.active ? "active" : "deactivated";
  if (dice.chance(80)) {
    out["business_type"] = reference("businessType", fixed_id("businessType", dice.below(4)));
  } else {
    out["business_type"] = nullptr;
  }
  const auto number = company_number(record);
  out["vat_number"] = text_or_null(vat_as_typed(record, number, dice));
  out["national_identification_number"] = dice.chance(50) ? json::value(number) : json::value(nullptr);
  out["emails"] = company_emails(record, slug(name), out.storage());
  out["telephones"] = telephones(record, {"phone", "fax"}, out.storage());
  out["website"] = text_or_null(website(slug(name), dice));
  out["addresses"] = addresses(record, name, out.storage());
  out["preferred_currency"] = dice.chance(30) ? json::value("EUR") : json::value(nullptr);
  out["responsible_user"] =
      dice.chance(90) ? json::value(reference("user", fixed_id("user", dice.below(2)))) : json::value(nullptr);
}

void add_contact_fields(const recipe& record, std::span<const linked_company> companies, json::object& out) {
  const auto who = person_of(record);
  auto dice = dice_for(record, topic::business);
  out["first_name"] = text_or_null(who.first);
  out["last_name"] = who.last;
  out["status"] = record.active ? "active" : "deactivated";
  out["salutation"] = dice.chance(50) ? json::value(who.female ? "Mevr." : "Dhr.") : json::value(nullptr);
  out["vat_number"] = text_or_null(dice.chance(5) ? vat_as_typed(record, company_number(record), dice) : "");
  const auto handle = slug(std::string(who.first) + " " + std::string(who.last));
  out["emails"] = contact_emails(record, handle, out.storage());
  out["telephones"] = telephones(record, {"phone", "mobile", "fax"}, out.storage());
  out["website"] = text_or_null(dice.chance(10) ? website(handle, dice) : "");
  out["addresses"] = addresses(record, std::string(who.first) + " " + std::string(who.last), out.storage());
  out["gender"] = gender(who.female, dice);
  out["birthdate"] = dice.chance(40) ? json::value(birthdate(dice)) : json::value(nullptr);
  out["national_identification_number"] = nullptr;

  json::array links(out.storage());
  for (const auto& [company, which, revision] : companies) {
    const auto link = link_of(record, which, revision);
    links.push_back({{"position", text_or_null(link.position)},
                     {"secondary_position", text_or_null(link.secondary_position)},
                     {"division", text_or_null(link.division)},
                     {"decision_maker", link.decision_maker},
                     {"company", reference("company", company)}});
  }
  out["companies"] = std::move(links);
}

void add_common_fields(entity kind, const recipe& record, json::object& out) {
  auto dice = dice_for(record, topic::terms);
  const bool banked = dice.chance(40) && region_of(record).country == "BE";
  out["iban"] = banked ? json::value(belgian_iban(dice)) : json::value(nullptr);
  out["bic"] = banked ? json::value("KREDBEBB") : json::value(nullptr);
  out["language"] = dice.chance(95) ? json::value(region_of(record).language) : json::value(nullptr);
  out["payment_term"] = payment_term(dice);
  out["invoicing_preferences"] = {
      {"electronic_invoicing_address", dice.chance(20) ? json::value("0208:" + company_number(record)) : nullptr}};
  out["added_at"] = record_time(floor<seconds>(record.added_at));
  out["updated_at"] = record_time(floor<seconds>(record.updated_at));
  const char* page = kind == entity::company ? "company" : "contact";
  out["web_url"] = "https://focus.teamleader.eu/" + std::string(page) + "_detail.php?id=" + record.id.text();
  out["tags"] = tags(record, out.storage());
  out["remarks"] = remarks(record);
  out["marketing_mails_consent"] = dice.chance(45);
  out["custom_fields"] = custom_fields(kind, record, out.storage());
}

}  // namespace

std::string sort_name(entity kind, const recipe& record) {
  const auto pick = [&](const char* field, std::string_view otherwise) -> std::string {
    if (record.overrides)
      if (const auto* value = record.overrides->if_contains(field))
        return value->is_string() ? std::string(value->get_string().c_str()) : std::string();
    return std::string(otherwise);
  };
  if (kind == entity::company) return pick("name", company_name(record));
  const auto who = person_of(record);
  return pick("last_name", who.last) + '\x1f' + pick("first_name", who.first);
}

company_link link_of(const recipe& contact, std::size_t which, unsigned revision) {
  draw dice((contact.id.low ^ (static_cast<std::uint64_t>(topic::link) + 1000 * which)) + 0x51ed27ULL * revision);
  company_link link;
  if (dice.chance(80)) link.position = dice.from(job_titles());
  if (dice.chance(10)) link.secondary_position = dice.from(job_titles());
  if (dice.chance(40)) link.division = dice.from(divisions());
  link.decision_maker = dice.chance(30);
  return link;
}

json::object full_record(entity kind, const recipe& record, std::span<const linked_company> companies,
                         json::storage_ptr storage) {
  json::object out(std::move(storage));
  out.reserve(32);
  out["id"] = record.id.text();
  if (kind == entity::company) {
    add_company_fields(record, out);
  } else {
    add_contact_fields(record, companies, out);
  }
  add_common_fields(kind, record, out);
  // Undocumented, but seen in a real answer: a reader must not stumble over it.
  if (kind == entity::company) out["activity_code"] = nullptr;
  if (record.overrides)
    for (const auto& [name, value] : *record.overrides) out[name] = value;
  return out;
}

void reduce_to_list(entity kind, json::object& record, bool with_custom_fields) {
  json::value primary(nullptr, record.storage());
  if (const auto* all = record["addresses"].if_array()) {
    for (const auto& one : *all)
      if (one.is_object() && one.at("type") == "primary") primary = one.at("address");
  }
  record["primary_address"] = std::move(primary);
  record.erase("addresses");
  record.erase("remarks");
  record.erase("activity_code");
  if (kind == entity::contact) {
    record.erase("companies");
    record.erase("vat_number");
  }
  if (!with_custom_fields) record.erase("custom_fields");
}

json::value price_list_of(const recipe& record) {
  auto dice = dice_for(record, topic::price_list);
  if (!dice.chance(25)) return nullptr;
  return reference("priceList", fixed_id("priceList", dice.below(2)));
}

}  // namespace koppel::provider_sim::teamleader
