// SPDX-License-Identifier: Apache-2.0
// An app is known on the host of its own environment only. The errors' `error` is a boolean, as seen in a client; their
// `type` is a guess.
#include "workfront/oauth_server.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

reply oauth_error(int status, std::string_view type, std::string_view message) {
  const json::object body{{"statusCode", status}, {"error", true}, {"type", type}, {"message", message}};
  return json_reply(status, json::serialize(body));
}

std::string consent_page(const client& app, const std::string& hidden) {
  const auto name = escape_html(app.name);
  return "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Allow "
         "access</title></head>\n<body>\n"
         "  <h1>" +
         name +
         " would like to access your Workfront account</h1>\n"
         "  <p>Account: <strong id=\"account\">" +
         escape_html(app.of.name) +
         "</strong></p>\n"
         "  <form method=\"post\">\n"
         "    <input type=\"hidden\" name=\"request\" value=\"" +
         hidden +
         "\">\n"
         "    <button type=\"submit\" name=\"decision\" value=\"allow\">Allow Access</button>\n"
         "    <button type=\"submit\" name=\"decision\" value=\"deny\">Deny</button>\n"
         "  </form>\n</body>\n</html>\n";
}

struct credentials {
  std::string id, secret;
};

credentials credentials_of(const request& asked, const form_fields& fields) {
  constexpr std::string_view basic = "Basic ";
  if (!asked.authorization.starts_with(basic))
    return {field_or_empty(fields, "client_id"), field_or_empty(fields, "client_secret")};
  const auto pair = from_base64(std::string_view(asked.authorization).substr(basic.size()));
  const auto colon = pair.find(':');
  if (colon == std::string::npos) return {};
  return {pair.substr(0, colon), pair.substr(colon + 1)};
}

}  // namespace

const client* oauth_server::find_here(const std::string& id, const environment& at) const {
  const auto* found = clients_.find(id);
  return found && environment_of(found->of.host) == at ? found : nullptr;
}

reply oauth_server::authorize(const request& asked, const environment& at, instant now) {
  if (asked.method == "GET") return show_page(decode_form(asked.query), at);
  if (asked.method == "POST") return decide(decode_form(asked.body), at, now);
  return oauth_error(405, "method_not_allowed", "Method not allowed");
}

reply oauth_server::show_page(const form_fields& query, const environment& at) {
  const auto* by = find_here(field_or_empty(query, "client_id"), at);
  if (!by) return oauth_error(400, "invalid_client", "Invalid client_id");
  const auto uri = field_or_empty(query, "redirect_uri");
  const auto& allowed = by->redirect_uris;
  reply answer;
  if (field_or_empty(query, "response_type") != "code") {
    answer = oauth_error(400, "unsupported_response_type", "response_type must be code");
  } else if (!usable_redirect(uri) ||
             (!allowed.empty() && std::find(allowed.begin(), allowed.end(), uri) == allowed.end())) {
    answer = oauth_error(400, "invalid_request", "Invalid redirect_uri");
  } else {
    const auto* state = find_field(query, "state");
    answer.content_type = "text/html; charset=utf-8";
    answer.headers = {{"Cache-Control", "no-store"}};
    answer.body = consent_page(*by, consents_.show({by->id, uri, state ? *state : "", state != nullptr}));
  }
  answer.client_id = by->id;
  return answer;
}

reply oauth_server::decide(const form_fields& form, const environment& at, instant now) {
  const auto decision = field_or_empty(form, "decision");
  const auto hidden = field_or_empty(form, "request");
  if ((decision != "allow" && decision != "deny") || !consents_.has(hidden))
    return oauth_error(400, "invalid_request", "This page was answered before, or is too old");
  const auto asked = *consents_.take(hidden);
  std::string query = "error=access_denied";
  if (decision == "allow") {
    const auto code = issue_code(asked.client_id, asked.redirect_uri, now);
    if (!code) return oauth_error(400, "invalid_client", "Invalid client_id");
    query =
        "code=" + percent_encode(*code) + "&domain=" + percent_encode(at.domain) + "&lane=" + percent_encode(at.lane);
  }
  if (asked.has_state && !settings_.state_dropped) query += "&state=" + percent_encode(asked.state);
  auto answer = redirect_to(asked.redirect_uri, query);
  answer.client_id = asked.client_id;
  return answer;
}

