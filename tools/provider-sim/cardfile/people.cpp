// SPDX-License-Identifier: Apache-2.0
// Every group of fields has dice of its own, thrown from the record's id. A change shows in the numbers.
#include "cardfile/people.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <tuple>

#include "digest.hpp"
#include "timestamps.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::cardfile {
namespace {

namespace json = boost::json;

enum class topic : std::uint64_t { name = 301, contact, address, work };

draw dice_for(const recipe& record, topic about) { return draw(record.id.low ^ static_cast<std::uint64_t>(about)); }

const region& region_of(const recipe& record) { return regions()[record.id.low % regions().size()]; }

struct person {
  std::string first, last;
};

person person_of(const recipe& record) {
  auto dice = dice_for(record, topic::name);
  const auto& where = region_of(record);
  const auto& firsts = dice.chance(50) ? where.female_names : where.male_names;
  return {std::string(dice.from(firsts)), std::string(dice.from(where.family_names))};
}

json::value maybe(bool there, std::string text) { return there ? json::value(std::move(text)) : json::value(nullptr); }

void add_contact(const recipe& record, const person& who, json::object& out) {
  auto dice = dice_for(record, topic::contact);
  draw changing(record.id.high + 0x51ed27ULL * record.revision);
  const auto handle = slug(who.first + ' ' + who.last);
  out["mail"] = maybe(dice.chance(90), handle + "@work.example");
  out["private_mail"] = maybe(dice.chance(30), handle + "@home.example");
  const std::string code(region_of(record).calling_code);
  json::array numbers{{{"type", "mobile"}, {"number", code + changing.digits(9)}}};
  if (dice.chance(40)) numbers.push_back({{"type", "phone"}, {"number", code + dice.digits(8)}});
  out["numbers"] = std::move(numbers);
}

void add_address(const recipe& record, json::object& out) {
  auto dice = dice_for(record, topic::address);
  const auto& where = region_of(record);
  const auto& town = dice.from(where.places);
  const bool known = dice.chance(80);
  const auto street = std::string(dice.from(where.streets)) + ' ' + std::to_string(1 + dice.below(240));
  out["street"] = maybe(known, street);
  out["zip"] = maybe(known, std::string(town.postal_code));
  out["town"] = maybe(known, std::string(town.city));
  out["land"] = maybe(known, std::string(where.country));
}

void add_work(const recipe& record, json::object& out) {
  auto dice = dice_for(record, topic::work);
  const std::string born = std::to_string(1945 + dice.below(60)) + "-0" + std::to_string(1 + dice.below(9)) + "-1" +
                           std::to_string(dice.below(10));
  out["born"] = maybe(dice.chance(50), born);
  out["job"] = maybe(dice.chance(80), std::string(dice.from(job_titles())));
  out["employer_id"] = maybe(dice.chance(70), "firm-" + std::to_string(1 + dice.below(40)));
  out["shelf"] = dice.below(400);
  out["photo"] = maybe(dice.chance(20), "https://api.cardfile.example/v2/photos/" + record.id.text());
}

/// What the list is ordered by. The record itself may be gone when the cursor comes back.
std::string cursor_of(const recipe& record) {
  return to_base64(std::to_string(record.added_at.time_since_epoch().count()) + '/' + record.id.text());
}

struct mark {
  instant added_at;
  uuid id;
};

std::optional<mark> mark_of(std::string_view cursor) {
  const auto text = from_base64(cursor);
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  std::int64_t count = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + slash, count);
  const auto id = uuid::parse(std::string_view(text).substr(slash + 1));
  if (fault != std::errc() || end != text.data() + slash || !id) return std::nullopt;
  return mark{instant(instant::duration(count)), *id};
}

}  // namespace

people::people(std::size_t count, std::uint64_t seed, instant start)
    : record_store({"person"}, seed, std::chrono::seconds{1}, "changed") {
  populate(0, count, start);
}

json::object people::full(std::size_t, slot place, json::storage_ptr storage) const {
  const auto& record = of(0).at(place);
  const auto who = person_of(record);
  json::object out(std::move(storage));
  out["id"] = record.id.text();
  out["changed"] = record_time(std::chrono::floor<std::chrono::seconds>(record.updated_at));
  out["first"] = who.first;
  out["last"] = who.last;
  out["display_name"] = who.first + ' ' + who.last;
  out["archived"] = !record.active;
  add_contact(record, who, out);
  add_address(record, out);
  add_work(record, out);
  if (record.overrides)
    for (const auto& [name, value] : *record.overrides) out[name] = value;
  return out;
}

json::object people::row(slot place) const {
  auto out = full(0, place);
  out.erase("job");
  return out;
}

std::optional<people::page> people::list(std::string_view after, std::optional<instant> changed_since,
                                         std::size_t size) const {
  const auto from = mark_of(after);
  if (!after.empty() && !from) return std::nullopt;
  page out;
  for (const slot place : of(0).order(sort_key::added_at)) {
    const auto& record = of(0).at(place);
    if (from && std::tie(record.added_at, record.id) <= std::tie(from->added_at, from->id)) continue;
    if (changed_since && record.updated_at < *changed_since) continue;
    if (out.places.size() == size) {
      out.next = cursor_of(of(0).at(out.places.back()));
      break;
    }
    out.places.push_back(place);
  }
  return out;
}

std::string people::sort_name(std::size_t, const recipe& record) const { return person_of(record).last; }

}  // namespace koppel::provider_sim::cardfile
