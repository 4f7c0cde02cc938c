// SPDX-License-Identifier: Apache-2.0
// Numbers and booleans may come as text, because the deprecated GET form has nothing else.
#include "teamleader/crm_query.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "teamleader/api_errors.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

constexpr std::size_t largest_page = 100;

struct refusal {
  std::string title, field;
};

bool is_text(const json::value& field, std::string_view wanted) {
  return field.is_string() && std::string_view(field.get_string()) == wanted;
}

/// Reads one member of the body, and remembers the first thing that was wrong.
class reader {
 public:
  explicit reader(std::string prefix, const json::object* from) : prefix_(std::move(prefix)), from_(from) {}

  const json::value* find(const char* name) const {
    const auto* value = from_ ? from_->if_contains(name) : nullptr;
    return value && !value->is_null() ? value : nullptr;
  }

  std::optional<std::string> text(const char* name) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    if (!value->is_string()) return fail(name, "must be a string"), std::nullopt;
    return std::string(value->get_string());
  }

  std::optional<std::size_t> number(const char* name) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    if (value->is_int64()) {
      number = value->get_int64();
    } else if (value->is_string()) {
      const auto& digits = value->get_string();
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    if (number < 1) return fail(name, "must be greater than or equal to 1"), std::nullopt;
    return static_cast<std::size_t>(number);
  }

  std::optional<bool> boolean(const char* name) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    if (value->is_bool()) return value->get_bool();
    if (is_text(*value, "true") || is_text(*value, "1")) return true;
    if (is_text(*value, "false") || is_text(*value, "0")) return false;
    return fail(name, "must be a boolean"), std::nullopt;
  }

  std::optional<uuid> id(const char* name) {
    const auto given = text(name);
    if (!given) return std::nullopt;
    const auto parsed = uuid::parse(*given);
    if (!parsed) fail(name, "invalid uuid");
    return parsed;
  }

  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> out;
    const auto* value = find(name);
    if (!value) return out;
    if (!value->is_array()) return fail(name, "must be an array"), out;
    for (const auto& one : value->get_array()) {
      if (!one.is_string()) return fail(name, "must contain strings"), out;
      out.emplace_back(one.get_string());
    }
    return out;
  }

  void fail(const char* name, const char* what) {
    if (!refused_) refused_ = refusal{std::string(name) + " " + what, prefix_ + name};
  }
  const std::optional<refusal>& refused() const { return refused_; }

 private:
  std::string prefix_;
  const json::object* from_;
  std::optional<refusal> refused_;
};

const json::object* member_object(const json::object& body, const char* name) {
  const auto* value = body.if_contains(name);
  return value ? value->if_object() : nullptr;
}

crm_filter read_filter(entity kind, reader& in) {
  crm_filter out;
  if (const auto* email = in.find("email")) {
    if (const auto* parts = email->if_object()) {
      reader inner("filter.email.", parts);
      out.email = {inner.text("type").value_or(""), inner.text("email").value_or("")};
    } else {
      in.fail("email", "must be an object");
    }
  }
  if (in.find("ids")) {
    out.ids.emplace();
    for (const auto& text : in.texts("ids")) {
      const auto parsed = uuid::parse(text);
      if (parsed)
        out.ids->push_back(*parsed);
      else
        in.fail("ids", "invalid uuid");
    }
  }
  out.term = in.text("term");
  if (const auto since = in.text("updated_since")) {
    const auto time = parse_time(*since);
    // Real clients strip fractions on purpose; a filter with one would quietly match something else.
    if (!time || time->has_fraction)
      in.fail("updated_since", "must be a date and time without a fraction");
    else
      out.updated_since = std::chrono::floor<std::chrono::seconds>(time->at);
  }
  out.tags = in.texts("tags");
  if (const auto status = in.text("status")) {
    if (*status == "active" || *status == "deactivated")
      out.active = *status == "active";
    else
      in.fail("status", "must be one of active, deactivated");
  }
  out.marketing_mails_consent = in.boolean("marketing_mails_consent");
  if (kind == entity::company) {
    out.vat_number = in.text("vat_number");
    out.national_identification_number = in.text("national_identification_number");
  } else {
    out.company_id = in.id("company_id");
  }
  return out;
}