std::optional<std::string> oauth_server::issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                    instant now, std::chrono::seconds age) {
  const auto* by = clients_.find(client_id);
  if (!by) return std::nullopt;
  auto code = random_(16);
  grants_.add_code(code, {by->id, by->of}, redirect_uri, now - age + code_life);
  return code;
}

reply oauth_server::token(const request& asked, const environment& at, instant now) {
  if (asked.method != "POST") return oauth_error(405, "method_not_allowed", "Method not allowed");
  const auto fields = token_fields(asked);
  const auto who = credentials_of(asked, fields);
  const auto grant = field_or_empty(fields, "grant_type");
  const bool refreshing = grant == "refresh_token";
  const auto* by = find_here(who.id, at);
  reply answer;
  if (!refreshing && grant != "authorization_code") {
    answer = oauth_error(400, "unsupported_grant_type", "Unsupported grant_type");
  } else if (!by || by->secret != who.secret) {
    answer = oauth_error(401, "invalid_client", "Client authentication failed");
    if (const auto* secret = find_field(fields, refreshing ? "refresh_token" : "code"))
      grants_.note(refreshing ? "refresh" : "code", *secret, "invalid_client");
  } else {
    answer = refreshing ? refresh(fields, *by, now) : exchange_code(fields, *by, now);
  }
  if (by) answer.client_id = by->id;
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

reply oauth_server::exchange_code(const form_fields& fields, const client& by, instant now) {
  const auto code = field_or_empty(fields, "code");
  if (code.empty()) return oauth_error(400, "invalid_request", "code is missing");
  const auto granted = grants_.redeem(code, by.id, field_or_empty(fields, "redirect_uri"), now);
  if (granted.state == grant_state::ok) return issue(granted.who, {}, now);
  if (granted.state == grant_state::redirect_mismatch)
    return oauth_error(400, "invalid_request", "redirect_uri does not match");
  return oauth_error(400, "invalid_grant", "Authorization code is invalid or expired");
}

reply oauth_server::refresh(const form_fields& fields, const client& by, instant now) {
  const auto token = field_or_empty(fields, "refresh_token");
  if (token.empty()) return oauth_error(400, "invalid_request", "refresh_token is missing");
  const renewal_rules rules{.rotate = !settings_.keep_refresh_token,
                            .old_access_survives = !settings_.refresh_ends_session};
  const auto granted = grants_.renew(token, by.id, rules, now);
  if (granted.state == grant_state::ok) return issue(granted.who, settings_.keep_refresh_token ? token : "", now);
  return oauth_error(400, "invalid_grant", "Refresh token is invalid or expired");
}

reply oauth_server::issue(const identity& who, const std::string& kept_refresh_token, instant now) {
  const auto session = random_(16);
  grants_.add_access(session, who, now + settings_.session_life);
  auto refresh_token = kept_refresh_token;
  if (refresh_token.empty()) {
    refresh_token = random_(32);
    const bool endless = settings_.refresh_life.count() == 0;
    grants_.add_refresh(refresh_token, who, session, endless ? grant_book::never : now + settings_.refresh_life);
  } else {
    grants_.pair(refresh_token, session);
  }
  if (settings_.refresh_idle.count() > 0) grants_.let_idle_until(refresh_token, now + settings_.refresh_idle);
  return json_reply(200, json::serialize(json::object{{"token_type", "sessionID"},
                                                      {"access_token", session},
                                                      {"refresh_token", refresh_token},
                                                      {"expires_in", settings_.expires_in},
                                                      {"wid", who.of.id}}));
}

}  // namespace koppel::provider_sim::workfront
