// SPDX-License-Identifier: Apache-2.0
// Google: a token at its token endpoint for an hour, a refresh token where the link asked for it, errors of RFC 6749.
// Intercom: one token that never ends, given twice in one answer, and errors in a list.
#include "oauth2/oauth2.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "form.hpp"

namespace koppel::provider_sim::oauth2 {
namespace {

namespace json = boost::json;

constexpr const char* google_login = "accounts.google.com";
constexpr const char* google_tokens = "oauth2.googleapis.com";
constexpr const char* google_who = "openidconnect.googleapis.com";
constexpr const char* intercom_login = "app.intercom.com";
constexpr const char* intercom_api = "api.intercom.io";
constexpr std::chrono::minutes google_code_life{10}, intercom_code_life{5};
constexpr const char* email_scope = "https://www.googleapis.com/auth/userinfo.email openid";

reply shown(int status, const json::object& body) { return json_reply(status, json::serialize(body)); }

reply page(int status, const std::string& inside) {
  auto out = json_reply(status, "<!doctype html><meta charset=\"utf-8\"><title>Sign in</title>" + inside + "\n");
  out.content_type = "text/html; charset=utf-8";
  return out;
}

reply google_error(int status, const char* error, const char* description) {
  return shown(status, {{"error", error}, {"error_description", description}});
}

reply intercom_error(int status, const char* code, const char* message) {
  return shown(status, {{"type", "error.list"},
                        {"request_id", "sim"},
                        {"errors", json::array{json::object{{"code", code}, {"message", message}}}}});
}

}  // namespace

knob_list knobs::list() {
  knob_list out;
  out.add("access_life_seconds", access_life, 1, 1'000'000, "life of Google's access tokens issued from now on")
      .add("repeat_refresh_token", repeat_refresh_token, "prompt=consent gives a refresh token each time")
      .add("code_bytes", code_bytes, 20, 16'384, "how long Google's codes are that are issued from now on");
  return out;
}

two_providers::two_providers(const oauth2::knobs& given, const beginning& with)
    : settings_(given), random_(with.random), records_(with.seed), consents_(with.random) {
  clients().put({"407408718192.apps.googleusercontent.com",
                 "GOCSPX-sim/with+signs=",
                 "Testo Pro+",
                 {},
                 {},
                 {"107911111111111111111", "anna@example.com", ""}});
}

std::vector<std::string> two_providers::hosts() const {
  return {google_login, google_tokens, google_who, intercom_login, intercom_api};
}

reply two_providers::serve(const request& asked, instant now) {
  if (asked.host == google_login && asked.path == "/o/oauth2/v2/auth") return authorize(asked, brand::google, now);
  if (asked.host == google_tokens && asked.path == "/token") return google_token(asked, now);
  if (asked.host == google_who && asked.path == "/v1/userinfo") return api(asked, brand::google, now);
  if (asked.host == intercom_login && asked.path == "/oauth") return authorize(asked, brand::intercom, now);
  if (asked.host == intercom_api && asked.path == "/auth/eagle/token") return intercom_token(asked, now);
  if (asked.host == intercom_api && asked.path == "/me") return api(asked, brand::intercom, now);
  return json_reply(404, "");
}

reply two_providers::authorize(const request& asked, brand at, instant now) {
  if (asked.method == "GET") return show(decode_form(asked.query), at);
  if (asked.method == "POST") return decide(decode_form(asked.body), at, now);
  return json_reply(405, "");
}

reply two_providers::show(const form_fields& query, brand at) {
  const auto* by = clients().find(field_or_empty(query, "client_id"));
  const auto uri = field_or_empty(query, "redirect_uri");
  if (!by) return page(401, "<p>invalid_client</p>");
  if (!usable_redirect(uri)) return page(400, "<p>redirect_uri_mismatch</p>");
  if (at == brand::google && field_or_empty(query, "response_type") != "code")
    return page(400, "<p>invalid_request</p>");
  if (at == brand::google && field_or_empty(query, "scope").empty()) return page(400, "<p>invalid_scope</p>");
  if (at == brand::google && find_field(query, "prompt") && find_field(query, "approval_prompt"))
    return page(400, "<p>invalid_request</p>");

  // Offline access is asked for in the link, and asked for again by prompt=consent.
  const bool offline = field_or_empty(query, "access_type") == "offline";
  const bool again = field_or_empty(query, "prompt") == "consent" && settings_.repeat_refresh_token;
  const bool refresh = at == brand::google && offline && (again || !consented_.contains(by->id));
  const auto hidden =
      consents_.show({by->id, uri, field_or_empty(query, "state"), find_field(query, "state") != nullptr});
  auto out = page(200, "<h1>" + escape_html(by->name) + "</h1><p>" + escape_html(by->of.name) +
                           "</p><form method=\"post\"><input type=\"hidden\" name=\"request\" value=\"" + hidden +
                           "\"><input type=\"hidden\" name=\"refresh\" value=\"" + (refresh ? "1" : "") +
                           "\"><button name=\"decision\" value=\"allow\">Allow</button>"
                           "<button name=\"decision\" value=\"deny\">Cancel</button></form>");
  out.client_id = by->id;
  return out;
}

reply two_providers::decide(const form_fields& form, brand at, instant now) {
  const auto asked = consents_.take(field_or_empty(form, "request"));
  if (!asked) return page(400, "<p>This page was answered before.</p>");
  const auto* by = clients().find(asked->client_id);
  std::string query = "error=access_denied";
  if (by && field_or_empty(form, "decision") == "allow") {
    const auto code = new_code(*by, at, asked->redirect_uri, now);
    offline_[code] = !field_or_empty(form, "refresh").empty();
    consented_.insert(by->id);
    query = "code=" + percent_encode(code);
    if (at == brand::google) query += "&scope=" + percent_encode(email_scope) + "&authuser=0&prompt=consent";
  }
  if (asked->has_state) query += "&state=" + percent_encode(asked->state);
  auto out = redirect_to(asked->redirect_uri, query);
  out.client_id = asked->client_id;
  return out;
}

std::string two_providers::new_code(const client& by, brand at, const std::string& redirect_uri, instant made) {
  const bool google = at == brand::google;
  auto code = google ? "4/0A" + random_(settings_.code_bytes / 2) : random_(40);
  if (google) code.resize(settings_.code_bytes);
  grants().add_code(code, {by.id, by.of}, redirect_uri, made + (google ? google_code_life : intercom_code_life));
  return code;
}

std::optional<std::string> two_providers::issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                     instant now, std::chrono::seconds age) {
  const auto* by = clients().find(client_id);
  if (!by) return std::nullopt;
  const auto code = new_code(*by, brand::google, redirect_uri, now - age);
  offline_[code] = true;
  return code;
}

reply two_providers::google_token(const request& asked, instant now) {
  if (asked.method != "POST") return json_reply(405, "");
  const auto form = token_fields(asked);
  const auto* by = clients().find(field_or_empty(form, "client_id"));
  if (!by || by->secret != field_or_empty(form, "client_secret"))
    return google_error(401, "invalid_client", "The OAuth client was not found.");
  reply out = google_error(400, "unsupported_grant_type", "Invalid grant_type");
  if (const auto kind = field_or_empty(form, "grant_type"); kind == "authorization_code") {
    const auto code = field_or_empty(form, "code");
    const auto granted = grants().redeem(code, by->id, field_or_empty(form, "redirect_uri"), now);
    if (granted.state == grant_state::ok)
      out = google_pair(granted.who, offline_[code], now);
    else if (granted.state == grant_state::redirect_mismatch)
      out = google_error(400, "redirect_uri_mismatch", "Bad Request");
    else
      out = google_error(400, "invalid_grant",
                         granted.state == grant_state::unknown ? "Malformed auth code." : "Bad Request");
  } else if (kind == "refresh_token") {
    const auto token = field_or_empty(form, "refresh_token");
    const auto granted = grants().renew(token, by->id, {.rotate = false, .old_access_survives = true}, now);
    out = google_error(400, "invalid_grant", "Token has been expired or revoked.");
    if (granted.state == grant_state::ok) {
      const auto access = "ya29.a0Af" + random_(160);
      grants().add_access(access, granted.who, now + settings_.access_life);
      grants().pair(token, access);
      // The refresh token is not repeated: the old one goes on.
      out = shown(200, {{"access_token", access},
                        {"expires_in", settings_.access_life.count()},
                        {"scope", email_scope},
                        {"token_type", "Bearer"}});
    }
  }
  out.client_id = by->id;
  return out;
}

reply two_providers::google_pair(const identity& who, bool with_refresh, instant now) {
  const auto access = "ya29.a0Af" + random_(160);
  grants().add_access(access, who, now + settings_.access_life);
  json::object pair{{"access_token", access},
                    {"expires_in", settings_.access_life.count()},
                    {"scope", email_scope},
                    {"token_type", "Bearer"},
                    {"id_token", "eyJhbGciOiJSUzI1NiJ9." + random_(80) + "." + random_(86)}};
  if (with_refresh) {
    const auto refresh = "1//0g" + random_(98);
    grants().add_refresh(refresh, who, access);
    pair["refresh_token"] = refresh;
  }
  return shown(200, pair);
}

reply two_providers::intercom_token(const request& asked, instant now) {
  if (asked.method != "POST") return json_reply(405, "");
  const auto form = token_fields(asked);
  const auto* by = clients().find(field_or_empty(form, "client_id"));
  if (!by || by->secret != field_or_empty(form, "client_secret"))
    return intercom_error(401, "invalid_client", "Client credentials are wrong");
  const auto granted = grants().redeem(field_or_empty(form, "code"), by->id, field_or_empty(form, "redirect_uri"), now);
  reply out = intercom_error(400, "invalid_grant", "Code is invalid or expired");
  if (granted.state == grant_state::ok) {
    const auto token = "dG9rOm" + random_(48);
    grants().add_access(token, granted.who, grant_book::never);
    out = shown(200, {{"token", token}, {"access_token", token}, {"token_type", "Bearer"}});
  }
  out.client_id = by->id;
  return out;
}

reply two_providers::api(const request& asked, brand at, instant now) {
  constexpr std::string_view bearer = "Bearer ";
  const auto token =
      asked.authorization.starts_with(bearer) ? asked.authorization.substr(bearer.size()) : std::string();
  const auto granted = grants().check(token, now);
  if (granted.state != grant_state::ok) {
    if (at == brand::intercom) return intercom_error(401, "unauthorized", "Access Token Invalid");
    return shown(401, {{"error", json::object{{"code", 401},
                                              {"message", "Request had invalid authentication credentials."},
                                              {"status", "UNAUTHENTICATED"}}}});
  }
  const auto& of = granted.who.of;
  auto out =
      at == brand::google
          ? shown(200, {{"sub", of.id}, {"email", of.name}, {"email_verified", true}})
          : shown(200,
                  {{"type", "admin"},
                   {"id", "1"},
                   {"email", "admin@example.com"},
                   {"email_verified", true},
                   {"app", json::object{{"type", "app"}, {"id_code", of.id}, {"name", of.name}, {"region", "US"}}}});
  out.client_id = granted.who.client_id;
  return out;
}

offer as_offer() {
  const auto given = std::make_shared<oauth2::knobs>();
  offer out;
  out.name = "generic";
  out.description = "Google's and Intercom's OAuth, for the generic plugin";
  out.knobs = given->list();
  out.make = [given](const beginning& with) { return std::make_unique<two_providers>(*given, with); };
  return out;
}

}  // namespace koppel::provider_sim::oauth2