std::optional<refusal> read_sort(const json::object& body, crm_query& out) {
  const auto* list = body.if_contains("sort");
  if (!list || !list->is_array() || list->get_array().empty()) return std::nullopt;
  const auto* first = list->get_array().front().if_object();
  reader in("sort.0.", first);
  const auto field = in.text("field").value_or("name");
  const auto order = in.text("order").value_or("asc");
  if (field == "name")
    out.sort = sort_key::name;
  else if (field == "added_at")
    out.sort = sort_key::added_at;
  else if (field == "updated_at")
    out.sort = sort_key::updated_at;
  else
    in.fail("field", "must be one of name, added_at, updated_at");
  if (order != "asc" && order != "desc") in.fail("order", "must be one of asc, desc");
  out.descending = order == "desc";
  return in.refused();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool contains(const json::value& field, const std::string& needle) {
  return field.is_string() && lower(field.get_string()).find(needle) != std::string::npos;
}

bool has_term(const json::object& record, const std::string& term) {
  const auto needle = lower(term);
  for (const char* name : {"name", "first_name", "last_name", "vat_number"})
    if (const auto* value = record.if_contains(name); value && contains(*value, needle)) return true;
  for (const auto& one : record.at("emails").as_array())
    if (contains(one.at("email"), needle)) return true;
  for (const auto& one : record.at("telephones").as_array())
    if (contains(one.at("number"), needle)) return true;
  return false;
}

bool has_email(const json::object& record, const std::pair<std::string, std::string>& wanted) {
  for (const auto& one : record.at("emails").as_array()) {
    if (!wanted.first.empty() && !is_text(one.at("type"), wanted.first)) continue;
    if (lower(one.at("email").as_string()) == lower(wanted.second)) return true;
  }
  return false;
}

bool has_tag(const json::object& record, const std::string& tag) {
  const auto& tags = record.at("tags").as_array();
  return std::any_of(tags.begin(), tags.end(), [&](const json::value& one) { return is_text(one, tag); });
}

}  // namespace

bool includes(const json::object& body, std::string_view what) {
  const auto* value = body.if_contains("includes");
  if (!value || !value->is_string()) return false;
  std::string_view rest = value->get_string();
  while (!rest.empty()) {
    auto one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    if (one == what) return true;
  }
  return false;
}

crm_parse parse_crm_query(entity kind, const json::object& body) {
  crm_parse out;
  reader filter("filter.", member_object(body, "filter"));
  out.query.filter = read_filter(kind, filter);
  reader page("page.", member_object(body, "page"));
  out.query.page_size = std::min(page.number("size").value_or(20), largest_page);
  out.query.page_number = page.number("number").value_or(1);
  const auto bad_sort = read_sort(body, out.query);
  out.query.custom_fields = includes(body, "custom_fields");
  out.query.price_list = includes(body, "price_list");
  for (const auto& refused : {filter.refused(), page.refused(), bad_sort}) {
    if (refused && !out.refused) out.refused = api_error(400, refused->title, refused->field);
  }
  return out;
}

bool passes(const crm_filter& filter, const json::object& record) {
  const auto is = [&](const char* name, const std::string& wanted) { return is_text(record.at(name), wanted); };
  if (filter.email && !has_email(record, *filter.email)) return false;
  if (filter.term && !has_term(record, *filter.term)) return false;
  for (const auto& tag : filter.tags)
    if (!has_tag(record, tag)) return false;
  if (filter.vat_number && !is("vat_number", *filter.vat_number)) return false;
  if (filter.national_identification_number &&
      !is("national_identification_number", *filter.national_identification_number))
    return false;
  if (filter.marketing_mails_consent &&
      record.at("marketing_mails_consent") != json::value(*filter.marketing_mails_consent))
    return false;
  return true;
}

}  // namespace koppel::provider_sim::teamleader
