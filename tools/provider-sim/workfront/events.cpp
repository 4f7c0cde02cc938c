// SPDX-License-Identifier: Apache-2.0
// What subscriptions deliver. A filter that names no field of the object, or a comparison that is not simulated, never
// matches: so do wrong filters at Workfront. A URL that fails too often is disabled, and in the end frozen.
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "workfront/subscriptions.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

constexpr std::chrono::minutes both_versions{5}, probe_pause{10};
constexpr std::chrono::hours long_without_success{72};
constexpr std::size_t frozen_for_good = 50'000;

std::string text(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

bool filter_matches(const json::object& filter, const record_event& what) {
  const auto name = text(filter, "fieldName");
  const auto how = text(filter, "comparison");
  const auto* now = what.new_state.if_contains(name);
  const auto* before = what.old_state.if_contains(name);
  if (how == "changed") return now && before && *now != *before;
  const auto* value = text(filter, "state") == "oldState" ? before : now;
  const auto* wanted = filter.if_contains("fieldValue");
  if (!value || !wanted) return false;
  if (how == "eq") return text_of(*value) == text_of(*wanted);
  if (how == "ne") return text_of(*value) != text_of(*wanted);
  if (how == "contains") return text_of(*value).find(text_of(*wanted)) != std::string::npos;
  if (how == "notContains") return text_of(*value).find(text_of(*wanted)) == std::string::npos;
  return false;
}

/// A company's events carry fewer fields than its object has.
json::object state_shown(const record_event& what, const json::object& state, const std::string& customer_id) {
  static constexpr std::array<std::string_view, 11> of_company{
      "ID",       "name",    "objCode",        "categoryID",      "customerID",     "enteredByID",
      "extRefID", "groupID", "lastUpdateDate", "lastUpdatedByID", "parameterValues"};
  if (state.empty()) return {};
  json::object out;
  if (what.object == "CMPY") {
    for (const auto name : of_company)
      if (const auto* value = state.if_contains(name)) out[name] = *value;
  } else {
    out = state;
    out["accessorIDs"] = json::array{what.user_id};
  }
  out["customerID"] = customer_id;
  return out;
}

}  // namespace

bool subscriptions::matches(const subscription& one, const record_event& what) {
  if (one.object != what.object || one.type != what.type) return false;
  if (!one.object_id.empty() && one.object_id != what.id) return false;
  const auto passes = [&](const json::value& filter) {
    return filter.is_object() && filter_matches(filter.get_object(), what);
  };
  if (one.connector == "OR" && !one.filters.empty()) return std::any_of(one.filters.begin(), one.filters.end(), passes);
  return std::all_of(one.filters.begin(), one.filters.end(), passes);
}

delivery subscriptions::delivery_for(const subscription& one, const record_event& what) const {
  const auto state = [&](const json::object& whole) -> json::value {
    auto shown_state = state_shown(what, whole, one.customer_id);
    if (one.base64) return json::value(to_base64(json::serialize(shown_state)));
    return shown_state;
  };
  // What a DELETE looks like was never seen.
  const bool swapped = what.type == "DELETE" && settings_.delete_in_new_state;
  const auto& now = swapped ? what.old_state : what.new_state;
  const auto& before = swapped ? what.new_state : what.old_state;
  const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(what.at);
  const json::object body{{"eventType", what.type},
                          {"subscriptionId", one.id},
                          {"customerId", one.customer_id},
                          {"userId", what.user_id},
                          {"eventTime",
                           {{"nano", (what.at - whole_seconds).count() * 1'000'000},
                            {"epochSecond", whole_seconds.time_since_epoch().count()}}},
                          {"eventVersion", one.version},
                          {"subscriptionVersion", one.version},
                          {"newState", state(now)},
                          {"oldState", state(before)}};
  auto out = message_to(one, json::serialize(body));
  out.event = what.object + "." + what.type;
  out.ids = {what.id};
  out.attempts_left = settings_.event_attempts;
  return out;
}

delivery subscriptions::message_to(const subscription& one, std::string body) const {
  delivery out;
  out.registration = one.id;
  out.event = "validation";
  out.url = one.url;
  out.body = std::move(body);
  out.patience = settings_.event_patience;
  out.headers = {{"Authorization", (settings_.event_token_plain ? "" : "Bearer ") + one.token}};
  return out;
}

std::vector<delivery> subscriptions::deliveries_of(const record_event& what) {
  std::vector<delivery> out;
  for (const auto& [id, one] : by_id_) {
    if (!matches(one, what) || !may_call(one.url, what.at)) continue;
    out.push_back(delivery_for(one, what));
    // After a switch of versions both send for a while.
    if (one.switched != instant{} && what.at < one.switched + both_versions) out.push_back(out.back());
  }
  return out;
}

/// What happens while a URL is disabled is lost, but for one probe every so often; of a frozen one all is lost.
bool subscriptions::may_call(const std::string& url, instant now) {
  auto& state = urls_[url];
  if (state.frozen) return false;
  if (!state.disabled) return true;
  if (now < state.probed.value_or(*state.disabled) + probe_pause) return false;
  state.probed = now;
  return true;
}

void subscriptions::judge(url_state& url, instant now) const {
  const auto all = url.successes + url.failures;
  if (!url.disabled && ((all > settings_.messages_before_judged && 10 * url.failures > 7 * all) ||
                        url.in_a_row >= settings_.failures_until_disabled))
    url.disabled = now;
  const bool long_ago = now - url.last_success.value_or(now) > long_without_success;
  if (url.in_a_row >= frozen_for_good || (url.in_a_row > settings_.failures_until_disabled && long_ago))
    url.frozen = now;
}

void subscriptions::delivered(delivery& one, const attempt& result, instant now) {
  const int attempts = settings_.event_attempts - one.attempts_left;
  one.pause = settings_.event_retry * ((std::int64_t{1} << std::clamp(attempts, 0, 20)) - 1);
  auto& url = urls_[one.url];
  if (result.taken()) {
    ++url.successes;
    url.in_a_row = 0;
    url.last_success = now;
    url.disabled = url.probed = std::nullopt;
  } else {
    ++url.failures;
    ++url.in_a_row;
    judge(url, now);
  }
  const auto found = by_id_.find(one.registration);
  if (found != by_id_.end()) ++(result.taken() ? found->second.taken : found->second.refused);
  if (found == by_id_.end() || url.disabled || url.frozen) one.attempts_left = 0;
}

}  // namespace koppel::provider_sim::workfront
