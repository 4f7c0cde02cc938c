// SPDX-License-Identifier: Apache-2.0
// Parameters come in any order, so a field's comparison is found after its value.
#include "workfront/query.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <map>

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

constexpr std::size_t most_rows = 2000;

const std::map<std::string_view, comparison>& comparisons() {
  static const std::map<std::string_view, comparison> table{{"eq", comparison::eq},
                                                            {"ne", comparison::ne},
                                                            {"gt", comparison::gt},
                                                            {"gte", comparison::gte},
                                                            {"lt", comparison::lt},
                                                            {"lte", comparison::lte},
                                                            {"in", comparison::in},
                                                            {"notin", comparison::notin},
                                                            {"isnull", comparison::isnull},
                                                            {"notnull", comparison::notnull},
                                                            {"contains", comparison::contains},
                                                            {"cicontains", comparison::cicontains},
                                                            {"between", comparison::between}};
  return table;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (;;) {
    const auto comma = text.find(',');
    if (const auto part = text.substr(0, comma); !part.empty()) out.emplace_back(part);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

/// `a,b` or `["a","b"]`.
std::vector<std::string> split_list(const std::string& text) {
  if (!text.starts_with('[')) return split(text);
  boost::system::error_code failed;
  const auto parsed = json::parse(text, failed);
  std::vector<std::string> out;
  if (failed || !parsed.is_array()) return {text};
  for (const auto& one : parsed.get_array())
    if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

std::string as_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  return {};
}

bool take_suffix(std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

class reader {
 public:
  explicit reader(const query_context& context) : context_(context) {}

  query_parse read(const form_fields& parameters) {
    form_fields plain;
    for (const auto& [name, value] : parameters) {
      if (name == "filters")
        add_filters(value, plain);
      else
        plain.emplace_back(name, value);
    }
    for (const auto& [name, value] : plain) take(name, value);
    for (auto& one : out_.asked.conditions) finish(one);
    return std::move(out_);
  }

 private:
  void fail(std::string_view message) {
    if (!out_.refused) out_.refused = api_error(context_.error_status, illegal_argument, message);
  }

  void add_filters(const std::string& text, form_fields& plain) {
    boost::system::error_code failed;
    const auto parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return fail("filters is not a JSON object");
    for (const auto& [name, value] : parsed.get_object()) {
      if (value.is_array()) {
        for (const auto& one : value.get_array()) plain.emplace_back(std::string(name), as_text(one));
      } else {
        plain.emplace_back(std::string(name), as_text(value));
      }
    }
  }

  std::size_t number(const std::string& name, const std::string& digits, std::size_t most) {
    std::size_t value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{} || end != digits.data() + digits.size() || value > most)
      fail(name + " must be a number between 0 and " + std::to_string(most));
    return value;
  }

  void take(std::string name, const std::string& value) {
    auto& asked = out_.asked;
    if (name == "$$LIMIT") {
      asked.limit = number(name, value, most_rows);
    } else if (name == "$$FIRST") {
      asked.first = number(name, value, 1'000'000'000);
    } else if (name == "fields") {
      asked.fields = split_list(value);
      for (const auto& field : *asked.fields) require(field, true);
    } else if (name == "map") {
      asked.as_map = value == "true";
    } else if (name == "id") {
      asked.ids = split(value);
    } else if (name == "method") {
      // Which method is meant was seen before.
    } else if (name == "listOptions" || name.starts_with("OR:") || name.starts_with("$$")) {
      fail("not simulated: " + name);
    } else if (take_suffix(name, "_Sort")) {
      require(name, false);
      asked.sorts.push_back({name, value == "desc"});
      if (value != "asc" && value != "desc") fail(name + "_Sort is asc or desc");
    } else if (take_suffix(name, "_Mod")) {
      const auto found = comparisons().find(value);
      if (found == comparisons().end()) return fail("Invalid modifier " + value);
      condition_on(name).how = found->second;
    } else if (take_suffix(name, "_Range")) {
      ranges_[name] = value;
      condition_on(name);
    } else {
      condition_on(name).values.push_back(value == "$$USER.ID" ? context_.user_id : value);
    }
  }

  void require(const std::string& field, bool wildcards) {
    if (!has_field(context_.kind, field, context_.version, wildcards))
      fail(unsupported_field(field, context_.kind, context_.version));
  }

  condition& condition_on(const std::string& field) {
    require(field, false);
    for (auto& one : out_.asked.conditions)
      if (one.field == field) return one;
    auto& fresh = out_.asked.conditions.emplace_back();
    fresh.field = field;
    return fresh;
  }

  void finish(condition& one) {
    if (one.how == comparison::in || one.how == comparison::notin) {
      std::vector<std::string> all;
      for (const auto& value : one.values)
        for (auto& part : split(value)) all.push_back(std::move(part));
      one.values = std::move(all);
    }
    if (one.how == comparison::between) {
      const auto range = ranges_.find(one.field);
      if (one.values.size() != 1 || range == ranges_.end()) return fail("between needs " + one.field + "_Range");
      one.values.push_back(range->second);
    }
    if (one.how == comparison::isnull || one.how == comparison::notnull) return;
    if (one.values.empty()) return fail("no value for " + one.field);
    if (!is_date(one.field)) return;
    for (const auto& value : one.values) {
      const auto time = parse_filter_date(value, context_.dates, context_.now);
      if (!time) return fail("Unparseable date: \"" + value + "\"");
      one.times.push_back(*time);
    }
  }

  const query_context& context_;
  query_parse out_;
  std::map<std::string, std::string> ranges_;
};

}  // namespace

query_parse parse_query(const form_fields& parameters, const query_context& context) {
  return reader(context).read(parameters);
}

}  // namespace koppel::provider_sim::workfront
