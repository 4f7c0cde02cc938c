// SPDX-License-Identifier: Apache-2.0
// Order of the API's checks: token, limit, path, parameters.
#include "cardfile/cardfile.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <memory>

#include "form.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::cardfile {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds code_life{600}, window{60};
constexpr std::size_t usual_page = 20, largest_page = 200;
constexpr std::string_view bearer = "Bearer ", one_person = "/v2/people/";

reply shown(int status, const json::object& body) { return json_reply(status, json::serialize(body)); }

reply refused(int status, const char* error, const char* description) {
  return shown(status, {{"error", error}, {"error_description", description}});
}

reply page(int status, const std::string& inside) {
  auto out = json_reply(status, "<!doctype html><meta charset=\"utf-8\"><title>Cardfile</title>" + inside + "\n");
  out.content_type = "text/html; charset=utf-8";
  return out;
}

/// Nothing if it is no number of rows.
std::optional<std::size_t> page_size(const form_fields& query) {
  const auto* text = find_field(query, "per_page");
  if (!text) return usual_page;
  std::size_t size = 0;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), size);
  const bool fits = fault == std::errc() && end == text->data() + text->size() && size >= 1 && size <= largest_page;
  return fits ? std::optional(size) : std::nullopt;
}

}  // namespace

knob_list knobs::list() {
  knob_list out;
  out.add("access_life_seconds", access_life, 1, 1'000'000, "life of access tokens issued from now on")
      .add("rate_limit", rate_limit, 1, 1'000'000'000, "requests a minute and account");
  return out;
}

card_file::card_file(std::size_t people, const cardfile::knobs& given, const beginning& with)
    : settings_(given), random_(with.random), records_(people, with.seed, with.at), consents_(with.random) {
  clients().put(
      {"koppel-cards", "cards-secret-0f1e2d3c4b5a6978", "Testo Pro+ Sync", {}, {}, {"c-4711", "Maes BV", ""}});
}

reply card_file::serve(const request& asked, instant now) {
  if (asked.host == api_host) return api(asked, now);
  if (asked.path == "/token" && asked.method == "POST") return token(asked, now);
  if (asked.path == "/authorize" && asked.method == "GET") return show(decode_form(asked.query));
  if (asked.path == "/authorize" && asked.method == "POST") return decide(decode_form(asked.body), now);
  return page(404, "<p>Not found</p>");
}

reply card_file::show(const form_fields& query) {
  const auto* by = clients().find(field_or_empty(query, "client_id"));
  const auto uri = field_or_empty(query, "redirect_uri");
  if (!by || !usable_redirect(uri) || field_or_empty(query, "response_type") != "code")
    return page(400, "<p>invalid_request</p>");
  const auto hidden =
      consents_.show({by->id, uri, field_or_empty(query, "state"), find_field(query, "state") != nullptr});
  auto out = page(200, "<h1>" + escape_html(by->name) + "</h1><p>" + escape_html(by->of.name) +
                           "</p><form method=\"post\"><input type=\"hidden\" name=\"request\" value=\"" + hidden +
                           "\"><button name=\"decision\" value=\"allow\">Allow</button>"
                           "<button name=\"decision\" value=\"deny\">Deny</button></form>");
  out.client_id = by->id;
  return out;
}

reply card_file::decide(const form_fields& form, instant now) {
  const auto asked = consents_.take(field_or_empty(form, "request"));
  if (!asked) return page(400, "<p>This page was answered before.</p>");
  std::string query = "error=access_denied";
  if (field_or_empty(form, "decision") == "allow")
    query = "code=" + percent_encode(issue_code(asked->client_id, asked->redirect_uri, now, seconds{0}).value_or(""));
  if (asked->has_state) query += "&state=" + percent_encode(asked->state);
  auto out = redirect_to(asked->redirect_uri, query);
  out.client_id = asked->client_id;
  return out;
}

std::optional<std::string> card_file::issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                 instant now, std::chrono::seconds age) {
  const auto* by = clients().find(client_id);
  if (!by) return std::nullopt;
  auto code = "card-" + random_(24);
  grants().add_code(code, {by->id, by->of}, redirect_uri, now - age + code_life);
  return code;
}

