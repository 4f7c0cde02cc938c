// SPDX-License-Identifier: Apache-2.0
// Every group of fields has dice of its own, thrown from the record's id. A change shows in the telephone.
#include "snelstart/relations.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "snelstart/lands.hpp"
#include "snelstart/stamps.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::snelstart {
namespace {

namespace json = boost::json;

enum class topic : std::uint64_t { region = 101, name, kind, contact, address, post, money, memo, extra };

draw dice_for(const recipe& record, topic about) { return draw(record.id.low ^ static_cast<std::uint64_t>(about)); }

/// Mostly Dutch, some Flemish.
const region& region_of(const recipe& record) {
  auto dice = dice_for(record, topic::region);
  return regions()[dice.chance(80) ? 1 : 0];
}

std::string name_of(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  std::string name(dice.from(where.trades));
  name.append(" ").append(dice.from(where.family_names)).append(" ").append(dice.from(where.legal_forms));
  return name;
}

/// With `|` between them, for the filter.
std::string_view kinds_of(const recipe& record) {
  auto dice = dice_for(record, topic::kind);
  const auto share = dice.below(10);
  return share < 6 ? "Klant" : share < 9 ? "Leverancier" : "Klant|Leverancier";
}

json::value maybe(bool there, std::string text) { return there ? json::value(text) : json::value(nullptr); }

json::value reference(const char* folder, const uuid& id) {
  return {{"id", id.text()}, {"uri", std::string(folder) + id.text()}};
}

json::object address(const recipe& record, topic about, bool known) {
  auto dice = dice_for(record, about);
  const auto& where = region_of(record);
  const auto& town = dice.from(where.places);
  const auto street = std::string(dice.from(where.streets)) + ' ' + std::to_string(1 + dice.below(240));
  const auto person = std::string(dice.from(where.female_names)) + ' ' + std::string(dice.from(where.family_names));
  // An empty address is not null: it is in the Netherlands.
  return {{"contactpersoon", maybe(known && dice.chance(40), person)},
          {"straat", maybe(known, street)},
          {"postcode", maybe(known, std::string(town.postal_code))},
          {"plaats", maybe(known, std::string(town.city))},
          {"land", reference("/landen/", land_id(known ? where.country : "NL"))}};
}

void add_contact(const recipe& record, json::object& out) {
  auto dice = dice_for(record, topic::contact);
  draw changing(record.id.high + 0x51ed27ULL * record.revision);
  const auto domain = slug(name_of(record)) + ".example";
  out["telefoon"] = maybe(dice.chance(80) || record.revision > 0, "072-" + changing.digits(7));
  out["mobieleTelefoon"] = maybe(dice.chance(40), "06-" + dice.digits(8));
  out["fax"] = maybe(dice.chance(5), "072-" + dice.digits(7));
  const auto more = dice.chance(20) ? ";administratie@" + domain : dice.chance(5) ? "; facturen@" + domain + ";" : "";
  out["email"] = dice.chance(85) ? json::value("info@" + domain + more) : json::value("");
  out["websiteUrl"] = maybe(dice.chance(30), "https://www." + domain);
}

void add_money(const recipe& record, json::object& out) {
  auto dice = dice_for(record, topic::money);
  const bool dutch = region_of(record).country == "NL";
  out["btwNummer"] = maybe(dice.chance(70), dutch ? "NL" + dice.digits(9) + "B01" : "BE0" + dice.digits(9));
  out["kvkNummer"] = maybe(dutch && dice.chance(70), dice.digits(8));
  out["oin"] = nullptr;
  out["factuurkorting"] = dice.chance(10) ? json::value(2.5) : json::value(nullptr);
  out["krediettermijn"] =
      dice.chance(60) ? json::value(7 * (1 + static_cast<int>(dice.below(8)))) : json::value(nullptr);
  out["kredietLimiet"] = dice.chance(10) ? json::value(5000.0) : json::value(nullptr);
  out["bankieren"] = dice.chance(20);
  out["iban"] = maybe(dice.chance(30), "NL" + dice.digits(2) + "ABNA0" + dice.digits(9));
  out["bic"] = maybe(!out["iban"].is_null(), "ABNANL2A");
  out["incassoSoort"] = dice.chance(10) ? json::value("Core") : json::value(nullptr);
  out["aanmaningsoort"] = dice.chance(50) ? "Onderneming" : "Nee";
  out["ublBestandAlsBijlage"] = dice.chance(20);
  out["factuurRelatie"] = nullptr;
}

void add_rest(const recipe& record, json::object& out) {
  for (const char* document : {"offerte", "bevestigings", "factuur", "aanmaning", "offerteAanvraag", "bestelling"})
    out[std::string(document) + "EmailVersturen"] =
        json::object{{"shouldSend", true}, {"email", out.at("email")}, {"ccEmail", nullptr}};
  auto dice = dice_for(record, topic::memo);
  out["memo"] = maybe(dice.chance(20), std::string(dice.from(remark_lines())));
  auto extra = dice_for(record, topic::extra);
  json::array fields;
  if (extra.chance(30)) fields.push_back({{"naam", "Vaste klant"}, {"waarde", extra.chance(50)}});
  if (extra.chance(30)) fields.push_back({{"naam", "Regio"}, {"waarde", "Noord"}});
  if (extra.chance(10)) fields.push_back({{"naam", "Korting"}, {"waarde", static_cast<int>(extra.below(20))}});
  out["extraVeldenKlant"] = std::move(fields);
  out["documents"] = json::array();
}

struct internal_relation {
  const char *kind, *name;
  std::int64_t code;
};
constexpr std::array<internal_relation, 3> internals{{{"Eigen", "<Vul hier uw bedrijfsnaam in>", 0},
                                                      {"Leverancier", "Leverancier onbekend", -1},
                                                      {"Klant", "Klant onbekend", -2}}};

uuid internal_id(std::size_t which) { return {0xe19e400000000000ULL + which, 0x8000000000000000ULL + 7919 * which}; }

/// Codes are given out in the order in which relations are made.
std::int64_t code_of(slot place) { return 1001 + static_cast<std::int64_t>(place); }

}  // namespace

