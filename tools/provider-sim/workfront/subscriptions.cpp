// SPDX-License-Identifier: Apache-2.0
// Registering, listing, switching and removing. A filter that makes no sense is accepted, as at Workfront.
#include "workfront/subscriptions.hpp"

#include <algorithm>
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
std::optional<std::string> problem_with(const json::object& body, bool https_only) {
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
  if (https_only && url->scheme() != "https") return "url is not https";
  if (const auto* filters = body.if_contains("filters"); filters && !filters->is_array()) return "filters is an array";
  return std::nullopt;
}

std::string masked(const std::string& token) {
  return token.size() <= 8 ? std::string(token.size(), '*') : "****" + token.substr(token.size() - 4);
}

}  // namespace

reply subscriptions::handle(const request& asked, const std::string& rest, const environment& at, const identity& who,
                            instant now) {
  if (settings_.not_admin) return refused(403, "You must be a system administrator");
  if (rest.empty() && asked.method == "POST") return enrol(asked, at, who, now);
  if ((rest.empty() || rest == "/list") && asked.method == "GET") return list(asked, at);
  if (asked.method == "PUT" && rest.ends_with("/version")) {
    boost::system::error_code failed;
    const auto body = json::parse(asked.body, failed);
    if (failed || !body.is_object()) return refused(400, "The body must be a JSON object");
    if (rest == "/version") return switch_many(body.get_object(), at, now);
    return switch_one(rest.substr(1, rest.size() - std::string("//version").size()), body.get_object(), at, now);
  }
  if (rest.starts_with('/') && (asked.method == "GET" || asked.method == "DELETE"))
    return one(asked.method, rest.substr(1), at);
  return refused(404, "Not found");
}

reply subscriptions::enrol(const request& asked, const environment& at, const identity& who, instant now) {
  boost::system::error_code failed;
  const auto parsed = json::parse(asked.body, failed);
  if (failed || !parsed.is_object()) return refused(400, "The body must be a JSON object");
  const auto& body = parsed.get_object();
  if (const auto problem = problem_with(body, settings_.event_https_only)) return refused(400, *problem);

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
  fresh.version = settings_.subscription_version;
  fresh.created = now;
  for (const auto& [id, known] : by_id_)
    if (known.host == fresh.host && known.object == fresh.object && known.type == fresh.type &&
        known.url == fresh.url && known.object_id == fresh.object_id && known.filters == fresh.filters)
      return refused(409, "A subscription like this one exists");

  const auto digits = random_(16);
  fresh.id = digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" + digits.substr(16, 4) +
             "-" + digits.substr(20);
  auto answer = json_reply(201, json::serialize(json::object{{"id", fresh.id}, {"version", fresh.version}}));
  answer.headers.emplace_back("Location",
                              "https://" + asked.host + "/attask/eventsubscription/api/v1/subscriptions/" + fresh.id);
  // Nothing but a call wakes a frozen URL; which one is not said, so it is this.
  if (const auto known = urls_.find(fresh.url); known != urls_.end() && known->second.frozen) urls_.erase(known);
  if (settings_.event_validation) validations_.push_back(message_to(fresh, "{}"));
  by_id_[fresh.id] = std::move(fresh);
  return answer;
}

json::object subscriptions::shown(const subscription& one) const {
  if (settings_.events_listed == "documents") return shown_in_documents(one);
  const auto created = date_text(one.created, {'.', settings_.utc_offset});
  const auto switched = date_text(std::max(one.created, one.switched), {'.', settings_.utc_offset});
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
          {"version", one.version},
          {"dateVersionUpdated", switched}};
}

/// The spelling of the documents, with what became of the URL.
json::object subscriptions::shown_in_documents(const subscription& one) const {
  const auto when = [&](const std::optional<instant>& at) -> json::value {
    if (!at) return nullptr;
    return json::value(date_text(*at, {'.', settings_.utc_offset}));
  };
  const auto known = urls_.find(one.url);
  const auto url = known == urls_.end() ? url_state{} : known->second;
  return {{"id", one.id},
          {"date_created", when(one.created)},
          {"date_modified", when(one.created)},
          {"customer_id", one.customer_id},
          {"obj_id", one.object_id.empty() ? json::value(nullptr) : json::value(one.object_id)},
          {"obj_code", one.object},
          {"url", one.url},
          {"event_type", one.type},
          {"auth_token", masked(one.token)},
          {"filters", one.filters},
          {"filter_connector", one.connector},
          {"base64_encoding", one.base64},
          {"version", one.version},
          {"subscription_url", json::object{{"url", one.url},
                                            {"successes", url.successes},
                                            {"failures", url.failures},
                                            {"disabled_at", when(url.disabled)},
                                            {"frozen_at", when(url.frozen)}}}};
}

reply subscriptions::switch_one(const std::string& id, const json::object& body, const environment& at, instant now) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.host != at.host()) return refused(404, "Not found");
  const auto version = text(body, "version");
  if (version != "v1" && version != "v2") return refused(400, "version is v1 or v2");
  if (found->second.version != version) found->second.switched = now;
  found->second.version = version;
  return json_reply(200, json::serialize(json::object{{"id", id}, {"version", version}}));
}

/// To v2: the only way there is for many.
reply subscriptions::switch_many(const json::object& body, const environment& at, instant now) {
  const auto* all = body.if_contains("allCustomerSubscriptions");
  const auto* listed = body.if_contains("subscriptionIds");
  const bool every = all && all->is_bool() && all->get_bool();
  if (!every && !(listed && listed->is_array()))
    return refused(400, "subscriptionIds is a list, or allCustomerSubscriptions true");
  json::array switched;
  for (auto& [id, one] : by_id_) {
    if (one.host != at.host()) continue;
    const auto named = [&, &known = id](const json::value& value) { return value == json::value(known); };
    if (!every && std::none_of(listed->get_array().begin(), listed->get_array().end(), named)) continue;
    if (one.version != "v2") one.switched = now;
    one.version = "v2";
    switched.push_back(json::object{{"id", id}, {"version", one.version}});
  }
  return json_reply(200, json::serialize(switched));
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
