// SPDX-License-Identifier: Apache-2.0
// ID, lastUpdateDate, entryDate and companyID are read off the recipe (if nobody wrote over them), because connectors
// filter by them through accounts of a hundred thousand records.
#include "workfront/selection.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <compare>

#include "workfront/customer.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  return {};
}

std::partial_ordering compare(const json::value& value, const std::string& with) {
  if (value.is_int64()) {
    double number = 0;
    const auto [end, failed] = std::from_chars(with.data(), with.data() + with.size(), number);
    if (failed != std::errc{} || end != with.data() + with.size()) return std::partial_ordering::unordered;
    return static_cast<double>(value.get_int64()) <=> number;
  }
  return text_of(value) <=> with;
}

/// `each(n)` compares what the record has with the n-th value of the condition.
template <class Each>
bool holds(const condition& one, std::size_t count, Each each) {
  const auto any_equal = [&] {
    for (std::size_t at = 0; at < count; ++at)
      if (std::is_eq(each(at))) return true;
    return false;
  };
  switch (one.how) {
    case comparison::eq:
    case comparison::in:
      return any_equal();
    case comparison::ne:
    case comparison::notin:
      return !any_equal();
    case comparison::gt:
      return std::is_gt(each(0));
    case comparison::gte:
      return std::is_gteq(each(0));
    case comparison::lt:
      return std::is_lt(each(0));
    case comparison::lte:
      return std::is_lteq(each(0));
    case comparison::between:
      return std::is_gteq(each(0)) && std::is_lteq(each(1));
    default:
      return false;
  }
}

bool holds_for_time(const condition& one, std::optional<instant> time) {
  if (one.how == comparison::isnull || one.how == comparison::notnull)
    return time.has_value() == (one.how == comparison::notnull);
  return time &&
         holds(one, one.times.size(), [&](std::size_t at) -> std::partial_ordering { return *time <=> one.times[at]; });
}

bool holds_for_value(const condition& one, const json::value& value, const date_form& dates) {
  if (is_date(one.field)) {
    const auto time = value.is_string() ? parse_date(value.get_string().c_str(), dates, {}) : std::nullopt;
    return holds_for_time(one, time);
  }
  const bool empty = value.is_null();
  if (one.how == comparison::isnull) return empty;
  if (one.how == comparison::notnull) return !empty;
  if (empty) return false;
  // A list of choices has a value if one of them is it.
  if (value.is_array()) {
    for (const auto& choice : value.get_array())
      if (holds_for_value(one, choice, dates)) return true;
    return false;
  }
  if (one.how == comparison::contains) return text_of(value).find(one.values[0]) != std::string::npos;
  if (one.how == comparison::cicontains) return lower(text_of(value)).find(lower(one.values[0])) != std::string::npos;
  return holds(one, one.values.size(), [&](std::size_t at) { return compare(value, one.values[at]); });
}

bool written_over(const recipe& record, std::string_view field) {
  return record.overrides && record.overrides->contains(field);
}

/// What the recipe says of a condition; nothing if the whole record must be made.
std::optional<bool> holds_for_recipe(const dataset& records, entity kind, slot place, const condition& one,
                                     const date_form& dates) {
  const auto& record = records.of(kind).at(place);
  if (one.field == "lastUpdateDate") return holds_for_time(one, records.updated_at(kind, place));
  if (one.field == "entryDate") return holds_for_time(one, record.added_at);
  if (one.field == "ID") return holds_for_value(one, json::value(id_text(record.id)), dates);
  if (one.field == "companyID" && !written_over(record, one.field)) {
    const auto company = records.company_of(kind, place);
    return holds_for_value(one, company ? json::value(id_text(*company)) : json::value(nullptr), dates);
  }
  return std::nullopt;
}

bool found(const dataset& records, entity kind, slot place, const query& asked, const view& seen) {
  std::vector<condition> rest;
  for (const auto& one : asked.conditions) {
    const auto by_recipe = holds_for_recipe(records, kind, place, one, seen.dates);
    if (by_recipe == false) return false;
    if (!by_recipe) rest.push_back(one);
  }
  if (rest.empty()) return true;
  const auto whole = records.shown(kind, place, seen.customer_id, seen.dates);
  return passes(rest, whole, references_of(records, static_cast<object_kind>(kind), whole, seen), seen.dates);
}

/// What a record is sorted by: nulls come last, numbers by size, all else by its text.
struct key {
  bool null = true;
  std::int64_t number = 0;
  std::string text;

  auto operator<=>(const key&) const = default;
};

