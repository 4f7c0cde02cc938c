// SPDX-License-Identifier: Apache-2.0
// Every group of fields has dice of its own. A change (recipe::revision) shows in a company's extRefID, a user's
// phoneNumber, a project's status or percentComplete; every third time in the name of a company or project as well.
#include "workfront/portrait.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "draw.hpp"
#include "timestamps.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;
using std::chrono::days;
using std::chrono::hours;

enum class topic : std::uint64_t { region = 101, name, codes, contact, custom, plan, progress };

draw dice_for(const recipe& record, topic about) { return draw(record.id.low ^ static_cast<std::uint64_t>(about)); }

draw changing_dice(const recipe& record, topic about, std::uint32_t period = 1) {
  return draw((record.id.low ^ static_cast<std::uint64_t>(about)) + 0x51ed27ULL * (record.revision / period));
}

const region& region_of(const recipe& record) {
  auto dice = dice_for(record, topic::region);
  return regions()[dice.below(regions().size())];
}

json::value id_or_null(const std::optional<std::string>& id) { return id ? json::value(*id) : json::value(nullptr); }

json::value maybe(bool there, json::value value) { return there ? value : json::value(nullptr); }

std::string company_name(const recipe& record) {
  auto dice = changing_dice(record, topic::name, 3);
  const auto& where = region_of(record);
  std::string name(dice.from(where.trades));
  return name.append(" ").append(dice.from(where.family_names)).append(" ").append(dice.from(where.legal_forms));
}

std::string project_name(const recipe& record) {
  static constexpr std::array<std::string_view, 6> works{"Website",     "Campagne najaar", "Verbouwing",
                                                         "Jaarverslag", "Migration ERP",   "Huisstijl"};
  auto dice = changing_dice(record, topic::name, 3);
  std::string name(dice.from(works));
  return name.append(" ").append(dice.from(region_of(record).family_names)).append(" ").append(dice.digits(3));
}

struct person {
  std::string first, last;
};

person person_of(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  const bool female = dice.chance(50);
  return {std::string(female ? dice.from(where.female_names) : dice.from(where.male_names)),
          std::string(dice.from(where.family_names))};
}

void add_company(const recipe& record, json::object& out) {
  auto codes = changing_dice(record, topic::codes);
  const auto& where = region_of(record);
  out["name"] = company_name(record);
  out["extRefID"] = maybe(codes.chance(85) || record.revision > 0, json::value("K-" + codes.digits(6)));
  out["hasRateOverride"] = false;
  out["isPrimary"] = false;
  out["esmProjectID"] = nullptr;

  // A company has no address of its own: customers keep one in a custom form, or nowhere. An edit moves it.
  auto custom = dice_for(record, topic::custom);
  auto house = changing_dice(record, topic::custom);
  json::object values(out.storage());
  if (custom.chance(80) || record.revision > 0) {
    const auto& town = custom.from(where.places);
    const std::string street(custom.from(where.streets));
    values["DE:Straat"] = street + " " + std::to_string(1 + house.below(200));
    values["DE:Postcode"] = town.postal_code;
    values["DE:Gemeente"] = town.city;
    values["DE:BTW-nummer"] = maybe(custom.chance(70), json::value("BE0" + custom.digits(9)));
    json::array sectors{"Bouw"};
    if (custom.chance(40)) sectors.push_back("IT");
    values["DE:Sector"] = std::move(sectors);
  }
  out["parameterValues"] = std::move(values);
}

void add_user(const recipe& record, const surroundings& around, json::object& out) {
  const auto who = person_of(record);
  auto contact = dice_for(record, topic::contact);
  auto phone = changing_dice(record, topic::contact);
  const auto& where = region_of(record);
  const auto& town = contact.from(where.places);
  const std::string calling(where.calling_code);
  out["name"] = who.first + " " + who.last;
  out["firstName"] = who.first;
  out["lastName"] = who.last;
  out["emailAddr"] = slug(who.first) + "." + slug(who.last) + contact.digits(2) + "@mail.example";
  // Users of the Adobe platform have a technical name, not their address.
  out["username"] = record.id.text();
  out["title"] = maybe(contact.chance(70), json::value(contact.from(job_titles())));
  out["phoneNumber"] = maybe(contact.chance(70) || record.revision > 0, json::value(calling + " 2 " + phone.digits(7)));
  out["mobilePhoneNumber"] = maybe(contact.chance(40), json::value(calling + " 47" + contact.digits(7)));
  const bool placed = contact.chance(50);
  out["address"] = maybe(placed, json::value(std::string(contact.from(where.streets)) + " " + contact.digits(2)));
  out["city"] = maybe(placed, json::value(town.city));
  out["state"] = nullptr;
  out["postalCode"] = maybe(placed, json::value(town.postal_code));
  out["country"] = maybe(placed, json::value(where.country));
  out["companyID"] = id_or_null(around.company_id);
  out["homeGroupID"] = fixed_id("group", 0);
  out["homeTeamID"] = nullptr;
  out["roleID"] = maybe(contact.chance(60), json::value(fixed_id("role", contact.below(4))));
  out["managerID"] = id_or_null(around.person_id);
  out["isActive"] = record.active;
  out["isAdmin"] = around.administrator;
  out["licenseType"] = around.administrator ? "F" : "W";
  out["accessLevelID"] = fixed_id("access", around.administrator ? 0 : 1);
  out["locale"] = std::string(where.language) == "fr" ? "fr_BE" : "nl_BE";
  out["timeZone"] = "Europe/Brussels";
  out["lastLoginDate"] = maybe(contact.chance(80), json::value(date_text(record.updated_at + hours{5}, around.dates)));
  out["extRefID"] = nullptr;
  out["avatarDate"] = nullptr;
  out["parameterValues"] = json::object(out.storage());
}

