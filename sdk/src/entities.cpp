// SPDX-License-Identifier: Apache-2.0
// The canonical fields as tables, and the wire form of their values.
#include <koppel/sdk/entities.hpp>

#include <algorithm>

namespace koppel::sdk {
namespace {

struct entry {
  std::string_view name;
  shape is;
};

constexpr entry common[] = {
    {"name", shape::text},
    {"status", shape::text},
    {"emails", shape::emails},
    {"phones", shape::phones},
    {"addresses", shape::addresses},
    {"website", shape::text},
    {"iban", shape::text},
    {"bic", shape::text},
    {"language", shape::text},
    {"tags", shape::texts},
    {"remarks", shape::text},
    {"custom_fields", shape::custom_fields},
    {"owner", shape::owner},
    {"created_at", shape::time},
    {"url", shape::text},
};
constexpr entry company[] = {
    {"roles", shape::texts},
    {"customer_number", shape::text},
    {"vat_number", shape::text},
    {"vat_number_normalized", shape::text},
    {"registration_number", shape::text},
    {"currency", shape::text},
    {"payment_term", shape::payment_term},
    {"parent_id", shape::text},
};
constexpr entry contact[] = {
    {"first_name", shape::text}, {"last_name", shape::text}, {"full_name", shape::text},
    {"salutation", shape::text}, {"job_title", shape::text}, {"department_name", shape::text},
    {"birthdate", shape::date},  {"gender", shape::text},    {"marketing_consent", shape::flag},
    {"companies", shape::links},
};
constexpr entry department[] = {
    {"vat_number", shape::text},
    {"currency", shape::text},
    {"is_default", shape::flag},
};
constexpr entry project[] = {
    {"code", shape::text},          {"state", shape::text},       {"company_id", shape::text},
    {"planned_start", shape::date}, {"planned_end", shape::date}, {"percent_complete", shape::real},
};
constexpr entry user[] = {{"first_name", shape::text}, {"last_name", shape::text}};

std::span<const entry> own_fields(std::string_view of) {
  if (of == entity::company) return company;
  if (of == entity::contact) return contact;
  if (of == entity::department) return department;
  if (of == entity::project) return project;
  if (of == entity::user) return user;
  return {};
}

/// Collects the members of a value; those that are not there stay out.
class members {
 public:
  members& add(std::string_view name, const std::string& text) { return put(name, packed::text(text)); }
  members& add(std::string_view name, const std::optional<std::string>& text) {
    return text ? put(name, packed::text(*text)) : *this;
  }
  members& add(std::string_view name, std::optional<std::int64_t> number) {
    return number ? put(name, packed::integer(*number)) : *this;
  }
  members& add(std::string_view name, std::optional<bool> flag) {
    return flag ? put(name, packed::flag(*flag)) : *this;
  }
  members& put(std::string_view name, packed value) {
    all_.emplace(name, std::move(value));
    return *this;
  }
  packed done() const { return packed::map(all_); }

 private:
  std::map<std::string_view, packed> all_;
};

packed pack_one(const std::string& of) { return packed::text(of); }
packed pack_one(const email& of) { return members().add("type", of.type).add("email", of.address).done(); }
packed pack_one(const phone& of) { return members().add("type", of.type).add("number", of.number).done(); }
packed pack_one(const address& of) {
  return members()
      .add("type", of.type)
      .add("line_1", of.line_1)
      .add("postal_code", of.postal_code)
      .add("city", of.city)
      .add("region", of.region)
      .add("country", of.country)
      .add("addressee", of.addressee)
      .done();
}
packed pack_one(const custom_field& of) {
  return members().add("id", of.id).add("label", of.label).add("type", of.type).put("value", of.value).done();
}
packed pack_one(const company_link& of) {
  return members()
      .add("id", of.id)
      .add("position", of.position)
      .add("division", of.division)
      .add("decision_maker", of.decision_maker)
      .done();
}

template <class T>
packed pack_all(const std::vector<T>& values) {
  std::vector<packed> items;
  items.reserve(values.size());
  for (const auto& value : values) items.push_back(pack_one(value));
  return packed::list(items);
}

}  // namespace

packed pack(std::string_view value) { return packed::text(value); }
packed pack(time_point value) { return packed::text(format_time(value)); }
packed pack(const date& value) { return packed::text(value.text); }
packed pack(const owner_ref& of) { return members().add("id", of.id).add("name", of.name).done(); }
packed pack(const payment_terms& of) { return members().add("type", of.type).add("days", of.days).done(); }
packed pack(const std::vector<std::string>& value) { return pack_all(value); }
packed pack(const std::vector<email>& value) { return pack_all(value); }
packed pack(const std::vector<phone>& value) { return pack_all(value); }
packed pack(const std::vector<address>& value) { return pack_all(value); }
packed pack(const std::vector<custom_field>& value) { return pack_all(value); }
packed pack(const std::vector<company_link>& value) { return pack_all(value); }

std::string_view to_text(shape of) {
  constexpr std::string_view names[] = {"text",          "texts", "flag",         "integer", "real",
                                        "time",          "date",  "emails",       "phones",  "addresses",
                                        "custom_fields", "owner", "payment_term", "links"};
  return names[static_cast<std::size_t>(of)];
}

std::optional<shape> shape_of(std::string_view of, std::string_view field) {
  const auto own = own_fields(of);
  const auto named = [&](const entry& e) { return e.name == field; };
  if (own.empty()) return std::nullopt;
  if (const auto at = std::find_if(own.begin(), own.end(), named); at != own.end()) return at->is;
  if (const auto at = std::find_if(std::begin(common), std::end(common), named); at != std::end(common)) return at->is;
  return std::nullopt;
}

std::vector<std::string_view> fields_of(std::string_view of) {
  std::vector<std::string_view> out;
  const auto own = own_fields(of);
  if (own.empty()) return out;
  for (const auto& each : common) out.push_back(each.name);
  for (const auto& each : own) out.push_back(each.name);
  return out;
}

std::string normalized_vat_number(std::string_view as_given) {
  std::string out;
  for (const char c : as_given) {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) out += c;
    if (c >= 'a' && c <= 'z') out += static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace koppel::sdk
