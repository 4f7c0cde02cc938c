// SPDX-License-Identifier: Apache-2.0
// Each element of a request succeeds or fails for itself: 201 (or 200) if all do, 207 if some do, 400 if none does.
#include "zoho/watch.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <optional>

#include "form.hpp"
#include "oauth_forms.hpp"
#include "timestamps.hpp"
#include "zoho/crm_api.hpp"
#include "zoho/data_centres.hpp"

namespace koppel::provider_sim::zoho {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_token = 50;

/// Modules that exist; records are here of the three above.
const std::map<std::string, std::string>& modules() {
  static const std::map<std::string, std::string> ids{
      {"Leads", "125"},  {"Accounts", "129"},  {"Contacts", "131"},  {"Deals", "133"},
      {"Tasks", "135"},  {"Products", "137"},  {"Vendors", "139"},   {"Quotes", "141"},
      {"users", "143"},  {"Campaigns", "145"}, {"Invoices", "147"},  {"Cases", "149"},
      {"Events", "151"}, {"Calls", "153"},     {"Solutions", "155"}, {"Price_Books", "157"}};
  return ids;
}

json::object failed(std::string_view code, std::string_view message, json::object details = {}) {
  return {{"code", code}, {"details", std::move(details)}, {"message", message}, {"status", "error"}};
}

json::object missing(std::string_view name) {
  return failed("MANDATORY_NOT_FOUND", "required field not found", {{"api_name", name}});
}

json::object invalid(std::string_view name) { return failed("INVALID_DATA", "invalid data", {{"api_name", name}}); }

/// A number, or digits in a text: both come.
std::optional<std::string> channel_id_of(const json::object& wanted) {
  const auto* id = wanted.if_contains("channel_id");
  if (!id) return std::nullopt;
  if (id->is_int64() && id->get_int64() > 0) return std::to_string(id->get_int64());
  if (!id->is_string() || id->get_string().empty() || id->get_string().size() > 19) return std::nullopt;
  const std::string text(id->get_string());
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) ? std::optional(text)
                                                                                            : std::nullopt;
}

/// Nothing if there are none or one of them is no event.
std::optional<std::map<std::string, std::set<std::string>>> events_of(const json::object& wanted,
                                                                      const std::string& hidden_module) {
  const auto* listed = wanted.if_contains("events");
  if (!listed || !listed->is_array() || listed->get_array().empty()) return std::nullopt;
  std::map<std::string, std::set<std::string>> out;
  for (const auto& one : listed->get_array()) {
    if (!one.is_string()) return std::nullopt;
    const std::string text(one.get_string());
    const auto dot = text.find('.');
    const auto module = text.substr(0, dot), operation = dot == text.npos ? "" : text.substr(dot + 1);
    if (!modules().contains(module) || module == hidden_module ||
        (operation != "create" && operation != "edit" && operation != "delete" && operation != "all"))
      return std::nullopt;
    out[module].insert(operation);
  }
  return out;
}

bool is_url(const std::string& text, bool https_only) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority()) return false;
  return parsed->scheme() == "https" || (!https_only && parsed->scheme() == "http");
}

