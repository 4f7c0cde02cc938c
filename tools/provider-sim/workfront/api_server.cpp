// SPDX-License-Identifier: Apache-2.0
// Order of the checks: length, path and version, session, concurrency, object, parameters.
#include "workfront/api_server.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "oauth_forms.hpp"
#include "workfront/customer.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

constexpr std::string_view base = "/attask/api/";
constexpr std::string_view events_path = "/attask/eventsubscription/api/v1/subscriptions";
constexpr std::string_view authentication = "com.attask.common.AuthenticationException";
constexpr std::size_t longest_uri = 8892;

/// "v20.0" -> 20; nothing if it is no version.
std::optional<int> version_of(std::string_view part) {
  if (!part.starts_with('v') || !part.ends_with(".0")) return std::nullopt;
  const auto digits = part.substr(1, part.size() - 3);
  int version = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return version;
}

reply too_long() {
  reply answer;
  answer.status = 414;
  answer.content_type = "text/html";
  answer.body =
      "<HTML><HEAD><TITLE>Request-URI Too Large</TITLE></HEAD><BODY><H1>Request-URI Too Large</H1></BODY></HTML>";
  return answer;
}

/// `username` and the like log in; they never filter.
bool holds_credentials(const form_fields& parameters) {
  return std::any_of(parameters.begin(), parameters.end(), [](const auto& field) {
    return field.first == "username" || field.first == "password" || field.first == "apiKey";
  });
}

json::value as_data(json::array rows, bool as_map) {
  if (!as_map) return rows;
  json::object by_id;
  for (auto& row : rows) {
    const std::string id(row.at("ID").as_string());
    by_id[id] = std::move(row);
  }
  return by_id;
}

}  // namespace

reply api_server::handle(const request& asked, const environment& at, instant now) {
  std::string client_id;
  auto out = answer(asked, at, now, client_id);
  out.client_id = std::move(client_id);
  return out;
}

reply api_server::answer(const request& asked, const environment& at, instant now, std::string& client_id) {
  if (asked.path.size() + asked.query.size() + 1 > longest_uri) return too_long();
  const bool about_events = asked.path.starts_with(events_path);
  call wanted;
  if (!about_events)
    if (auto refused = read_call(asked, wanted)) return *std::move(refused);
  identity who;
  if (auto refused = session(asked, at, now, who)) return *std::move(refused);
  client_id = who.client_id;
  if (!admit(at, now)) {
    auto refused = api_error(429, "com.workfront.TooManyRequestsException", "Too many concurrent requests");
    if (settings_.retry_after.count() > 0)
      refused.headers.emplace_back("Retry-After", std::to_string(settings_.retry_after.count()));
    return refused;
  }
  auto out =
      about_events ? events_.handle(asked, asked.path.substr(events_path.size()), at, who, now) : run(wanted, who, now);
  out.delay += settings_.work;
  return out;
}

bool api_server::admit(const environment& at, instant now) {
  auto& under_way = busy_[at.host()];
  std::erase_if(under_way, [&](instant end) { return end <= now; });
  if (under_way.size() >= settings_.concurrency_limit) return false;
  if (settings_.work.count() > 0) under_way.push_back(now + settings_.work);
  return true;
}

std::optional<reply> api_server::read_call(const request& asked, call& out) const {
  if (!asked.path.starts_with(base)) return api_error(404, "com.attask.common.NotFoundException", "Not found");
  auto rest = asked.path.substr(base.size());
  out.version = settings_.newest_version;
  if (const auto version = version_of(rest.substr(0, rest.find('/')))) {
    out.version = *version;
    rest = rest.find('/') == std::string::npos ? "" : rest.substr(rest.find('/') + 1);
  }
  if (out.version < settings_.oldest_version)
    return api_error(settings_.removed_status, "com.attask.common.UnsupportedVersionException",
                     "API version " + std::to_string(out.version) + ".0 is no longer supported");
  if (out.version > settings_.newest_version)
    return api_error(404, "com.attask.common.UnsupportedVersionException",
                     "There is no API version " + std::to_string(out.version) + ".0");
  const auto slash = rest.find('/');
  out.object = rest.substr(0, slash);
  if (slash != std::string::npos) out.action = rest.substr(slash + 1);
  out.parameters = decode_form(asked.query);
  if (asked.method == "POST") {
    const auto body = decode_form(asked.body);
    out.parameters.insert(out.parameters.end(), body.begin(), body.end());
  }
  // A POST that says `method=get` is a long query.
  const bool reads = asked.method == "GET" || field_or_empty(out.parameters, "method") == "get";
  if (!reads) return api_error(400, "com.attask.common.UnsupportedOperationException", "The simulator only reads");
  return std::nullopt;
}