reply card_file::token(const request& asked, instant now) {
  const auto form = token_fields(asked);
  const auto grant = field_or_empty(form, "grant_type");
  const auto* by = clients().find(field_or_empty(form, "client_id"));
  if (!by || by->secret != field_or_empty(form, "client_secret"))
    return refused(401, "invalid_client", "Client authentication failed");
  auto out = refused(400, "unsupported_grant_type", "authorization_code or refresh_token");
  if (grant == "authorization_code") {
    const auto granted =
        grants().redeem(field_or_empty(form, "code"), by->id, field_or_empty(form, "redirect_uri"), now);
    const bool elsewhere = granted.state == grant_state::redirect_mismatch;
    out = granted.state == grant_state::ok
              ? pair(granted.who, now)
              : refused(400, "invalid_grant", elsewhere ? "The redirect_uri differs" : "The code is not valid");
  } else if (grant == "refresh_token") {
    const auto granted = grants().renew(field_or_empty(form, "refresh_token"), by->id, {}, now);
    out = granted.state == grant_state::ok ? pair(granted.who, now)
                                           : refused(400, "invalid_grant", "The refresh token is not valid");
  }
  out.client_id = by->id;
  return out;
}

reply card_file::pair(const identity& who, instant now) {
  const auto access = "cat_" + random_(30), refresh = "crt_" + random_(30);
  grants().add_access(access, who, now + settings_.access_life);
  grants().add_refresh(refresh, who, access);
  return shown(200, {{"token_type", "bearer"},
                     {"access_token", access},
                     {"expires_in", settings_.access_life.count()},
                     {"refresh_token", refresh}});
}

reply card_file::api(const request& asked, instant now) {
  const bool borne = asked.authorization.starts_with(bearer);
  const auto granted = grants().check(borne ? asked.authorization.substr(bearer.size()) : "", now);
  if (granted.state != grant_state::ok) return refused(401, "invalid_token", "The access token is not valid");
  const auto room = windows_.of("", granted.who.of.id).admit(now, settings_.rate_limit, window);
  auto out = room.admitted ? read(asked, granted.who) : refused(429, "too_many_requests", "Slow down");
  if (!room.admitted)
    out.headers.emplace_back("Retry-After", std::to_string(std::chrono::ceil<seconds>(room.reset - now).count()));
  out.client_id = granted.who.client_id;
  return out;
}

reply card_file::read(const request& asked, const identity& who) const {
  if (asked.method != "GET") return refused(405, "method_not_allowed", "Cards can be read only");
  if (asked.path == "/v2/me") return shown(200, {{"account", json::object{{"id", who.of.id}, {"title", who.of.name}}}});
  if (asked.path == "/v2/people") return list(decode_form(asked.query));
  if (!asked.path.starts_with(one_person)) return refused(404, "not_found", "No such path");
  const auto place = records_.find(0, std::string_view(asked.path).substr(one_person.size()));
  if (place == no_slot) return refused(404, "not_found", "No such person");
  return shown(200, {{"person", records_.full(0, place)}});
}

reply card_file::list(const form_fields& query) const {
  const auto size = page_size(query);
  if (!size) return refused(400, "invalid_request", "per_page is from 1 to 200");
  std::optional<instant> since;
  if (const auto* text = find_field(query, "changed_since")) {
    const auto time = parse_time(*text);
    if (!time) return refused(400, "invalid_request", "changed_since is a time of RFC 3339");
    since = time->at;
  }
  const auto found = records_.list(field_or_empty(query, "after"), since, *size);
  if (!found) return refused(400, "invalid_request", "after is no cursor");
  json::array rows;
  for (const slot place : found->places) rows.push_back(records_.row(place));
  const auto next = found->next.empty() ? json::value(nullptr) : json::value(found->next);
  return shown(200, {{"people", std::move(rows)}, {"meta", json::object{{"next", next}}}});
}

offer as_offer() {
  struct options {
    std::size_t people = 250;
    cardfile::knobs settings;
  };
  const auto given = std::make_shared<options>();
  offer out;
  out.name = "cardfile";
  out.description = "the provider of docs/provider-without-code.md";
  out.options.add("people", given->people, 0, 10'000'000, "records at the start");
  out.knobs = given->settings.list();
  out.make = [given](const beginning& with) {
    return std::make_unique<card_file>(given->people, given->settings, with);
  };
  return out;
}

}  // namespace koppel::provider_sim::cardfile