std::string text(const json::object& from, const char* name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag(const json::object& from, const char* name, bool otherwise) {
  const auto* value = from.if_contains(name);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

reply answer(int whole, json::array rows) {
  std::size_t good = 0;
  for (const auto& one : rows) good += one.at("status") == "success" ? 1 : 0;
  const int status = good == rows.size() ? whole : good == 0 ? 400 : 207;
  return json_reply(status, json::serialize(json::object{{"watch", std::move(rows)}}));
}

std::string name_of(const std::string& id, const identity& who) { return who.client_id + '\n' + who.of.id + '\n' + id; }

}  // namespace

reply watch_list::handle(const request& asked, const identity& who, instant now) {
  forget_ended(now);
  if (asked.method == "GET") return list(asked, who);
  if (asked.method == "DELETE") return disable(asked, who);
  boost::system::error_code unreadable;
  const auto body = json::parse(asked.body, unreadable);
  const auto* wanted = !unreadable && body.is_object() ? body.get_object().if_contains("watch") : nullptr;
  if (!wanted || !wanted->is_array() || wanted->get_array().empty())
    return json_reply(400, json::serialize(missing("watch")));
  json::array rows;
  for (const auto& one : wanted->get_array()) {
    if (!one.is_object())
      rows.push_back(invalid("watch"));
    else if (asked.method == "PATCH")
      rows.push_back(amend(one.get_object(), who, now));
    else
      rows.push_back(enable(one.get_object(), who, asked.method == "PUT", now));
  }
  return answer(asked.method == "POST" ? 201 : 200, std::move(rows));
}

void watch_list::forget_ended(instant now) {
  std::erase_if(by_name_, [&](const auto& entry) { return entry.second.expiry <= now; });
}

watch_list::channel* watch_list::find(const std::string& id, const identity& who) {
  const auto found = by_name_.find(name_of(id, who));
  return found == by_name_.end() ? nullptr : &found->second;
}

/// More than may be is not cut down to that: it is an hour, and nothing says so but the answer.
instant watch_list::expiry_of(const json::value* wanted, bool& bad, instant now) const {
  if (!wanted || wanted->is_null()) return now + settings_.channel_life;
  const auto parsed = wanted->is_string() ? parse_time(std::string(wanted->get_string())) : std::nullopt;
  bad = !parsed || parsed->at <= now;
  if (bad) return now;
  return parsed->at > now + settings_.longest_channel_life ? now + settings_.channel_life : parsed->at;
}

watch_list::row watch_list::enable(const json::object& wanted, const identity& who, bool must_exist, instant now) {
  const auto id = channel_id_of(wanted);
  if (!id) return wanted.contains("channel_id") ? invalid("channel_id") : missing("channel_id");
  if (!wanted.contains("events")) return missing("events");
  if (!wanted.contains("notify_url")) return missing("notify_url");
  channel fresh;
  fresh.id = *id;
  fresh.who = who;
  const auto events = events_of(wanted, settings_.hidden_module);
  if (!events) return invalid("events");
  fresh.events = *events;
  fresh.notify_url = text(wanted, "notify_url");
  if (!is_url(fresh.notify_url, settings_.notify_https_only)) return invalid("notify_url");
  if (const auto* token = wanted.if_contains("token"); token && !token->is_null()) {
    if (!token->is_string() || token->get_string().size() > longest_token) return invalid("token");
    fresh.token = *token;
  }
  bool bad = false;
  fresh.expiry = expiry_of(wanted.if_contains("channel_expiry"), bad, now);
  if (bad) return invalid("channel_expiry");
  fresh.with_values = flag(wanted, "return_affected_field_values", false);
  fresh.on_related = flag(wanted, "notify_on_related_action", true);
  const bool known = by_name_.contains(name_of(*id, who));
  if (must_exist && !known) return invalid("channel_id");
  if (!must_exist && known && settings_.channel_again == "refuse")
    return failed("DUPLICATE_DATA", "duplicate data", {{"api_name", "channel_id"}});
  std::set<std::string> named;
  for (const auto& [module, operations] : fresh.events) named.insert(module);
  auto& kept = by_name_[name_of(*id, who)];
  kept = std::move(fresh);
  return subscribed(kept, named, "Successfully subscribed for actions-watch of the given module");
}

/// What is not named stays as it is.
watch_list::row watch_list::amend(const json::object& wanted, const identity& who, instant now) {
  const auto id = channel_id_of(wanted);
  if (!id) return wanted.contains("channel_id") ? invalid("channel_id") : missing("channel_id");
  auto* known = find(*id, who);
  if (!known) return invalid("channel_id");
  const auto events = events_of(wanted, settings_.hidden_module);
  if (wanted.contains("events") && !events) return invalid("events");
  std::set<std::string> named;
  for (const auto& [module, operations] : events ? *events : known->events) named.insert(module);

  if (flag(wanted, "_delete_events", false)) {
    if (!events) return missing("events");
    auto done = subscribed(*known, named, "Successfully removed the subscribe details");
    for (const auto& [module, operations] : *events) {
      for (const auto& operation : operations) known->events[module].erase(operation);
      if (known->events[module].empty()) known->events.erase(module);
    }
    if (known->events.empty()) by_name_.erase(name_of(*id, who));
    return done;
  }
  auto changed = *known;
  if (events)
    for (const auto& [module, operations] : *events)
      changed.events[module].insert(operations.begin(), operations.end());
  if (wanted.contains("notify_url")) {
    changed.notify_url = text(wanted, "notify_url");
    if (!is_url(changed.notify_url, settings_.notify_https_only)) return invalid("notify_url");
  }
  if (const auto* token = wanted.if_contains("token")) {
    if (!token->is_string() || token->get_string().size() > longest_token) return invalid("token");
    changed.token = *token;
  }
  bool bad = false;
  if (const auto* expiry = wanted.if_contains("channel_expiry")) changed.expiry = expiry_of(expiry, bad, now);
  if (bad) return invalid("channel_expiry");
  changed.with_values = flag(wanted, "return_affected_field_values", changed.with_values);
  changed.on_related = flag(wanted, "notify_on_related_action", changed.on_related);
  *known = std::move(changed);
  return subscribed(*known, named, "Successfully updated the subscribe details");
}

/// Whatever version was asked, addresses of resources say v2.
std::string watch_list::resource_uri(const channel& one, const std::string& module) const {
  const auto home = home_of(one.who.of.host);
  return "https://" + (home ? home->api() : "www.zohoapis.com") + "/crm/v2/" + module;
}

watch_list::row watch_list::subscribed(const channel& one, const std::set<std::string>& named,
                                       const char* message) const {
  json::array events;
  for (const auto& module : named)
    events.push_back({{"channel_expiry", records_.time_text(one.expiry)},
                      {"resource_uri", resource_uri(one, module)},
                      {"resource_id", "7328395000000000" + modules().at(module)},
                      {"resource_name", module},
                      {"channel_id", one.id}});
  return {{"code", "SUCCESS"},
          {"details", json::object{{"events", std::move(events)}}},
          {"message", message},
          {"status", "success"}};
}

reply watch_list::list(const request& asked, const identity& who) {
  const auto query = decode_form(asked.query);
  const auto id = field_or_empty(query, "channel_id"), only = field_or_empty(query, "module");
  if (id.empty()) return api_error(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing");
  json::array rows;
  if (const auto* one = find(id, who)) {
    for (const auto& [module, operations] : one->events) {
      if (!only.empty() && only != module) continue;
      json::array events;
      for (const auto& operation : operations) events.emplace_back(module + "." + operation);
      rows.push_back({{"notify_on_related_action", one->on_related},
                      {"channel_expiry", records_.time_text(one->expiry)},
                      {"return_affected_field_values", one->with_values},
                      {"resource_uri", resource_uri(*one, module)},
                      {"resource_id", "7328395000000000" + modules().at(module)},
                      {"notify_url", one->notify_url},
                      {"resource_name", module},
                      {"fields", nullptr},
                      {"notification_condition", nullptr},
                      {"channel_id", one->id},
                      {"events", std::move(events)},
                      {"token", one->token}});
    }
  }
  if (rows.empty()) return json_reply(204, "");
  const json::object info{{"per_page", 200}, {"count", rows.size()}, {"page", 1}, {"more_records", false}};
  return json_reply(200, json::serialize(json::object{{"watch", std::move(rows)}, {"info", info}}));
}

reply watch_list::disable(const request& asked, const identity& who) {
  const auto listed = field_or_empty(decode_form(asked.query), "channel_ids");
  if (listed.empty()) return api_error(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing");
  json::array rows;
  for (std::size_t from = 0, end = 0; end != listed.npos; from = end + 1) {
    end = listed.find(',', from);
    const auto id = listed.substr(from, end - from);
    const auto* one = find(id, who);
    if (!one) {
      rows.push_back(invalid("channel_ids"));
      continue;
    }
    for (const auto& [module, operations] : one->events)
      rows.push_back({{"code", "SUCCESS"},
                      {"details", json::object{{"resource_uri", resource_uri(*one, module)},
                                               {"resource_id", "7328395000000000" + modules().at(module)},
                                               {"channel_id", one->id}}},
                      {"message", "Successfully un-subscribed from actions-watch"},
                      {"status", "success"}});
    by_name_.erase(name_of(id, who));
  }
  return answer(200, std::move(rows));
}

}  // namespace koppel::provider_sim::zoho