reply api_server::dead_session(std::string_view message) const {
  return api_error(settings_.session_error_status, authentication, message);
}

std::optional<reply> api_server::session(const request& asked, const environment& at, instant now,
                                         identity& who) const {
  const auto parameters = decode_form(asked.query);
  if (holds_credentials(parameters)) return dead_session("Invalid username or password.");
  auto id = asked.header("sessionid");
  if (id.empty()) id = field_or_empty(parameters, "sessionID");
  const auto found = grants_.check(id, now);
  // A session of another environment is none here.
  if (found.state != grant_state::ok || environment_of(found.who.of.host) != at)
    return dead_session("You are not currently logged in.");
  who = found.who;
  return std::nullopt;
}

reply api_server::run(const call& asked, const identity& who, instant now) {
  const auto kind = object_named(asked.object);
  if (!kind)
    return api_error(settings_.argument_error_status, illegal_argument,
                     "APIModel V" + std::to_string(asked.version) + "_0 does not support object " + asked.object);
  if (*kind == object_kind::customer && settings_.customer_forbidden)
    return api_error(403, "com.attask.common.InsufficientRightsException",
                     "You do not have sufficient access rights to perform this action.");
  if (asked.action == "report" || asked.action == "metadata")
    return api_error(400, "com.attask.common.UnsupportedOperationException", "not simulated: " + asked.action);
  const auto dates = records_.rest_dates();
  const query_context context{*kind, asked.version, records_.administrator_id(),
                              dates, now,           settings_.argument_error_status};
  form_fields parameters;
  for (const auto& field : asked.parameters)
    if (field.first != "sessionID") parameters.push_back(field);
  auto parsed = parse_query(parameters, context);
  if (parsed.refused) return *std::move(parsed.refused);
  if (*kind == object_kind::customer) return customer_rows(asked, parsed.asked, who);
  const view seen{who.of.id, who.of.name, who.of.host, dates};
  if (asked.action == "search" || asked.action == "count" || (asked.action.empty() && !parsed.asked.ids.empty()))
    return rows(*kind, asked, parsed.asked, seen);
  return one(*kind, asked, parsed.asked, seen);
}

reply api_server::one(object_kind kind, const call& asked, const query& with, const view& seen) {
  const auto which = static_cast<entity>(kind);
  const auto place = records_.find(static_cast<std::size_t>(which), asked.action);
  if (place == no_slot)
    return api_error(settings_.missing_status, "com.attask.common.ObjectNotFoundException",
                     std::string(class_name(kind)) + " with ID " + asked.action + " was not found");
  const auto whole = records_.shown(which, place, seen.customer_id, seen.dates);
  return data_reply(picked(kind, whole, with.fields, asked.version, references_of(records_, kind, whole, seen)));
}

reply api_server::rows(object_kind kind, const call& asked, const query& with, const view& seen) {
  const auto which = static_cast<entity>(kind);
  std::vector<slot> found;
  if (asked.action.empty()) {
    for (const auto& id : with.ids)
      if (const auto place = records_.find(static_cast<std::size_t>(which), id); place != no_slot)
        found.push_back(place);
  } else {
    found = select_all(records_, which, with, seen);
  }
  if (asked.action == "count") return data_reply(json::object{{"count", found.size()}});
  if (!asked.action.empty()) found = page_of(std::move(found), with, settings_.stable_order, disorder_);
  json::array data;
  data.reserve(found.size());
  for (const slot place : found) {
    const auto whole = records_.shown(which, place, seen.customer_id, seen.dates);
    data.push_back(picked(kind, whole, with.fields, asked.version, references_of(records_, kind, whole, seen)));
  }
  return data_reply(as_data(std::move(data), with.as_map));
}

reply api_server::customer_rows(const call& asked, const query& with, const identity& who) const {
  const auto whole = customer_object(who.of, settings_.concurrency_limit);
  const follow nowhere = [](std::string_view) -> std::optional<json::object> { return std::nullopt; };
  const auto row = picked(object_kind::customer, whole, with.fields, asked.version, nowhere);
  if (asked.action != "search" && asked.action != "count") {
    if (asked.action == who.of.id) return data_reply(row);
    return api_error(settings_.missing_status, "com.attask.common.ObjectNotFoundException",
                     "Customer with ID " + asked.action + " was not found");
  }
  json::array data;
  if (passes(with.conditions, whole, nowhere, records_.rest_dates()) && with.first == 0 && with.limit > 0)
    data.push_back(row);
  if (asked.action == "count") return data_reply(json::object{{"count", data.size()}});
  return data_reply(as_data(std::move(data), with.as_map));
}

}  // namespace koppel::provider_sim::workfront
