// SPDX-License-Identifier: Apache-2.0
#include "field_readers.hpp"

#include <algorithm>
#include <set>

namespace koppel::sdk {
namespace {

packed empty_of(shape of) { return is_list(of) ? packed::list({}) : packed::null(); }

/// `read` of what is at `from`, unless it is absent or null.
template <class Read>
row_reader at_path(std::string from, shape gives, Read read) {
  return [from = std::move(from), gives, read = std::move(read)](const json& row,
                                                                 const lookup& known) -> std::optional<packed> {
    const auto value = row.at(from);
    if (value.is_absent()) return packed();
    if (value.is_null()) return empty_of(gives);
    return read(value, known);
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
    return out && empty.contains(out->bytes()) ? std::optional(packed::null()) : out;
  };
}

row_reader reading_row(std::vector<std::string> from, const kind& as) {
  return [from = std::move(from), read = as.read](const json& row, const lookup& known) -> std::optional<packed> {
    const bool said = std::any_of(from.begin(), from.end(), [&](const auto& path) { return bool(row.at(path)); });
    return said ? read(row, known) : packed();
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
                   std::set<std::string> out;
                   for (const auto& item : list.items())
                     if (const auto found = words.find(std::string(item.text().value_or(""))); found != words.end())
                       out.insert(found->second.begin(), found->second.end());
                   return pack(std::vector<std::string>(out.begin(), out.end()));
                 });
}

row_reader reading_terms(std::string from, std::string type) {
  return at_path(std::move(from), shape::payment_term,
                 [type = std::move(type)](const json& value, const lookup&) -> std::optional<packed> {
                   const auto days = value.integer();
                   return days ? std::optional(pack(payment_terms{type, days})) : std::nullopt;
                 });
}

row_reader gathering_owner(std::string id, std::string name) {
  return [id = std::move(id), name = std::move(name)](const json& row, const lookup&) -> std::optional<packed> {
    const auto known = row.at(id);
    if (known.is_absent()) return packed();
    const auto text = some_text(known);
    return text ? pack(owner_ref{*text, some_text(part_of(row, name))}) : packed::null();
  };
}

row_reader reading_one(std::string from, std::string type, shape gives) {
  return at_path(std::move(from), gives,
                 [gives, type = std::move(type)](const json& value, const lookup&) -> std::optional<packed> {
                   if (!value.text()) return std::nullopt;
                   const auto said = some_text(value);
                   if (!said) return empty_of(gives);
                   if (gives == shape::emails) return pack(std::vector<email>{{type, *said}});
                   return pack(std::vector<phone>{{type, *said}});
                 });
}

row_reader gathering(std::vector<typed_field> fields, shape gives) {
  return [fields = std::move(fields), gives](const json& row, const lookup&) {
    return gives == shape::emails ? gather_emails(row, fields) : gather_phones(row, fields);
  };
}

row_reader gathering(std::vector<address_fields> places) {
  return [places = std::move(places)](const json& row, const lookup& known) {
    return gather_addresses(row, places, known);
  };
}

row_reader reading_address(std::string from, address_fields parts) {
  return at_path(std::move(from), shape::addresses,
                 [parts = std::move(parts)](const json& value, const lookup& known) -> std::optional<packed> {
                   if (!value.is_object()) return std::nullopt;
                   const auto found = gather_addresses(value, {&parts, 1}, known).value_or(packed());
                   return found.is_absent() ? packed::list({}) : found;
                 });
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
    std::vector<custom_field> out;
    for (const auto& item : list.items()) {
      const auto known = some_text(item.at(id));
      if (!known) continue;
      const auto content = item.at(value);
      out.push_back({*known, some_text(part_of(item, label)), {}, content ? packed::plain(content) : packed::null()});
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return pack(out);
  });
}

row_reader reading_links(std::string from, std::string id, std::string position, std::string division,
                         std::string decision_maker) {
  return at_path(std::move(from), shape::links, [=](const json& list, const lookup&) -> std::optional<packed> {
    if (!list.is_array()) return std::nullopt;
    std::vector<company_link> out;
    for (const auto& item : list.items())
      if (const auto known = some_text(item.at(id)))
        out.push_back({*known, some_text(part_of(item, position)), some_text(part_of(item, division)),
                       part_of(item, decision_maker).boolean()});
    return pack(out);
  });
}

}  // namespace koppel::sdk
