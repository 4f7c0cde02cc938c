// SPDX-License-Identifier: Apache-2.0
// The odd forms are the point: what a reader of Teamleader meets in real accounts is drawn here often enough to be met.
#include "teamleader/portrait_parts.hpp"

#include <array>
#include <boost/json/value.hpp>
#include <cstdio>

#include "teamleader/portrait.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

/// Dice that a change of the record throws anew, every `period` revisions.
draw changing_dice(const recipe& record, topic about, std::uint32_t period) {
  return draw((record.id.low ^ static_cast<std::uint64_t>(about)) + 0x51ed27ULL * (record.revision / period));
}

std::string two_digits(std::uint64_t number) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "%02u", static_cast<unsigned>(number));
  return text.data();
}

std::uint64_t to_number(const std::string& digits) { return std::stoull(digits); }

json::object place_object(const recipe& record, draw& dice, json::storage_ptr storage) {
  const auto& where = region_of(record);
  json::object out(std::move(storage));
  // The country is there even if nothing else of the address is.
  const bool known = dice.chance(90);
  const auto& town = dice.from(where.places);
  std::string line(dice.from(where.streets));
  line.append(" ").append(std::to_string(1 + dice.below(240)));
  if (dice.chance(15)) line += dice.chance(50) ? " bus 3" : "A 101";
  out["line_1"] = known ? json::value(line) : json::value(nullptr);
  out["postal_code"] = known ? json::value(town.postal_code) : json::value(nullptr);
  out["city"] = known ? json::value(town.city) : json::value(nullptr);
  out["country"] = where.country;
  out["area_level_two"] = known && dice.chance(20)
                              ? json::value(reference("area_level_two", fixed_id("area_level_two", dice.below(5))))
                              : json::value(nullptr);
  return out;
}

std::string phone_number(const recipe& record, std::string_view type, draw& dice) {
  const auto calling = region_of(record).calling_code;
  const bool mobile = type == "mobile";
  const auto digits = dice.digits(6);
  const auto area = mobile ? "47" + dice.digits(1) : std::to_string(2 + dice.below(8));
  switch (dice.below(4)) {
    case 0:
      return std::string(calling) + " " + area + " " + digits.substr(0, 3) + " " + digits.substr(3);
    case 1:
      return "0" + area + "/" + digits.substr(0, 2) + "." + digits.substr(2, 2) + "." + digits.substr(4);
    case 2:
      return "00" + std::string(calling.substr(1)) + area + digits;
    default:
      return "0" + area + digits;
  }
}

/// The values that a custom field of a real account has, its empty forms included.
json::value custom_value(std::size_t definition, draw& dice) {
  switch (definition) {
    case 0:
      return dice.chance(60) ? json::value("Klantnr " + dice.digits(5)) : json::value("");
    case 1:
      return dice.chance(60) ? json::value(static_cast<std::int64_t>(dice.below(5000))) : json::value(nullptr);
    case 2:
      return dice.chance(70) ? json::value(dice.chance(50)) : json::value(nullptr);
    case 3: {
      json::array choices;
      for (const char* choice : {"Nederlands", "Frans", "Engels"})
        if (dice.chance(35)) choices.emplace_back(choice);
      return choices;
    }
    default:
      return dice.chance(50) ? json::value(reference("user", fixed_id("user", dice.below(2)))) : json::value(nullptr);
  }
}

}  // namespace

draw dice_for(const recipe& record, topic about) { return draw(record.id.low ^ static_cast<std::uint64_t>(about)); }

const region& region_of(const recipe& record) {
  auto dice = dice_for(record, topic::region);
  const auto share = dice.below(10);
  return regions()[share < 6 ? 0 : share < 8 ? 1 : 2];
}

json::object reference(std::string_view type, const uuid& id) { return {{"type", type}, {"id", id.text()}}; }

uuid fixed_id(std::string_view what, std::uint64_t number) {
  std::uint64_t seed = number + 7;
  for (const char c : what) seed = seed * 131 + static_cast<unsigned char>(c);
  draw dice(seed);
  return {dice.next(), dice.next()};
}

std::string company_number(const recipe& record) {
  auto dice = dice_for(record, topic::number);
  if (region_of(record).country == "NL") return dice.digits(9);
  const auto body = "0" + dice.digits(7);
  return body + two_digits(97 - to_number(body) % 97);
}

std::string vat_as_typed(const recipe& record, const std::string& number, draw& dice) {
  const auto form = dice.below(8);
  if (region_of(record).country == "NL") {
    if (form < 2) return {};
    return form < 6 ? "NL" + number + "B01" : "nl " + number.substr(0, 4) + "." + number.substr(4) + ".B.01";
  }
  const auto dotted = number.substr(0, 4) + "." + number.substr(4, 3) + "." + number.substr(7);
  switch (form) {
    case 0:
      return {};
    case 1:
      return "BE " + dotted;
    case 2:
      return "be" + number;
    case 3:
      return dotted;
    case 4:
      return "BTW BE " + dotted;
    case 5:
      return "BE " + number.substr(0, 4) + " " + number.substr(4, 3) + " " + number.substr(7);
    default:
      return "BE" + number;
  }
}

json::array company_emails(const recipe& record, const std::string& domain, json::storage_ptr storage) {
  auto dice = dice_for(record, topic::email);
  json::array out(std::move(storage));
  if (dice.chance(85)) out.push_back({{"type", "primary"}, {"email", "info@" + domain + ".example"}});
  if (dice.chance(30)) out.push_back({{"type", "invoicing"}, {"email", "Facturen@" + domain + ".example"}});
  return out;
}