relations::relations(std::size_t count, std::uint64_t seed, instant start, const knobs& settings)
    : record_store({"company"}, seed, std::chrono::milliseconds{1}, "modifiedOn"), settings_(settings), start_(start) {
  populate(0, count, start);
}

json::object relations::full(std::size_t, slot place, json::storage_ptr storage) const {
  const auto& record = of(0).at(place);
  const auto id = record.id.text();
  json::object out(std::move(storage));
  json::array kinds;
  const auto kind = kinds_of(record);
  for (const char* one : {"Klant", "Leverancier"})
    if (kind.find(one) != kind.npos) kinds.emplace_back(one);
  out["relatiesoort"] = std::move(kinds);
  out["modifiedOn"] = stamp_text(clock_reading(record.updated_at, settings_.zone));
  out["relatiecode"] = code_of(place);
  out["naam"] = name_of(record);
  auto dice = dice_for(record, topic::post);
  out["vestigingsAdres"] = address(record, topic::address, dice.chance(92));
  out["correspondentieAdres"] =
      dice.chance(20) ? json::value(address(record, topic::post, true)) : json::value(nullptr);
  add_contact(record, out);
  add_money(record, out);
  add_rest(record, out);
  out["nonactief"] = !record.active;
  out["inkoopBoekingenUri"] = "/relaties/" + id + "/inkoopboekingen";
  out["verkoopBoekingenUri"] = "/relaties/" + id + "/verkoopboekingen";
  out["id"] = id;
  out["uri"] = "/relaties/" + id;
  if (record.overrides)
    for (const auto& [name, value] : *record.overrides) out[name] = value;
  return out;
}

json::object relations::row(const listed& one) const {
  if (one.place != no_slot) return full(0, one.place);
  const auto& which = internals[one.internal];
  return {{"relatiesoort", json::array{which.kind}},
          {"modifiedOn", stamp_text(clock_reading(start_, settings_.zone))},
          {"relatiecode", which.code},
          {"naam", which.name},
          {"vestigingsAdres", nullptr},
          {"correspondentieAdres", nullptr},
          {"email", ""},
          {"nonactief", false},
          {"id", one.id.text()},
          {"uri", "/relaties/" + one.id.text()},
          {"extraVeldenKlant", json::array()}};
}

std::vector<relations::listed> relations::select(const std::vector<condition>& filter) const {
  std::vector<listed> out;
  for (const slot place : of(0).order(sort_key::updated_at)) {
    const auto& record = of(0).at(place);
    const auto modified = clock_reading(record.updated_at, settings_.zone);
    if (settings_.hide_inactive && !record.active) continue;
    if (passes({record.id, modified, code_of(place), kinds_of(record)}, filter)) out.push_back({record.id, place, 0});
  }
  for (std::size_t which = 0; which < internals.size(); ++which)
    if (passes(
            {internal_id(which), clock_reading(start_, settings_.zone), internals[which].code, internals[which].kind},
            filter))
      out.push_back({internal_id(which), no_slot, which});
  std::sort(out.begin(), out.end(), [](const listed& a, const listed& b) { return a.id < b.id; });
  return out;
}

std::optional<relations::listed> relations::by_id(const uuid& id) const {
  for (std::size_t which = 0; which < internals.size(); ++which)
    if (internal_id(which) == id) return listed{id, no_slot, which};
  const auto place = of(0).find(id);
  if (place == no_slot) return std::nullopt;
  return listed{id, place, 0};
}

std::string relations::sort_name(std::size_t, const recipe& record) const { return name_of(record); }

std::optional<std::string> relations::refuse_field(std::size_t, std::string_view name, const json::value& value) const {
  // The filter reads these from the recipe.
  if (name == "id" || name == "uri" || name == "relatiecode" || name == "relatiesoort")
    return "not a field that can be set: " + std::string(name);
  if (name == "nonactief" && !value.is_bool()) return "nonactief is true or false";
  return std::nullopt;
}

void relations::written(std::size_t, recipe& record, std::string_view name, const json::value& value) {
  if (name == "nonactief") record.active = !value.get_bool();
}

}  // namespace koppel::provider_sim::snelstart
