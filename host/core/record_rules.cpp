// SPDX-License-Identifier: Apache-2.0
// What a plugin may say of a record: the canonical fields of docs/bus.md as a table, and the check of one record
// against it. A refusal names fields and rules, never values: values are personal data.

#include <algorithm>
#include <array>
#include <cstdint>
#include <msgpack.hpp>
#include <span>
#include <vector>

#include "host/core/record.hpp"
#include "host/core/time.hpp"

namespace koppel::core {
namespace {

using object = msgpack::object;

constexpr std::size_t max_id = 256, max_facets = 16, max_facet_name = 64, max_depth = 8;
constexpr std::size_t max_facet_bytes = 64 * 1024;  // an event of more cannot travel

enum entity_set : unsigned { company = 1, contact = 2, department = 4, project = 8, user = 16, all = 31 };

enum class shape {
  text,
  texts,
  flag,
  number,
  integer,
  time,
  date,
  country,
  currency,
  status,
  roles,
  any,
  owner,
  payment_term,
  emails,
  phones,
  addresses,
  custom_fields,
  companies
};

struct member {
  std::string_view name;
  shape of;
};
constexpr member owner_members[] = {{"id", shape::text}, {"name", shape::text}};
constexpr member payment_members[] = {{"type", shape::text}, {"days", shape::integer}};
constexpr member email_members[] = {{"type", shape::text}, {"email", shape::text}};
constexpr member phone_members[] = {{"type", shape::text}, {"number", shape::text}};
constexpr member address_members[] = {{"type", shape::text},     {"line_1", shape::text}, {"postal_code", shape::text},
                                      {"city", shape::text},     {"region", shape::text}, {"country", shape::country},
                                      {"addressee", shape::text}};
constexpr member custom_members[] = {
    {"id", shape::text}, {"label", shape::text}, {"type", shape::text}, {"value", shape::any}};
constexpr member company_members[] = {
    {"id", shape::text}, {"position", shape::text}, {"division", shape::text}, {"decision_maker", shape::flag}};

struct field_rule {
  std::string_view name;
  unsigned entities;
  shape of;
};
constexpr field_rule field_rules[] = {
    {"name", all, shape::text},
    {"status", all, shape::status},
    {"emails", all, shape::emails},
    {"phones", all, shape::phones},
    {"addresses", all, shape::addresses},
    {"website", all, shape::text},
    {"iban", all, shape::text},
    {"bic", all, shape::text},
    {"language", all, shape::text},
    {"tags", all, shape::texts},
    {"remarks", all, shape::text},
    {"custom_fields", all, shape::custom_fields},
    {"owner", all, shape::owner},
    {"created_at", all, shape::time},
    {"url", all, shape::text},
    {"roles", company, shape::roles},
    {"customer_number", company, shape::text},
    {"vat_number", company | department, shape::text},
    {"vat_number_normalized", company, shape::text},
    {"registration_number", company, shape::text},
    {"currency", company | department, shape::currency},
    {"payment_term", company, shape::payment_term},
    {"parent_id", company, shape::text},
    {"first_name", contact | user, shape::text},
    {"last_name", contact | user, shape::text},
    {"full_name", contact, shape::text},
    {"salutation", contact, shape::text},
    {"job_title", contact, shape::text},
    {"department_name", contact, shape::text},
    {"birthdate", contact, shape::date},
    {"gender", contact, shape::text},
    {"marketing_consent", contact, shape::flag},
    {"companies", contact, shape::companies},
    {"is_default", department, shape::flag},
    {"code", project, shape::text},
    {"state", project, shape::text},
    {"company_id", project, shape::text},
    {"planned_start", project, shape::date},
    {"planned_end", project, shape::date},
    {"percent_complete", project, shape::number},
};

unsigned bit_of(std::string_view entity) {
  constexpr std::array<std::string_view, 5> names{"company", "contact", "department", "project", "user"};
  const auto at = std::find(names.begin(), names.end(), entity);
  return at == names.end() ? 0 : 1u << (at - names.begin());
}

/// Control characters have no place in names and ids; NUL least of all.
bool plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// A name that may stand in a message for people; a plugin could put anything in its place.
std::string shown(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
  if (name.empty() || name.size() > max_facet_name || !std::all_of(name.begin(), name.end(), good))
    return "(unprintable)";
  return std::string(name);
}

bool owned_by(std::string_view plugin, std::string_view name) {
  return !plugin.empty() && name.size() > plugin.size() + 1 && name.starts_with(plugin) && name[plugin.size()] == '.';
}

bool valid_utf8(std::string_view text) {
  // Overlong forms, surrogates and what is above U+10FFFF fail by the bounds of the second byte.
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    const unsigned first = *at++;
    if (first < 0x80) continue;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || end - at < more) return false;
    const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (*at < low || *at > high) return false;
    for (int i = 1; i < more; ++i)
      if ((at[i] & 0xC0) != 0x80) return false;
    at += more;
  }
  return true;
}

