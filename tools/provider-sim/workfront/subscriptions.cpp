// SPDX-License-Identifier: Apache-2.0
// A filter that names no field of the object, or a comparison that is not simulated, is accepted and never matches: so
// do wrong filters at Workfront.
#include "workfront/subscriptions.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <charconv>
#include <set>

#include "form.hpp"
#include "oauth_forms.hpp"
#include "workfront/wire.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

std::string text(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

reply refused(int status, std::string_view message) {
  return json_reply(status, json::serialize(json::object{{"message", message}}));
}

/// What is wrong with a registration; nothing if it is good.
std::optional<std::string> problem_with(const json::object& body) {
  static const std::set<std::string, std::less<>> known{
      "objCode", "eventType", "url", "authToken", "objId", "filters", "filterConnector", "base64Encoding"};
  static const std::set<std::string, std::less<>> objects{"CMPY", "PROJ",  "TASK",  "OPTASK", "USER", "PORT",
                                                          "PRGM", "DOCU",  "DOCV",  "ASSGN",  "HOUR", "NOTE",
                                                          "TMPL", "EXPNS", "TSHET", "FIELD"};
  for (const auto& entry : body)
    if (!known.contains(std::string_view(entry.key().data(), entry.key().size())))
      return "Unrecognized field: " + std::string(entry.key());
  if (!objects.contains(text(body, "objCode"))) return "objCode is missing or unknown";
  const auto type = text(body, "eventType");
  if (type != "CREATE" && type != "UPDATE" && type != "DELETE") return "eventType is CREATE, UPDATE or DELETE";
  const auto token = text(body, "authToken");
  if (token.empty() || token.size() > 255) return "authToken is missing or longer than 255";
  const auto url = boost::urls::parse_uri(text(body, "url"));
  if (!url || !url->has_authority()) return "url is missing or no URL";
  if (const auto* filters = body.if_contains("filters"); filters && !filters->is_array()) return "filters is an array";
  return std::nullopt;
}

std::string masked(const std::string& token) {
  return token.size() <= 8 ? std::string(token.size(), '*') : "****" + token.substr(token.size() - 4);
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

reply subscriptions::handle(const request& asked, const std::string& rest, const environment& at, const identity& who,
                            instant now) {
  if (settings_.not_admin) return refused(403, "You must be a system administrator");
  if (rest.empty() && asked.method == "POST") return enrol(asked, at, who, now);
  if (rest.empty() && asked.method == "GET") return list(asked, at);
  if (rest.starts_with('/') && (asked.method == "GET" || asked.method == "DELETE"))
    return one(asked.method, rest.substr(1), at);
  return refused(404, "Not found");
}

reply subscriptions::enrol(const request& asked, const environment& at, const identity& who, instant now) {
  boost::system::error_code failed;
  const auto parsed = json::parse(asked.body, failed);
  if (failed || !parsed.is_object()) return refused(400, "The body must be a JSON object");
  const auto& body = parsed.get_object();
  if (const auto problem = problem_with(body)) return refused(400, *problem);

  subscription fresh;
  fresh.client_id = who.client_id;
  fresh.customer_id = who.of.id;
  fresh.host = at.host();
  fresh.object = text(body, "objCode");
  fresh.type = text(body, "eventType");
  fresh.url = text(body, "url");
  fresh.token = text(body, "authToken");
  fresh.object_id = text(body, "objId");
  fresh.connector = body.contains("filterConnector") ? text(body, "filterConnector") : "AND";
  if (const auto* filters = body.if_contains("filters")) fresh.filters = filters->get_array();
  fresh.base64 = text(body, "base64Encoding") == "true";
  fresh.created = now;
  for (const auto& [id, known] : by_id_)
    if (known.host == fresh.host && known.object == fresh.object && known.type == fresh.type &&
        known.url == fresh.url && known.object_id == fresh.object_id && known.filters == fresh.filters)
      return refused(409, "A subscription like this one exists");

  const auto digits = random_(16);
  fresh.id = digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" + digits.substr(16, 4) +
             "-" + digits.substr(20);
  auto answer = json_reply(201, json::serialize(json::object{{"id", fresh.id}, {"version", "v2"}}));
  answer.headers.emplace_back("Location",
                              "https://" + asked.host + "/attask/eventsubscription/api/v1/subscriptions/" + fresh.id);
  by_id_[fresh.id] = std::move(fresh);
  return answer;
}

json::object subscriptions::shown(const subscription& one) const {
  const auto created = date_text(one.created, {'.', settings_.utc_offset});
  return {{"id", one.id},
          {"dateCreated", created},
          {"dateModified", created},
          {"customerId", one.customer_id},
          {"objId", one.object_id.empty() ? json::value(nullptr) : json::value(one.object_id)},
          {"objCode", one.object},
          {"url", one.url},
          {"eventType", one.type},
          {"authToken", masked(one.token)},
          {"filters", one.filters},
          {"filterConnector", one.connector},
          {"base64Encoding", one.base64 ? "true" : "false"},
          {"version", "v2"},
          {"dateVersionUpdated", created}};
}

reply subscriptions::list(const request& asked, const environment& at) const {
  const auto query = decode_form(asked.query);
  const auto number = [&](const char* name, std::size_t otherwise) {
    const auto digits = field_or_empty(query, name);
    std::from_chars(digits.data(), digits.data() + digits.size(), otherwise);
    return std::max<std::size_t>(otherwise, 1);
  };
  const auto page = number("page", 1);
  const auto limit = std::min<std::size_t>(number("limit", 100), 1000);
  std::vector<const subscription*> mine;
  for (const auto& [id, known] : by_id_)
    if (known.host == at.host()) mine.push_back(&known);
  json::array shown_here;
  for (std::size_t place = 0; place < mine.size(); ++place)
    if (place / limit == page - 1) shown_here.push_back(shown(*mine[place]));
  const json::object meta{{"page", page},
                          {"limit", limit},
                          {"page_count", (mine.size() + limit - 1) / limit},
                          {"total_count", mine.size()}};
  return json_reply(200, json::serialize(json::object{{"subscriptions", std::move(shown_here)}, {"meta", meta}}));
}

reply subscriptions::one(const std::string& method, const std::string& id, const environment& at) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.host != at.host()) return refused(404, "Not found");
  if (method == "GET") return json_reply(200, json::serialize(shown(found->second)));
  by_id_.erase(found);
  reply gone;
  gone.content_type.clear();
  return gone;
}

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
  const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(what.at);
  const json::object body{{"eventType", what.type},
                          {"subscriptionId", one.id},
                          {"customerId", one.customer_id},
                          {"userId", what.user_id},
                          {"eventTime",
                           {{"nano", (what.at - whole_seconds).count() * 1'000'000},
                            {"epochSecond", whole_seconds.time_since_epoch().count()}}},
                          {"eventVersion", "v2"},
                          {"subscriptionVersion", "v2"},
                          {"newState", state(what.new_state)},
                          {"oldState", state(what.old_state)}};
  delivery out;
  out.registration = one.id;
  out.event = what.object + "." + what.type;
  out.ids = {what.id};
  out.url = one.url;
  out.body = json::serialize(body);
  out.attempts_left = settings_.event_attempts;
  out.headers = {{"Authorization", "Bearer " + one.token}};
  return out;
}

std::vector<delivery> subscriptions::deliveries_of(const record_event& what) const {
  std::vector<delivery> out;
  for (const auto& [id, one] : by_id_)
    if (matches(one, what)) out.push_back(delivery_for(one, what));
  return out;
}

void subscriptions::delivered(delivery& one, const attempt& result) {
  const int attempts = settings_.event_attempts - one.attempts_left;
  one.pause = settings_.event_retry * ((std::int64_t{1} << std::clamp(attempts, 0, 20)) - 1);
  const auto found = by_id_.find(one.registration);
  if (found != by_id_.end()) ++(result.taken() ? found->second.taken : found->second.refused);
}

json::array subscriptions::overview() const {
  json::array out;
  for (const auto& [id, one] : by_id_)
    out.push_back({{"client_id", one.client_id},
                   {"url", one.url},
                   {"types", json::array{one.object + "." + one.type}},
                   {"id", id},
                   {"taken", one.taken},
                   {"refused", one.refused}});
  return out;
}

}  // namespace koppel::provider_sim::workfront
