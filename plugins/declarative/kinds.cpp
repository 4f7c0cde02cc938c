// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <koppel/sdk/gather.hpp>

#include <array>

namespace koppel::declarative {
namespace {

using namespace koppel::sdk;

/// Numbers that are names: customer numbers, postal codes.
std::optional<packed> read_integer_text(const json& value) {
  const auto number = value.integer();
  return number ? std::optional(packed::text(std::to_string(*number))) : std::nullopt;
}

std::optional<packed> read_number(const json& value) {
  const auto number = value.number();
  return number ? std::optional(packed::real(*number)) : std::nullopt;
}

std::optional<std::string> id_in(const json& value) {
  const auto place = value.is_object() ? value["id"] : value;
  if (const auto text = some_text(place)) return text;
  const auto number = place.integer();
  return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

/// One id, or a list of ids or of objects that have one.
std::optional<packed> read_company_links(const json& value) {
  if (value.text() == "") return packed::list({});
  std::vector<company_link> out;
  const auto add = [&out](const json& place) {
    if (auto id = id_in(place)) out.push_back({*std::move(id), {}, {}, {}});
  };
  if (value.is_array())
    for (const auto& each : value.items()) add(each);
  else if (add(value); out.empty())
    return std::nullopt;
  return pack(out);
}

constexpr kind integer_text{"integer_text", shape::text, read_integer_text};
constexpr kind number{"number", shape::real, read_number};
constexpr kind company_links{"company_links", shape::links, read_company_links};

struct named_kind {
  std::string_view name;
  const kind& is;
};
constexpr std::array all{
    named_kind{"text", kinds::text},
    named_kind{"flag", kinds::flag},
    named_kind{"time", kinds::time},
    named_kind{"date", kinds::date},
    named_kind{"tags", kinds::tags},
    named_kind{"named_tags", kinds::named_tags},
    named_kind{"emails", kinds::emails},
    named_kind{"phones", kinds::phones},
    named_kind{"vat_number", kinds::vat_number},
    named_kind{"reference", kinds::reference},
    named_kind{"integer_text", integer_text},
    named_kind{"number", number},
    named_kind{"company_links", company_links},
};

}  // namespace

const kind* kind_named(std::string_view name) {
  for (const auto& each : all)
    if (each.name == name) return &each.is;
  return nullptr;
}

const kind* usual_kind(shape of) {
  for (const auto& each : all)
    if (each.is.gives == of) return &each.is;
  return nullptr;
}

std::string kind_names() {
  std::string out;
  for (const auto& each : all) out.append(out.empty() ? "" : ", ").append(each.name);
  return out;
}

}  // namespace koppel::declarative
