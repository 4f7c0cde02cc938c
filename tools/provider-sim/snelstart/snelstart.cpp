// SPDX-License-Identifier: Apache-2.0
// Keys and tokens: a token is bought with the customer's key alone, as often as one likes.
#include "snelstart/snelstart.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "form.hpp"
#include "oauth_forms.hpp"

namespace koppel::provider_sim::snelstart {
namespace {

namespace json = boost::json;

reply refused(const char* why) { return json_reply(400, json::serialize(json::object{{"error", why}})); }

}  // namespace

bookkeeping::bookkeeping(const options& given, const beginning& with)
    : settings_(given.settings),
      random_(with.random),
      records_(given.companies, with.seed, with.at, settings_),
      api_(records_, clients(), grants(), settings_, with.seed) {
  // An administration for a first try by hand. Its key has every character that a form must escape.
  clients().put({"maes",
                 "a29wcGVsc2xldXRlbDo+Pz8/dmFuIGRlIGJha2tlcmlqL01hZXM+Pg==",
                 "Testo Pro+ Sync",
                 {"relaties:read", "settings:read"},
                 {},
                 {"7c9e6679-7425-40de-944b-e07fc1f90ae7", "Bakkerij Maes", ""}});
}

reply bookkeeping::serve(const request& asked, instant now) {
  if (asked.host == api_host) return api_.handle(asked, now);
  if (asked.host == auth_host && asked.path == "/b2b/token") return token(asked, now);
  if (asked.host == web_host && asked.path.starts_with("/couplings/activate/")) return activation(asked);
  return json_reply(404, "");
}

const client* bookkeeping::owner_of(const std::string& key) {
  return withdrawn_.contains(key) ? nullptr : clients().find_by_secret(key);
}

reply bookkeeping::token(const request& asked, instant now) {
  if (asked.method != "POST") return json_reply(405, "");
  if (asked.content_type.find("application/x-www-form-urlencoded") == std::string::npos)
    return refused("GrantType was not found");
  const auto form = decode_form(asked.body);
  if (field_or_empty(form, "grant_type") != "clientkey") return refused("GrantType is not supported");
  const auto key = field_or_empty(form, "clientkey");
  const auto* by = owner_of(key);
  grants().note("key", key, by ? "ok" : withdrawn_.contains(key) ? "revoked" : "unknown");
  if (!by) return refused("GrantType clientkey was found. Parameter clientkey does not contain a valid value");

  // Looks like a JWT, as the real ones do, and is as opaque to a client as they are.
  const auto access = "eyJhbGciOiJSUzI1NiJ9.eyJ" + random_(120) + "." + random_(171);
  grants().add_access(access, {by->id, by->of}, now + settings_.access_life);
  auto answer = json_reply(
      200, json::serialize(json::object{
               {"access_token", access}, {"token_type", "bearer"}, {"expires_in", settings_.access_life.count()}}));
  answer.client_id = by->id;
  return answer;
}

std::optional<reply> bookkeeping::control(const request& asked, const json::object& body, instant) {
  const auto done = [](const json::object& of) { return json_reply(200, json::serialize(of)); };
  if (asked.method == "GET" && asked.path == "/secrets") {
    auto all = grants().secrets();
    json::array keys(withdrawn_.begin(), withdrawn_.end());
    for (const auto& one : clients().to_json()) keys.push_back(one.at("client_secret"));
    all["keys"] = std::move(keys);
    return done(all);
  }
  const bool anew = asked.path == "/keys/regenerate";
  if (asked.method != "POST" || (!anew && asked.path != "/keys/withdraw" && asked.path != "/revoke"))
    return std::nullopt;
  const auto* named = body.if_contains("client_id");
  const auto* known = named && named->is_string() ? clients().find(named->as_string().c_str()) : nullptr;
  if (!known) return json_reply(404, R"({"error":"no such client"})");

  const auto of = *known;
  withdrawn_.insert(of.secret);
  const bool at_once = settings_.withdrawal_ends_tokens || asked.path == "/revoke";
  const auto ended = at_once ? grants().revoke(of.id) : 0;
  if (!anew) {
    tell_of_key(of, "Delete", settings_.removal_names_key);
    return done({{"ended", ended}});
  }
  const auto key = give_new_key(of);
  tell_of_key(*clients().find(of.id), "Regenerate", true);
  return done({{"key", key}, {"ended", ended}});
}

offer as_offer() {
  const auto given = std::make_shared<options>();
  offer out;
  out.name = "snelstart";
  out.description = "SnelStart, B2B API v2";
  out.options.add("companies", given->companies, 0, 10'000'000, "relations at the start");
  out.knobs = given->settings.list();
  out.make = [given](const beginning& with) { return std::make_unique<bookkeeping>(*given, with); };
  return out;
}

}  // namespace koppel::provider_sim::snelstart