std::string_view text_in(const object& o) { return {o.via.str.ptr, o.via.str.size}; }

/// Text is UTF-8 everywhere, keys are text, and nothing is nested deeper than eight.
bool sound(const object& o, std::size_t depth) {
  const bool container = o.type == msgpack::type::ARRAY || o.type == msgpack::type::MAP;
  if (container && depth > max_depth) return false;
  switch (o.type) {
    case msgpack::type::STR:
      return valid_utf8(text_in(o));
    case msgpack::type::BIN:
    case msgpack::type::EXT:
      return false;
    case msgpack::type::ARRAY:
      return std::all_of(o.via.array.ptr, o.via.array.ptr + o.via.array.size,
                         [&](const object& item) { return sound(item, depth + 1); });
    case msgpack::type::MAP:
      return std::all_of(o.via.map.ptr, o.via.map.ptr + o.via.map.size, [&](const msgpack::object_kv& kv) {
        return kv.key.type == msgpack::type::STR && valid_utf8(text_in(kv.key)) && sound(kv.val, depth + 1);
      });
    default:
      return true;
  }
}

/// Whether a map in there, at whatever depth, has a key twice: no consumer may read such an event (docs/bus.md). Of
/// what is sound.
bool repeats_a_key(const object& o) {
  if (o.type == msgpack::type::ARRAY)
    return std::any_of(o.via.array.ptr, o.via.array.ptr + o.via.array.size, repeats_a_key);
  if (o.type != msgpack::type::MAP) return false;
  const std::span members(o.via.map.ptr, o.via.map.size);
  std::vector<std::string_view> keys;
  keys.reserve(members.size());
  for (const auto& [key, value] : members) {
    if (repeats_a_key(value)) return true;
    keys.push_back(text_in(key));
  }
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

bool is_text(const object& o) { return o.type == msgpack::type::STR; }
bool is_integer(const object& o) {
  return o.type == msgpack::type::POSITIVE_INTEGER || o.type == msgpack::type::NEGATIVE_INTEGER;
}
bool is_number(const object& o) {
  return is_integer(o) || o.type == msgpack::type::FLOAT32 || o.type == msgpack::type::FLOAT64;
}
bool is_code(const object& o, std::size_t letters) {
  const auto text = is_text(o) ? text_in(o) : std::string_view();
  return text.size() == letters && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool is_one_of(const object& o, std::string_view a, std::string_view b) {
  return is_text(o) && (text_in(o) == a || text_in(o) == b);
}
bool is_time(const object& o) { return is_text(o) && from_iso8601(text_in(o)); }
bool is_date(const object& o) {
  return is_text(o) && text_in(o).size() == 10 && from_iso8601(std::string(text_in(o)) + "T00:00:00Z");
}

bool has_shape(const object& o, shape of);

bool has_members(const object& o, std::span<const member> members) {
  if (o.type != msgpack::type::MAP) return false;
  for (const auto& [key, value] : std::span(o.via.map.ptr, o.via.map.size)) {
    const auto rule =
        std::find_if(members.begin(), members.end(), [name = text_in(key)](auto& m) { return m.name == name; });
    if (rule == members.end() || !has_shape(value, rule->of)) return false;
  }
  return true;
}

template <class Check>
bool each(const object& o, Check check) {
  return o.type == msgpack::type::ARRAY && std::all_of(o.via.array.ptr, o.via.array.ptr + o.via.array.size, check);
}

bool has_shape(const object& o, shape of) {
  if (o.is_nil()) return true;  // known to be empty
  const auto maps = [&o](std::span<const member> members) {
    return each(o, [members](const object& item) { return has_members(item, members); });
  };
  switch (of) {
    case shape::any:
      return true;
    case shape::text:
      return is_text(o);
    case shape::flag:
      return o.type == msgpack::type::BOOLEAN;
    case shape::number:
      return is_number(o);
    case shape::integer:
      return is_integer(o);
    case shape::time:
      return is_time(o);
    case shape::date:
      return is_date(o);
    case shape::country:
      return is_code(o, 2);
    case shape::currency:
      return is_code(o, 3);
    case shape::status:
      return is_one_of(o, "active", "inactive");
    case shape::texts:
      return each(o, is_text);
    case shape::roles:
      return each(o, [](const object& item) { return is_one_of(item, "customer", "supplier"); });
    case shape::owner:
      return has_members(o, owner_members);
    case shape::payment_term:
      return has_members(o, payment_members);
    case shape::emails:
      return maps(email_members);
    case shape::phones:
      return maps(phone_members);
    case shape::addresses:
      return maps(address_members);
    case shape::custom_fields:
      return maps(custom_members);
    case shape::companies:
      return maps(company_members);
  }
  return false;
}

std::string field_refusal(std::string_view name, const object& value, std::string_view entity,
                          std::string_view plugin) {
  if (owned_by(plugin, name)) return {};
  const auto rule =
      std::find_if(std::begin(field_rules), std::end(field_rules), [name](auto& r) { return r.name == name; });
  // A plugin's own entity may use every canonical field.
  const unsigned entities = owned_by(plugin, entity) ? unsigned{all} : bit_of(entity);
  if (rule == std::end(field_rules) || (rule->entities & entities) == 0)
    return "The entity " + shown(entity) + " has no field " + shown(name) + ".";
  if (!has_shape(value, rule->of)) return "The field " + shown(name) + " has the wrong shape.";
  return {};
}

std::string facet_refusal(const messages::facet& f, std::string_view entity, std::string_view plugin) {
  if (f.name.size() > max_facet_name || !is_good_name(f.name)) return "A facet has no good name.";
  if (f.fields.size() > max_facet_bytes) return "The facet " + shown(f.name) + " is larger than 64 KiB.";
  const std::string not_a_map = "The facet " + shown(f.name) + " is not a msgpack map of fields, at most eight deep.";
  // Every element takes a byte at least, so that these limits bound what hostile headers can make us allocate.
  const auto bytes = std::max<std::size_t>(f.fields.size(), 1);
  const msgpack::unpack_limit limit(bytes, bytes, bytes, bytes, bytes, max_depth + 1);
  const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  try {
    msgpack::zone zone;
    std::size_t used = 0;
    bool referenced = false;
    const object root =
        msgpack::unpack(zone, f.fields.data(), f.fields.size(), used, referenced, refer, nullptr, limit);
    if (used != f.fields.size() || root.type != msgpack::type::MAP || !sound(root, 1)) return not_a_map;
    const std::span fields(root.via.map.ptr, root.via.map.size);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto name = text_in(fields[i].key);
      if (i > 0 && text_in(fields[i - 1].key) >= name)
        return "The fields of the facet " + shown(f.name) + " are not sorted, or one is there twice.";
      if (repeats_a_key(fields[i].val))
        return "The field " + shown(name) + " has a map with a key that is there twice.";
      if (auto why = field_refusal(name, fields[i].val, entity, plugin); !why.empty()) return why;
    }
  } catch (const msgpack::unpack_error&) {
    return not_a_map;
  }
  return {};
}

}  // namespace

