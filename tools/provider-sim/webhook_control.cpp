// SPDX-License-Identifier: Apache-2.0
// /webhooks on the control port: what was registered and delivered, and what a test does to deliveries. README.md lists
// the routes.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <set>

#include "form.hpp"
#include "simulator.hpp"

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

constexpr std::int64_t most_at_once = 100'000;

reply wrong(int status, const std::string& what) {
  return json_reply(status, json::serialize(json::object{{"error", what}}));
}

reply done(const json::object& body) { return json_reply(200, json::serialize(body)); }

std::string text(const json::object& from, const char* name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// Nothing if it is there and no number from `least` to the most.
std::optional<std::size_t> number(const json::object& from, const char* name, std::int64_t least,
                                  std::int64_t otherwise) {
  const auto* value = from.if_contains(name);
  if (!value) return static_cast<std::size_t>(otherwise);
  if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most_at_once) return std::nullopt;
  return static_cast<std::size_t>(value->get_int64());
}

std::uint64_t query_number(const form_fields& query, const char* name, std::uint64_t otherwise) {
  const auto* digits = find_field(query, name);
  if (digits) std::from_chars(digits->data(), digits->data() + digits->size(), otherwise);
  return otherwise;
}

/// `base` with other members and headers, as somebody sends it who knows some of it and guesses the rest.
std::optional<std::string> tamper(delivery& base, const json::object& with) {
  if (const auto* body = with.if_contains("body"))
    base.body = body->is_string() ? std::string(body->get_string()) : json::serialize(*body);
  if (const auto* members = with.if_contains("set")) {
    boost::system::error_code failed;
    auto parsed = json::parse(base.body, failed);
    if (!members->is_object() || failed || !parsed.is_object()) return "set is an object, and so must be the body";
    for (const auto& [name, value] : members->get_object()) parsed.get_object()[name] = value;
    base.body = json::serialize(parsed);
  }
  if (const auto* headers = with.if_contains("headers")) {
    if (!headers->is_object()) return "headers is an object of texts";
    for (const auto& [name, value] : headers->get_object()) {
      std::erase_if(base.headers, [&](const auto& known) { return known.first == std::string_view(name); });
      if (value.is_string()) base.headers.emplace_back(name, value.get_string());
    }
  }
  return std::nullopt;
}

}  // namespace

reply simulator::webhook_order(const std::string& method, const std::string& path, const request& asked,
                               const json_object& body, instant now) {
  const auto query = decode_form(asked.query);
  if (method == "GET" && path.empty())
    return done({{"webhooks", provider_->webhooks_overview()}, {"counts", outbox_.counts()}});
  if (method == "GET" && path == "/attempts")
    return json_reply(200,
                      outbox_.attempts_since(query_number(query, "since", 0), query_number(query, "limit", 10'000)));
  if (path == "/rules") {
    if (method == "DELETE") outbox_.clear_rules();
    if (method == "POST")
      if (const auto problem = outbox_.set_rules(body)) return wrong(400, *problem);
    return done(outbox_.rules());
  }
  if (method != "POST") return wrong(404, "no such route");
  if (path == "/again") {
    const auto count = number(body, "count", 0, 1);
    std::vector<std::uint64_t> numbers;
    const auto* listed = body.if_contains("numbers");
    const bool bad = listed && !listed->is_array();
    if (listed && !bad)
      for (const auto& one : listed->get_array())
        if (one.is_int64()) numbers.push_back(static_cast<std::uint64_t>(one.get_int64()));
    if (!count || bad || (listed && numbers.empty())) return wrong(400, "count is a number, numbers a list of them");
    return done({{"sent", outbox_.repeat(*count, numbers, now)}});
  }
  if (path == "/flood") return flood(body, now);
  if (path == "/forge") return forge(body, now);
  if (path == "/routes") return route_webhooks(body);
  return wrong(404, "no such route");
}

/// Hints about records of which nothing changed.
reply simulator::flood(const json_object& body, instant now) {
  auto& records = provider_->records();
  const auto entity = records.entity_named(text(body, "entity"));
  const auto count = number(body, "count", 1, 1000), per_second = number(body, "per_second", 0, 0);
  if (!entity) return wrong(400, entity_choice());
  if (!count || !per_second) return wrong(400, "count and per_second are numbers, up to 100000");
  const auto& known = records.of(*entity).order(sort_key::updated_at);
  if (known.empty()) return wrong(400, "there is no record to hint at");
  record_change change{*entity, "updated", {}};
  for (std::size_t place = 0; place < *count; ++place)
    change.ids.push_back(records.id_text(records.of(*entity).at(known[place % known.size()]).id));
  // What a change caused before this is no part of the flood.
  outbox_.accept(provider_->take_deliveries(), now);
  provider_->announce(change, now);
  auto fresh = provider_->take_deliveries();
  const auto sent = fresh.size();
  outbox_.accept_ordered(std::move(fresh), "flood", *per_second, now);
  return done({{"sent", sent}});
}

/// A call as from somebody else: by default a copy of the latest one, to every address that is registered.
reply simulator::forge(const json_object& body, instant now) {
  const auto count = number(body, "count", 1, 1), per_second = number(body, "per_second", 0, 0);
  if (!count || !per_second) return wrong(400, "count and per_second are numbers, up to 100000");
  std::set<std::string> urls;
  if (body.contains("url"))
    urls.insert(text(body, "url"));
  else
    for (const auto& one : provider_->webhooks_overview())
      if (const auto* url = one.as_object().if_contains("url"); url && url->is_string())
        urls.emplace(url->get_string());
  std::vector<delivery> forged;
  for (const auto& url : urls) {
    delivery one;
    if (const auto* known = outbox_.latest(body.contains("url") ? "" : url)) one = *known;
    one.url = url;
    one.registration.clear();
    one.attempts_left = 1;
    if (const auto problem = tamper(one, body)) return wrong(400, *problem);
    if (one.body.empty()) return wrong(400, "nothing was delivered yet: body says what to send");
    for (std::size_t copy = 0; copy < *count; ++copy) forged.push_back(one);
  }
  const auto sent = forged.size();
  outbox_.accept_ordered(std::move(forged), "forged", *per_second, now);
  return done({{"sent", sent}});
}

reply simulator::route_webhooks(const json_object& body) {
  const auto host = text(body, "host");
  auto to = loopback_address(text(body, "address"));
  if (host.empty() || to.address.empty()) return wrong(400, "host is a name, address one of the loopback with a port");
  to.ca_file = text(body, "ca_file");
  webhook_routes_[host] = std::move(to);
  return done({{"ok", true}});
}

}  // namespace koppel::provider_sim