key key_of(const dataset& records, entity kind, slot place, const std::string& field, const view& seen) {
  if (field == "lastUpdateDate" || field == "entryDate") {
    const auto time = field == "entryDate" ? records.of(kind).at(place).added_at : records.updated_at(kind, place);
    return {!time, time ? time->time_since_epoch().count() : 0, {}};
  }
  const auto whole = records.shown(kind, place, seen.customer_id, seen.dates);
  const auto value = value_of(whole, field, references_of(records, static_cast<object_kind>(kind), whole, seen));
  if (value.is_null()) return {};
  if (is_date(field)) {
    const auto time = value.is_string() ? parse_date(value.get_string().c_str(), seen.dates, {}) : std::nullopt;
    if (time) return {false, time->time_since_epoch().count(), {}};
  }
  return {false, value.is_int64() ? value.get_int64() : 0, value.is_int64() ? std::string() : text_of(value)};
}

/// Stable, so sorting by the last term first gives the order by all of them.
void sort_by(const dataset& records, entity kind, const sort_term& term, const view& seen, std::vector<slot>& rows) {
  std::vector<std::pair<key, slot>> keyed;
  keyed.reserve(rows.size());
  for (const slot place : rows) keyed.emplace_back(key_of(records, kind, place, term.field, seen), place);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    if (a.first.null != b.first.null) return b.first.null;
    return term.descending ? b.first < a.first : a.first < b.first;
  });
  for (std::size_t at = 0; at < rows.size(); ++at) rows[at] = keyed[at].second;
}

/// An order that is kept anyway and already has the last terms of the sort; takes those terms away.
std::vector<slot> starting_order(const dataset& records, entity kind, std::vector<sort_term>& sorts) {
  const auto ascending = [&](std::size_t from_end, std::string_view field) {
    if (sorts.size() < from_end) return false;
    const auto& term = sorts[sorts.size() - from_end];
    return term.field == field && !term.descending;
  };
  if (ascending(1, "ID") && !ascending(2, "lastUpdateDate")) {
    sorts.pop_back();
    return records.by_id(kind);
  }
  auto rows = records.of(kind).order(sort_key::updated_at);
  const bool then_by_id = ascending(1, "ID");
  if (then_by_id) sorts.pop_back();
  if (!ascending(1, "lastUpdateDate")) return rows;
  sorts.pop_back();
  const auto nulls = std::stable_partition(rows.begin(), rows.end(),
                                           [&](slot place) { return records.updated_at(kind, place).has_value(); });
  const auto& all = records.of(kind);
  if (then_by_id) std::sort(nulls, rows.end(), [&](slot a, slot b) { return all.at(a).id < all.at(b).id; });
  return rows;
}

}  // namespace

follow references_of(const dataset& records, object_kind kind, const json::object& whole, const view& seen) {
  return [&records, kind, &whole, &seen](std::string_view ref) -> std::optional<json::object> {
    if (ref == "customer") return customer_object({seen.customer_id, seen.customer_name, seen.customer_host}, 10);
    const auto* id = whole.if_contains(std::string(ref) + "ID");
    if (!id || !id->is_string()) return std::nullopt;
    const std::string text(id->get_string());
    if (ref == "category" || ref == "group" || ref == "role") {
      const json::object fixed{{"ID", text},
                               {"name", std::string(class_name(kind)) + " " + std::string(ref)},
                               {"objCode", ref == "group"  ? "GROUP"
                                           : ref == "role" ? "ROLE"
                                                           : "CTGY"}};
      return fixed;
    }
    const auto target = ref == "company" ? entity::company : entity::user;
    const auto place = records.find(static_cast<std::size_t>(target), text);
    if (place == no_slot) return std::nullopt;
    return records.shown(target, place, seen.customer_id, seen.dates);
  };
}

bool passes(const std::vector<condition>& conditions, const json::object& whole, const follow& to,
            const date_form& dates) {
  return std::all_of(conditions.begin(), conditions.end(),
                     [&](const condition& one) { return holds_for_value(one, value_of(whole, one.field, to), dates); });
}

std::vector<slot> select_all(const dataset& records, entity kind, const query& asked, const view& seen) {
  auto sorts = asked.sorts;
  auto rows = starting_order(records, kind, sorts);
  if (!asked.conditions.empty())
    std::erase_if(rows, [&](slot place) { return !found(records, kind, place, asked, seen); });
  for (auto term = sorts.rbegin(); term != sorts.rend(); ++term) sort_by(records, kind, *term, seen, rows);
  return rows;
}

std::vector<slot> page_of(std::vector<slot> rows, const query& asked, bool stable, draw& dice) {
  if (asked.sorts.empty() && !stable && rows.size() > 1)
    std::rotate(rows.begin(),
                rows.begin() + static_cast<std::ptrdiff_t>(dice.below(std::min<std::size_t>(rows.size(), 8))),
                rows.end());
  const auto first = std::min(asked.first, rows.size());
  const auto count = std::min(asked.limit, rows.size() - first);
  return {rows.begin() + static_cast<std::ptrdiff_t>(first), rows.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

}  // namespace koppel::provider_sim::workfront