json::array contact_emails(const recipe& record, const std::string& handle, json::storage_ptr storage) {
  auto dice = dice_for(record, topic::email);
  json::array out(std::move(storage));
  if (dice.chance(88)) out.push_back({{"type", "primary"}, {"email", handle + dice.digits(2) + "@mail.example"}});
  if (dice.chance(12)) out.push_back({{"type", "primary"}, {"email", handle + "@thuis.example"}});
  return out;
}

json::array telephones(const recipe& record, std::initializer_list<const char*> types, json::storage_ptr storage) {
  auto dice = changing_dice(record, topic::phone, 1);
  auto stable = dice_for(record, topic::phone);
  json::array out(std::move(storage));
  for (const char* type : types) {
    // A changed record always has its first number, for that is where the change shows.
    const bool present = stable.chance(out.empty() ? 75 : 30) || (record.revision > 0 && type == *types.begin());
    const auto number = phone_number(record, type, dice);
    if (present) out.push_back({{"type", type}, {"number", number}});
  }
  return out;
}

json::array addresses(const recipe& record, const std::string& addressee, json::storage_ptr storage) {
  auto dice = changing_dice(record, topic::address, 5);
  json::array out(storage);
  if (!dice.chance(93)) return out;
  out.push_back({{"type", "primary"}, {"address", place_object(record, dice, storage)}});
  for (const char* type : {"invoicing", "delivery", "visiting"}) {
    if (!dice.chance(15)) continue;
    auto where = place_object(record, dice, storage);
    where["addressee"] = dice.chance(60) ? json::value(addressee) : json::value(nullptr);
    out.push_back({{"type", type}, {"address", std::move(where)}});
  }
  return out;
}

json::array tags(const recipe& record, json::storage_ptr storage) {
  auto dice = changing_dice(record, topic::tags, 4);
  json::array out(std::move(storage));
  for (const auto tag : tag_words())
    if (dice.chance(18)) out.emplace_back(tag);
  return out;
}

json::array custom_fields(entity kind, const recipe& record, json::storage_ptr storage) {
  auto dice = dice_for(record, topic::custom);
  const std::uint64_t offset = kind == entity::company ? 0 : 5;
  json::array out(std::move(storage));
  for (std::uint64_t definition = 0; definition < 5; ++definition) {
    auto value = custom_value(definition, dice);
    // The fourth way of being empty: not there at all.
    if (dice.chance(8)) continue;
    out.push_back(
        {{"definition", reference("customFieldDefinition", fixed_id("customFieldDefinition", offset + definition))},
         {"value", std::move(value)}});
  }
  return out;
}

std::string website(const std::string& domain, draw& dice) {
  switch (dice.below(4)) {
    case 0:
      return {};
    case 1:
      return "www." + domain + ".example";
    case 2:
      return "http://" + domain + ".example/";
    default:
      return "https://www." + domain + ".example";
  }
}

json::value remarks(const recipe& record) {
  auto dice = changing_dice(record, topic::remarks, 3);
  if (!dice.chance(35)) return nullptr;
  return json::value(dice.from(remark_lines()));
}

json::value payment_term(draw& dice) {
  switch (dice.below(4)) {
    case 0:
      return nullptr;
    case 1:
      return {{"type", "cash"}};
    case 2:
      return {{"type", "end_of_month"}, {"days", static_cast<std::int64_t>(15 * dice.below(5))}};
    default:
      return {{"type", "after_invoice_date"}, {"days", static_cast<std::int64_t>(15 + 15 * dice.below(4))}};
  }
}

json::value gender(bool female, draw& dice) {
  switch (dice.below(12)) {
    case 0:
      return nullptr;
    case 1:
      return "unknown";
    case 2:
      return "prefers_not_to_say";
    case 3:
      return "non_binary";
    default:
      return female ? "female" : "male";
  }
}

std::string birthdate(draw& dice) {
  using namespace std::chrono;
  return date_only(sys_days{year{1945} / January / 1} + days{dice.below(60 * 365)});
}

std::string belgian_iban(draw& dice) {
  const auto account = dice.digits(10);
  const auto remainder = to_number(account) % 97;
  const auto bban = account + two_digits(remainder == 0 ? 97 : remainder);
  // ISO 7064: "BE00" becomes 111400 behind the number; done in two steps to stay within 64 bits.
  const auto folded = std::to_string(to_number(bban) % 97) + "111400";
  return "BE" + two_digits(98 - to_number(folded) % 97) + bban;
}

json::array custom_field_definitions() {
  static constexpr std::array<std::pair<const char*, const char*>, 5> fields{{{"Klantnummer oud", "single_line"},
                                                                              {"Aantal medewerkers", "integer"},
                                                                              {"Onderhoudscontract", "boolean"},
                                                                              {"Talen", "multi_select"},
                                                                              {"Accountmanager", "user"}}};
  json::array out;
  for (std::uint64_t number = 0; number < 10; ++number) {
    const auto& [label, type] = fields[number % 5];
    json::object configuration;
    if (number % 5 == 3) {
      json::array options;
      for (const char* choice : {"Nederlands", "Frans", "Engels"})
        options.push_back({{"id", fixed_id(choice, number).text()}, {"value", choice}});
      configuration["options"] = std::move(options);
      configuration["extra_option_allowed"] = false;
    }
    out.push_back({{"id", fixed_id("customFieldDefinition", number).text()},
                   {"context", number < 5 ? "company" : "contact"},
                   {"type", type},
                   {"label", label},
                   {"group", nullptr},
                   {"required", false},
                   {"configuration", std::move(configuration)}});
  }
  return out;
}

}  // namespace koppel::provider_sim::teamleader
