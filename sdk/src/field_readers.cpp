// SPDX-License-Identifier: Apache-2.0
#include "field_readers.hpp"

#include <algorithm>
#include <set>

namespace koppel::sdk {
namespace {

packed empty_of(shape of) { return is_list(of) ? packed::list({}) : packed::null(); }

/// `read` of what is at `from`, unless it is absent or null. Nothing: it is of another type.
template <class Read>
row_reader at_path(std::string from, shape gives, Read read) {
  return [from = std::move(from), gives, read = std::move(read)](const json& row, const lookup& known) -> field_value {
    const auto value = row.at(from);
    if (value.is_absent()) return packed();
    if (value.is_null()) return empty_of(gives);
    std::optional<packed> out = read(value, known);
    return out ? field_value(*std::move(out)) : field_value::unreadable(from);
  };
}

/// A scalar as the key of a translation.
std::optional<std::string> key_of(const json& value) {
  if (const auto text = value.text()) return std::string(*text);
  if (const auto flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto number = value.integer()) return std::to_string(*number);
  return std::nullopt;
}

json part_of(const json& item, const std::string& path) { return path.empty() ? json() : item.at(path); }

}  // namespace

row_reader reading(std::string from, const kind& as) { return at_path(std::move(from), as.gives, as.read); }

row_reader emptying(row_reader read, const std::vector<std::string>& texts) {
  std::set<std::string> empty;
  for (const auto& text : texts) empty.insert(packed::text(text).bytes());
  return [read = std::move(read), empty = std::move(empty)](const json& row, const lookup& known) {
    auto out = read(row, known);
    return empty.contains(out.value.bytes()) ? field_value(packed::null()) : out;
  };
}

row_reader reading_text_up_to(std::string from, std::size_t most) {
  return at_path(std::move(from), shape::text,
                 [most](const json& value, const lookup&) { return kinds::read_text_up_to(value, most); });
}

row_reader reading_row(std::vector<std::string> from, const kind& as) {
  return [from = std::move(from), read = as.read](const json& row, const lookup& known) -> field_value {
    const auto is_missing = [&](const auto& path) { return row.at(path).is_absent(); };
    const auto missing = std::find_if(from.begin(), from.end(), is_missing);
    if (std::all_of(from.begin(), from.end(), is_missing)) return packed();
    if (missing != from.end()) return field_value::incomplete(*missing);
    std::optional<packed> out = read(row, known);
    if (out) return *std::move(out);
    std::string all;
    for (const auto& path : from) all += (all.empty() ? "" : " or ") + path;
    return field_value::unreadable(all);
  };
}

row_reader translating(std::string from, shape gives, std::map<std::string, packed> values, std::string unlisted) {
  // "true" and "false" are booleans, other keys texts: a value of another type is no unlisted one.
  const bool flags = std::all_of(values.begin(), values.end(),
                                 [](const auto& each) { return each.first == "true" || each.first == "false"; });
  return at_path(std::move(from), gives,
                 [gives, flags, values = std::move(values), unlisted = std::move(unlisted)](
                     const json& value, const lookup&) -> std::optional<packed> {
                   const auto key = key_of(value);
                   if (!key) return std::nullopt;
                   if (const auto found = values.find(*key); found != values.end()) return found->second;
                   if (unlisted == "leave_out" || (flags ? !value.boolean() : !value.text())) return std::nullopt;
                   return unlisted == "keep" ? packed::text(*key) : empty_of(gives);
                 });
}

row_reader translating_words(std::string from, std::map<std::string, std::vector<std::string>> words) {
  return at_path(std::move(from), shape::texts,
                 [words = std::move(words)](const json& list, const lookup&) -> std::optional<packed> {
                   if (!list.is_array()) return std::nullopt;
                   part_reader part;
                   std::set<std::string> out;
                   for (const auto& item : list.items())
                     if (const auto found = words.find(part.text(item).value_or("")); found != words.end())
                       out.insert(found->second.begin(), found->second.end());
                   return part.done(pack(std::vector<std::string>(out.begin(), out.end())));
                 });
}

row_reader reading_terms(std::string from, std::string type) {
  return at_path(std::move(from), shape::payment_term,
                 [type = std::move(type)](const json& value, const lookup&) -> std::optional<packed> {
                   const auto days = value.integer();
                   return days ? std::optional(pack(payment_terms{type, days})) : std::nullopt;
                 });
}

row_reader joining(std::vector<std::string> from, std::string between, absence means) {
  return [from = std::move(from), between = std::move(between), means](const json& row, const lookup&) {
    return gather_text(row, from, between, means);
  };
}

row_reader gathering_owner(std::string id, std::string name) {
  return [id = std::move(id), name = std::move(name)](const json& row, const lookup&) {
    return gather_owner(row, id, name);
  };
}

row_reader reading_one(std::string from, std::string type, shape gives) {
  return at_path(std::move(from), gives,
                 [gives, type = std::move(type)](const json& value, const lookup&) -> std::optional<packed> {
                   const auto said = value.text();
                   if (!said) return std::nullopt;
                   if (said->empty()) return empty_of(gives);
                   if (gives == shape::emails) return pack(std::vector<email>{{type, std::string(*said)}});
                   return pack(std::vector<phone>{{type, std::string(*said)}});
                 });
}

row_reader gathering(std::vector<typed_field> fields, shape gives, absence means) {
  return [fields = std::move(fields), gives, means](const json& row, const lookup&) {
    return gives == shape::emails ? gather_emails(row, fields, means) : gather_phones(row, fields, means);
  };
}

row_reader gathering(std::vector<address_fields> places, absence means) {
  return [places = std::move(places), means](const json& row, const lookup& known) {
    return gather_addresses(row, places, known, means);
  };
}

row_reader reading_address(std::string from, address_fields parts) {
  for (auto* part : {&parts.line_1, &parts.postal_code, &parts.city, &parts.region, &parts.addressee, &parts.country,
                     &parts.country_code, &parts.country_id})
    if (!part->empty()) *part = from + *part;
  return [from = std::move(from), parts = std::move(parts)](const json& row, const lookup& known) -> field_value {
    const auto value = row.at(from);
    if (value.is_absent()) return packed();
    if (value.is_null()) return packed::list({});
    if (!value.is_object()) return field_value::unreadable(from);
    return gather_addresses(row, {&parts, 1}, known, absence::empty);
  };
}

row_reader reading_members(std::string from, std::string prefix) {
  return at_path(std::move(from), shape::custom_fields,
                 [prefix = std::move(prefix)](const json& value, const lookup&) -> std::optional<packed> {
                   if (!value.is_object()) return std::nullopt;
                   std::vector<custom_field> out;
                   for (const auto name : value.names()) {
                     const auto label = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
                     auto content = value[name].is_null() ? packed::null() : packed::plain(value[name]);
                     out.push_back({std::string(name), std::string(label), {}, std::move(content)});
                   }
                   std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
                   return pack(out);
                 });
}

row_reader reading_custom_fields(std::string from, std::string id, std::string label, std::string value) {
  return at_path(std::move(from), shape::custom_fields, [=](const json& list, const lookup&) -> std::optional<packed> {
    if (!list.is_array()) return std::nullopt;
    part_reader part;
    std::vector<custom_field> out;
    for (const auto& item : list.items()) {
      const auto known = part.id(part.there(item.at(id)));
      const auto content = item.at(value);
      custom_field one{known.value_or(""), part.text(part_of(item, label)), {}, packed::null()};
      if (content) one.value = packed::plain(content);
      if (known) out.push_back(std::move(one));
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return part.done(pack(out));
  });
}

row_reader reading_links(std::string from, std::string id, std::string position, std::string division,
                         std::string decision_maker) {
  return at_path(std::move(from), shape::links, [=](const json& list, const lookup&) -> std::optional<packed> {
    if (!list.is_array()) return std::nullopt;
    part_reader part;
    std::vector<company_link> out;
    for (const auto& item : list.items()) {
      const auto known = part.id(part.there(item.at(id)));
      company_link one{known.value_or(""), part.text(part_of(item, position)), part.text(part_of(item, division)),
                       part.flag(part_of(item, decision_maker))};
      if (known) out.push_back(std::move(one));
    }
    return part.done(pack(out));
  });
}

}  // namespace koppel::sdk