void add_project(const recipe& record, const surroundings& around, json::object& out) {
  static constexpr std::array<std::string_view, 6> statuses{"CUR", "PLN", "CPL", "DED", "ONH", "CPL:A"};
  auto plan = dice_for(record, topic::plan);
  auto progress = changing_dice(record, topic::progress);
  const std::string_view status = progress.from(statuses);
  const bool complete = status.starts_with("CPL");
  const instant start = std::chrono::floor<days>(record.added_at) + days{plan.below(30)} + hours{8};
  const auto length = days{5 + plan.below(120)};
  const auto when = [&](instant at) { return json::value(date_text(at, around.dates)); };
  out["name"] = project_name(record);
  out["status"] = status;
  out["condition"] = progress.chance(80) ? "ON" : "AR";
  out["percentComplete"] = complete ? 100 : static_cast<int>((plan.below(90) + 7 * record.revision) % 99);
  out["priority"] = static_cast<int>(plan.below(5));
  out["plannedStartDate"] = when(start);
  out["plannedCompletionDate"] = when(start + length);
  out["projectedCompletionDate"] = when(start + length + days{progress.below(10)});
  out["actualStartDate"] = maybe(status != "PLN", when(start + hours{26}));
  out["actualCompletionDate"] = maybe(complete, when(start + length + hours{3}));
  out["ownerID"] = id_or_null(around.person_id);
  out["sponsorID"] = nullptr;
  out["companyID"] = id_or_null(around.company_id);
  out["portfolioID"] = maybe(plan.chance(30), json::value(fixed_id("portfolio", plan.below(3))));
  out["programID"] = nullptr;
  out["templateID"] = nullptr;
  out["referenceNumber"] = static_cast<std::int64_t>(record.id.high % 1'000'000);
  out["description"] = maybe(plan.chance(40), json::value(plan.from(remark_lines())));
  out["extRefID"] = nullptr;
  out["currency"] = "EUR";
  out["URL"] = nullptr;
  out["parameterValues"] = json::object(out.storage());
}

}  // namespace

std::string fixed_id(std::string_view what, std::uint64_t number) {
  std::uint64_t seed = number;
  for (const char c : what) seed = seed * 131 + static_cast<unsigned char>(c);
  draw dice(seed);
  const auto high = dice.next();
  return id_text({high, dice.next()});
}

std::string sort_name(entity kind, const recipe& record) {
  if (kind == entity::company) return company_name(record);
  if (kind == entity::project) return project_name(record);
  const auto who = person_of(record);
  return who.first + " " + who.last;
}

json::object portrait(entity kind, const recipe& record, const surroundings& around, json::storage_ptr storage) {
  static constexpr std::array<std::string_view, 3> codes{"CMPY", "USER", "PROJ"};
  json::object out(std::move(storage));
  out.reserve(40);
  out["ID"] = id_text(record.id);
  out["name"] = nullptr;
  out["objCode"] = codes[static_cast<std::size_t>(kind)];
  out["customerID"] = around.customer_id;
  out["entryDate"] = date_text(record.added_at, around.dates);
  if (kind != entity::user) {
    out["categoryID"] = fixed_id("category", static_cast<std::uint64_t>(kind));
    out["enteredByID"] = out["lastUpdatedByID"] = around.administrator_id;
    out["groupID"] = fixed_id("group", 0);
  }
  out["lastUpdateDate"] =
      around.updated_at ? json::value(date_text(*around.updated_at, around.dates)) : json::value(nullptr);
  if (kind == entity::company) add_company(record, out);
  if (kind == entity::user) add_user(record, around, out);
  if (kind == entity::project) add_project(record, around, out);
  if (record.overrides)
    for (const auto& [name, value] : *record.overrides) out[name] = value;
  return out;
}

}  // namespace koppel::provider_sim::workfront
