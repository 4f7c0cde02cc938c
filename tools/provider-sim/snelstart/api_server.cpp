// SPDX-License-Identifier: Apache-2.0
// Order of the checks: subscription key, path, token, limits, scope. SnelStart only reads here: another method than GET
// is an address that the gateway does not know.
#include "snelstart/api_server.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>

#include "snelstart/lands.hpp"

namespace koppel::provider_sim::snelstart {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

reply shown(int status, const json::value& body) { return json_reply(status, json::serialize(body)); }

/// Azure API Management's own words.
reply by_gateway(int status, const std::string& message) {
  return shown(status, {{"statusCode", status}, {"message", message}});
}

/// A business rule's.
reply by_rule(int status, const char* code, const char* message) {
  return shown(status, json::array{json::object{{"errorCode", code}, {"message", message}, {"details", nullptr}}});
}

/// Web API's, where a parameter does not fit.
reply unfit(const char* parameter, const char* why) {
  return shown(400,
               {{"message", "The request is invalid."}, {"modelState", json::object{{parameter, json::array{why}}}}});
}

std::string bearer(const std::string& header) {
  constexpr std::string_view scheme = "bearer ";
  const auto same = [](char small, char any) { return small == (any | 0x20); };
  const bool fits = header.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), header.begin(), same);
  return fits ? header.substr(scheme.size()) : std::string();
}

/// The scope that a path needs; nothing if there is no such path.
std::optional<std::string> scope_of(const std::string& path) {
  if (path == "/companyInfo" || path == "/landen" || path.starts_with("/landen/")) return "settings:read";
  if (path == "/relaties") return "relaties:read";
  if (path.starts_with("/relaties/") && path.find('/', 10) == path.npos) return "relaties:read";
  if (path.starts_with("/echo/")) return "";
  return std::nullopt;
}

/// A number in the query; `otherwise` if it is not there, nothing if it is none.
std::optional<std::size_t> number_in(const form_fields& query, const char* name, std::size_t otherwise) {
  const auto* text = find_field(query, name);
  if (!text) return otherwise;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), otherwise);
  return fault == std::errc() && end == text->data() + text->size() ? std::optional(otherwise) : std::nullopt;
}

json::object company_info(const account& of) {
  return {{"administratieIdentifier", of.id},
          {"administratieNaam", of.name},
          {"bedrijfsnaam", of.name},
          {"contactpersoon", nullptr},
          {"adres", "Dorpsstraat 1"},
          {"postcode", "1823 AA"},
          {"plaats", "Alkmaar"},
          {"telefoon", "072-1234567"},
          {"kvKNummer", "12345678"},
          {"btwNummer", "NL123456789B01"},
          {"email", "info@maes.example"},
          {"rechtsvorm", "Bv"},
          {"huidigBoekjaar", 2026}};
}

}  // namespace

reply api_server::handle(const request& asked, instant now) {
  const auto key = asked.header("ocp-apim-subscription-key");
  if (key.empty())
    return by_gateway(401,
                      "Access denied due to missing subscription key. Make sure to include subscription key when "
                      "making requests to an API.");
  if (key != settings_.subscription_key)
    return by_gateway(401,
                      "Access denied due to invalid subscription key. Make sure to provide a valid key for an active "
                      "subscription.");
  const auto path = asked.path.starts_with("/v2/") ? asked.path.substr(3) : std::string();
  const auto needed = scope_of(path);
  if (!needed || asked.method != "GET") return by_gateway(404, "Resource not found");

  const auto token = grants_.check(bearer(asked.authorization), now);
  if (token.state != grant_state::ok)
    return shown(401, {{"message", "Authorization has been denied for this request."}});
  const auto& who = token.who;
  auto refused = limit(who, now);
  const auto* by = clients_.find(who.client_id);
  const bool permitted =
      needed->empty() || (by && std::find(by->scopes.begin(), by->scopes.end(), *needed) != by->scopes.end());
  auto out = refused      ? *std::move(refused)
             : !permitted ? shown(403, {{"message", "Forbidden"}})
                          : read(path, decode_form(asked.query), who);
  out.client_id = who.client_id;
  return out;
}

std::optional<reply> api_server::limit(const identity& who, instant now) {
  const auto wait_for = [&](const rate_verdict& verdict) {
    return std::chrono::ceil<seconds>(verdict.reset - now).count();
  };
  const auto with_wait = [&](reply out, std::int64_t wait) {
    if (settings_.retry_after) out.headers.emplace_back("Retry-After", std::to_string(wait));
    return out;
  };
  const auto rate = [&](std::int64_t wait) {
    return with_wait(by_gateway(429, "Rate limit is exceeded. Try again in " + std::to_string(wait) + " seconds."),
                     wait);
  };
  const auto minute = windows_.of("minute", who.of.id).admit(now, settings_.minute_limit, seconds{60});
  if (!minute.admitted) return rate(wait_for(minute));
  const auto hour = windows_.of("hour", who.of.id).admit(now, settings_.hour_limit, seconds{3600});
  if (hour.admitted) return std::nullopt;
  const auto wait = wait_for(hour);
  if (!settings_.hour_is_quota) return rate(wait);
  char clock[32];
  std::snprintf(clock, sizeof clock, "%02d:%02d:%02d", static_cast<int>(wait / 3600), static_cast<int>(wait / 60 % 60),
                static_cast<int>(wait % 60));
  return with_wait(
      by_gateway(403, "Out of call volume quota. Quota will be replenished in " + std::string(clock) + "."), wait);
}

reply api_server::read(const std::string& path, const form_fields& query, const identity& who) {
  if (path == "/companyInfo") return shown(200, company_info(who.of));
  if (path.starts_with("/echo/")) return shown(200, json::value(path.substr(6)));
  if (path == "/relaties") return list(query);
  if (path.starts_with("/relaties/")) return one_relation(path.substr(10));
  // Whatever $filter says: landen does not look at it.
  const auto all = lands();
  if (path == "/landen") return shown(200, all);
  for (const auto& land : all)
    if (land.at("id").as_string() == path.substr(8)) return shown(200, land);
  return by_rule(404, "ALG-0103", "Ongeldig id");
}

reply api_server::list(const form_fields& query) {
  const auto top = number_in(query, "$top", 500), skip = number_in(query, "$skip", 0);
  if (!top || *top < 1 || *top > 500) return unfit("$top", "The value must be between 1 and 500.");
  if (!skip) return unfit("$skip", "The value must be 0 or more.");
  const auto* text = find_field(query, "$filter");
  const auto filter = parse_filter(text ? *text : std::string());
  if (filter.problem) return shown(400, {{"Message", *filter.problem}});

  auto rows = records_.select(filter.all);
  if (settings_.shuffle_lists)
    for (auto at = rows.size(); at > 1; --at) std::swap(rows[at - 1], rows[disorder_.below(at)]);
  json::array out;
  for (auto at = *skip; at < rows.size() && out.size() < *top; ++at) out.push_back(records_.row(rows[at]));
  return shown(200, out);
}

reply api_server::one_relation(const std::string& id) const {
  const auto parsed = uuid::parse(id);
  if (!parsed) return by_rule(400, "ALG-0103", "Ongeldig id");
  const auto found = records_.by_id(*parsed);
  const int missing = settings_.unknown_is_400 ? 400 : 404;
  if (!found) return by_rule(missing, "REL-0005", "Relatie niet gevonden");
  if (settings_.hide_inactive && !records_.active(*found)) return by_rule(missing, "ALG-0105", "Item is nonactief");
  return shown(200, records_.row(*found));
}

}  // namespace koppel::provider_sim::snelstart