bool is_plain_text(std::string_view text) { return plain(text) && valid_utf8(text); }

bool is_good_name(std::string_view text) { return !text.empty() && text.size() <= max_id && is_plain_text(text); }

std::string record_refusal(const messages::record& r, std::string_view plugin) {
  if (bit_of(r.entity) == 0 && !owned_by(plugin, r.entity))
    return "The entity " + shown(r.entity) + " is neither canonical nor the plugin's own.";
  if (r.entity.size() > max_facet_name || !is_good_name(r.entity)) return "The entity has no good name.";
  if (r.id.empty()) return "The record has no id.";
  if (r.id.size() > max_id) return "The record's id is longer than 256 bytes.";
  if (!is_good_name(r.id)) return "The record's id is not text, or has control characters in it.";
  if (!r.updated_at.empty() && !from_iso8601(r.updated_at)) return "updated_at is not a time.";
  if (r.gone) return {};
  if (r.facets.empty()) return "The record says nothing.";
  if (r.facets.size() > max_facets) return "The record has more than 16 facets.";
  for (std::size_t i = 0; i < r.facets.size(); ++i) {
    const auto& name = r.facets[i].name;
    if (std::any_of(r.facets.begin(), r.facets.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](auto& f) { return f.name == name; }))
      return "The facet " + shown(name) + " is there twice.";
    if (auto why = facet_refusal(r.facets[i], r.entity, plugin); !why.empty()) return why;
  }
  return {};
}

}  // namespace koppel::core
