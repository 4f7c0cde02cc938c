// SPDX-License-Identifier: Apache-2.0
// The kinds that most providers share, and the list in which a plugin adds its own.
#include <koppel/sdk/kinds.hpp>

#include <algorithm>

namespace koppel::sdk {

namespace {

/// A whole number in the digits that the answer has. A fraction or an exponent is none, whatever its value: what the
/// provider calls that record is not known then.
std::optional<std::string> digits_of(const json& value) {
  if (!value.number()) return std::nullopt;
  auto text = value.dump();
  const auto sign = text.starts_with('-') ? 1 : 0;
  return text.find_first_not_of("0123456789", sign) == text.npos ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace

std::optional<std::string> part_reader::text(const json& part) {
  const auto said = part.text();
  sound_ = sound_ && (said || !part || part.is_null());
  return said && !said->empty() ? std::optional<std::string>(*said) : std::nullopt;
}

std::optional<std::string> part_reader::id(const json& part) {
  auto number = digits_of(part);
  return number ? number : text(part);
}

std::optional<std::int64_t> part_reader::integer(const json& part) {
  const auto said = part.integer();
  sound_ = sound_ && (said || !part || part.is_null());
  return said;
}

std::optional<bool> part_reader::flag(const json& part) {
  const auto said = part.boolean();
  sound_ = sound_ && (said || !part || part.is_null());
  return said;
}

json part_reader::object(const json& part) {
  sound_ = sound_ && (part.is_object() || !part || part.is_null());
  return part;
}

const json& part_reader::there(const json& part) {
  sound_ = sound_ && part;
  return part;
}

namespace kinds {
namespace {

/// Reads a list of objects with a text of interest in each; those where it is null or "" say nothing and are skipped.
template <class Item>
std::optional<packed> read_typed(const json& value, std::string_view member) {
  if (!value.is_array()) return std::nullopt;
  part_reader part;
  std::vector<Item> out;
  for (const auto& item : value.items()) {
    auto type = part.text(item["type"]).value_or("");
    if (auto said = part.text(part.there(item.at(member)))) out.push_back({std::move(type), *std::move(said)});
  }
  return part.done(pack(out));
}

/// The texts of a set: sorted, each once.
packed pack_set(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return pack(texts);
}

}  // namespace

std::optional<packed> read_text(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  return said->empty() ? packed::null() : packed::text(*said);
}

std::optional<packed> read_text_up_to(const json& value, std::size_t most) {
  const auto said = value.text();
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  std::size_t units = 0, at = 0;
  for (; said && at < said->size() && units < most; ++at)
    units += continues((*said)[at]) ? 0 : static_cast<unsigned char>((*said)[at]) >= 0xF0 ? 2 : 1;
  if (units < most) return read_text(value);
  while (at < said->size() && continues((*said)[at])) ++at;
  return packed::text(std::string(said->substr(0, at)) + "…");
}

std::optional<packed> read_flag(const json& value) {
  const auto said = value.boolean();
  return said ? std::optional(packed::flag(*said)) : std::nullopt;
}

std::optional<packed> read_time(const json& value) {
  if (value.text() == "") return packed::null();
  const auto when = parse_time(value.text().value_or("?"));
  return when ? std::optional(pack(*when)) : std::nullopt;
}

std::optional<packed> read_date(const json& value) {
  const auto said = value.text();
  if (said == "") return packed::null();
  if (!said || !parse_time(std::string(*said) + "T00:00:00Z")) return std::nullopt;
  return packed::text(*said);
}

std::optional<packed> read_tags(const json& value) {
  if (!value.is_array()) return std::nullopt;
  part_reader part;
  std::vector<std::string> out;
  for (const auto& item : value.items())
    if (auto said = part.text(item)) out.push_back(*std::move(said));
  return part.done(pack_set(std::move(out)));
}

std::optional<packed> read_emails(const json& value) { return read_typed<email>(value, "/email"); }
std::optional<packed> read_phones(const json& value) { return read_typed<phone>(value, "/number"); }

std::optional<packed> read_vat_number(const json& value) {
  const auto said = value.text();
  if (!said) return std::nullopt;
  const auto bare = normalized_vat_number(*said);
  return bare.empty() ? packed::null() : packed::text(bare);
}

std::optional<packed> read_reference(const json& value) {
  part_reader part;
  const auto id = part.id(value["id"]);
  if (!id) return std::nullopt;
  const owner_ref known{*id, part.text(value["name"])};
  return part.done(pack(known));
}

std::optional<packed> read_named_tags(const json& value) {
  if (!value.is_array()) return std::nullopt;
  part_reader part;
  std::vector<std::string> names;
  for (const auto& item : value.items())
    if (auto name = part.text(part.there(item.at("/name")))) names.push_back(*std::move(name));
  return part.done(pack_set(std::move(names)));
}

std::optional<packed> read_payment_term(const json& value) {
  part_reader part;
  const auto type = part.text(value["type"]);
  if (!type) return std::nullopt;
  const payment_terms terms{*type, part.integer(value["days"])};
  return part.done(pack(terms));
}

std::optional<packed> read_integer_text(const json& value) {
  const auto number = value.integer();
  return number ? std::optional(packed::text(std::to_string(*number))) : std::nullopt;
}

std::optional<packed> read_text_or_integer(const json& value) {
  const auto number = digits_of(value);
  return number ? std::optional(packed::text(*number)) : read_text(value);
}

std::optional<packed> read_day(const json& value) {
  const auto said = value.text();
  if (said == "") return packed::null();
  if (!said || !parse_time(std::string(said->substr(0, 10)) + "T00:00:00Z")) return std::nullopt;
  return packed::text(said->substr(0, 10));
}

std::optional<packed> read_language(const json& value) {
  const auto locale = value.text();
  if (!locale) return std::nullopt;
  return locale->empty() ? packed::null() : packed::text(locale->substr(0, locale->find_first_of("_-")));
}

std::optional<packed> read_number(const json& value) {
  const auto number = value.number();
  return number ? std::optional(packed::real(*number)) : std::nullopt;
}

std::optional<packed> read_company_links(const json& value) {
  if (value.text() == "") return packed::list({});
  part_reader part;
  std::vector<company_link> out;
  const auto add = [&](const json& place) {
    if (auto id = part.id(part.there(place.is_object() ? place["id"] : place)))
      out.push_back({*std::move(id), {}, {}, {}});
  };
  if (value.is_array())
    for (const auto& each : value.items()) add(each);
  else if (add(value); out.empty())
    return std::nullopt;
  return part.done(pack(out));
}

}  // namespace kinds

kind_list::kind_list() {
  using namespace kinds;
  add("text", shape::text, read_text).add("flag", shape::flag, read_flag);
  add("time", shape::time, read_time).add("date", shape::date, read_date);
  add("tags", shape::texts, read_tags).add("named_tags", shape::texts, read_named_tags);
  add("emails", shape::emails, read_emails).add("phones", shape::phones, read_phones);
  add("vat_number", shape::text, read_vat_number).add("reference", shape::owner, read_reference);
  add("integer_text", shape::text, read_integer_text).add("number", shape::real, read_number);
  add("text_or_integer", shape::text, read_text_or_integer).add("day", shape::date, read_day);
  add("language", shape::text, read_language);
  add("company_links", shape::links, read_company_links).add("payment_term", shape::payment_term, read_payment_term);
  own_ = all_.size();
}

kind_list kind_list::with_unknown() {
  kind_list out;
  out.unknown_ = true;
  return out;
}

kind_list& kind_list::add(std::string_view name, shape gives, reader read) {
  all_.push_back({std::string(name), gives, [read](const json& value, const lookup&) { return read(value); }});
  return *this;
}

kind_list& kind_list::add(std::string_view name, shape gives, reader_with read) {
  all_.push_back({std::string(name), gives, read});
  return *this;
}

kind_list& kind_list::add_of_row(std::string_view name, shape gives, reader read) {
  add(name, gives, read);
  all_.back().of_row = true;
  return *this;
}

const kind* kind_list::named(std::string_view name) const {
  for (const auto& each : all_)
    if (each.name == name) return &each;
  return nullptr;
}

const kind* kind_list::usual(shape of) const {
  for (std::size_t i = 0; i < own_; ++i)
    if (all_[i].gives == of) return &all_[i];
  return nullptr;
}

std::string kind_list::names() const {
  std::string out;
  for (const auto& each : all_) out += (out.empty() ? "" : ", ") + each.name;
  return out;
}

}  // namespace koppel::sdk
