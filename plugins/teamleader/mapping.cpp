// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

#include <utility>

namespace koppel::teamleader {

using namespace koppel::sdk;

namespace {

/// Nothing if the object says nothing of a place.
std::optional<address> read_address(part_reader& part, const json& of, std::string type) {
  const auto place = part.object(of);
  address out{std::move(type),
              part.text(place["line_1"]),
              part.text(place["postal_code"]),
              part.text(place["city"]),
              {},
              part.text(place["country"]),
              {}};
  if (!out.line_1 && !out.postal_code && !out.city && !out.country) return std::nullopt;
  return out;
}

std::optional<packed> read_one_address(const json& value) {
  part_reader part;
  std::vector<address> out;
  if (auto place = read_address(part, value, "primary")) out.push_back(*std::move(place));
  return part.done(pack(out));
}

/// The first address of type primary, without addressee: a list answer has none for it either.
std::optional<packed> read_primary_of_several(const json& value) {
  if (!value.is_array()) return std::nullopt;
  part_reader part;
  for (const auto& item : value.items()) {
    if (part.text(part.there(item["type"])) != "primary") continue;
    const auto place = part.there(item["address"]);
    return part.sound() ? read_one_address(place) : std::nullopt;
  }
  return part.done(packed::list({}));
}

std::optional<packed> read_other_addresses(const json& value) {
  if (!value.is_array()) return std::nullopt;
  part_reader part;
  std::vector<address> out;
  bool primary_seen = false;
  for (const auto& item : value.items()) {
    auto type = part.text(part.there(item["type"])).value_or("");
    if (type == "primary" && !std::exchange(primary_seen, true)) continue;
    auto place = read_address(part, part.there(item["address"]), std::move(type));
    if (!place) continue;
    place->addressee = part.text(item["address"]["addressee"]);
    out.push_back(*std::move(place));
  }
  return part.done(pack(out));
}

}  // namespace

kind_list own_kinds() {
  return kind_list()
      .add("one address", shape::addresses, read_one_address)
      .add("primary of addresses", shape::addresses, read_primary_of_several)
      .add("all but the primary of addresses", shape::addresses, read_other_addresses);
}

}  // namespace koppel::teamleader
