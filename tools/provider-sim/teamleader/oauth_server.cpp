// SPDX-License-Identifier: Apache-2.0
// Order of the checks at the token endpoint: the client first, then its grant; a code is used up by success only.
#include "teamleader/oauth_server.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "teamleader/consent_page.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

reply oauth_error(int status, std::string_view title, std::string_view hint) {
  json::object error{{"status", status}, {"title", title}};
  if (!hint.empty()) error["meta"] = json::object{{"hint", hint}};
  return json_reply(status, json::serialize(json::object{{"errors", json::array{std::move(error)}}}));
}

}  // namespace

reply oauth_server::authorize(const request& asked, instant now) {
  if (asked.method == "GET") return show_consent(decode_form(asked.query));
  if (asked.method == "POST") return decide(decode_form(asked.body), now);
  return oauth_error(405, "method_not_allowed", "");
}

reply oauth_server::show_consent(const form_fields& query) {
  const auto* by = clients_.find(field_or_empty(query, "client_id"));
  if (!by) return oauth_error(401, "invalid_client", "");
  const auto with_client = [&](reply answer) {
    answer.client_id = by->id;
    return answer;
  };
  if (find_field(query, "scope"))
    return with_client(oauth_error(400, "invalid_scope", "Scopes are fixed per integration"));
  if (field_or_empty(query, "response_type") != "code")
    return with_client(
        oauth_error(400, "unsupported_grant_type", "Check that all required parameters have been provided"));
  const auto uri = field_or_empty(query, "redirect_uri");
  const auto& allowed = by->redirect_uris;
  if (!usable_redirect(uri) || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), uri) == allowed.end()))
    return with_client(oauth_error(400, "invalid_request", "Check the `redirect_uri` parameter"));

  const auto hidden =
      consents_.show({by->id, uri, field_or_empty(query, "state"), find_field(query, "state") != nullptr});

  reply page;
  page.content_type = "text/html; charset=utf-8";
  page.headers = {{"Cache-Control", "no-store"}, {"X-Frame-Options", "DENY"}};
  page.body = consent_page(*by, hidden);
  return with_client(std::move(page));
}

reply oauth_server::decide(const form_fields& form, instant now) {
  const auto hidden = field_or_empty(form, "request");
  const auto decision = field_or_empty(form, "decision");
  if (!consents_.has(hidden))
    return oauth_error(400, "invalid_request", "This page was answered before, or is too old");
  if (decision != "allow" && decision != "deny")
    return oauth_error(400, "invalid_request", "Check the `decision` parameter");
  const auto asked = *consents_.take(hidden);

  std::string query = "error=access_denied";
  bool echo_state = asked.has_state;
  if (decision == "allow") {
    query = "code=" + percent_encode(*issue_code(asked.client_id, asked.redirect_uri, now));
  } else if (settings_.denial_drops_state) {
    echo_state = false;
  }
  if (echo_state) query += "&state=" + percent_encode(asked.state);
  auto answer = redirect_to(asked.redirect_uri, query);
  answer.client_id = asked.client_id;
  return answer;
}

std::optional<std::string> oauth_server::issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                    instant now, std::chrono::seconds age) {
  const auto* by = clients_.find(client_id);
  if (!by) return std::nullopt;
  auto code = "def502" + random_(400);
  grants_.add_code(code, {by->id, by->of}, redirect_uri, now - age + code_life);
  return code;
}

reply oauth_server::token(const request& asked, instant now) {
  if (asked.method != "POST") return oauth_error(405, "method_not_allowed", "");
  const auto form = token_fields(asked);
  const auto grant = field_or_empty(form, "grant_type");
  const bool refreshing = grant == "refresh_token";
  const auto* by = clients_.find(field_or_empty(form, "client_id"));
  reply answer;
  if (!refreshing && grant != "authorization_code") {
    answer = oauth_error(400, "unsupported_grant_type", "Check that all required parameters have been provided");
  } else if (!by || by->secret != field_or_empty(form, "client_secret")) {
    const auto title = "invalid_client";
    answer = refreshing ? oauth_error(401, title, "") : code_error(401, title, "");
    const auto kind = refreshing ? "refresh" : "code";
    if (const auto* secret = find_field(form, refreshing ? "refresh_token" : "code"))
      grants_.note(kind, *secret, title);
  } else {
    answer = refreshing ? refresh(form, *by, now) : exchange_code(form, *by, now);
  }
  if (by) answer.client_id = by->id;
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

reply oauth_server::exchange_code(const form_fields& form, const client& by, instant now) {
  const auto code = field_or_empty(form, "code");
  if (code.empty()) return code_error(400, "invalid_request", "Check the `code` parameter");
  const auto granted = grants_.redeem(code, by.id, field_or_empty(form, "redirect_uri"), now);
  switch (granted.state) {
    case grant_state::ok:
      return issue_pair(granted.who, now);
    case grant_state::expired:
      return code_error(400, settings_.code_error, "Authorization code has expired");
    case grant_state::used:
    case grant_state::revoked:
      return code_error(400, settings_.code_error, "Authorization code has been revoked");
    case grant_state::other_client:
      return code_error(400, settings_.code_error, "Authorization code was not issued to this client");
    case grant_state::redirect_mismatch:
      return code_error(400, "invalid_request", "Invalid redirect URI");
    case grant_state::unknown:
      break;
  }
  return code_error(400, settings_.code_error, "Cannot decrypt the authorization code");
}

reply oauth_server::refresh(const form_fields& form, const client& by, instant now) {
  const auto presented_token = field_or_empty(form, "refresh_token");
  if (presented_token.empty()) return oauth_error(400, "invalid_request", "Check the `refresh_token` parameter");
  const renewal_rules rules{.rotate = true, .old_access_survives = settings_.old_access_survives};
  const auto granted = grants_.renew(presented_token, by.id, rules, now);
  if (granted.state == grant_state::ok) return issue_pair(granted.who, now);
  if (granted.state == grant_state::other_client)
    return oauth_error(400, "invalid_grant", "Token is not linked to client");
  if (granted.state == grant_state::revoked) return oauth_error(400, "invalid_grant", "Token has been revoked");
  return oauth_error(400, "invalid_grant", "Cannot decrypt the refresh token");
}

reply oauth_server::issue_pair(const identity& who, instant now) {
  // Looks like a JWT, as the real ones do, and is as opaque to a client as they are.
  const auto access = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJ" + random_(120) + "." + random_(171);
  const auto next = "def502" + random_(400);
  grants_.add_access(access, who, now + settings_.access_life);
  grants_.add_refresh(next, who, access);
  return json_reply(200, json::serialize(json::object{{"token_type", "Bearer"},
                                                      {"expires_in", settings_.access_life.count()},
                                                      {"access_token", access},
                                                      {"refresh_token", next}}));
}

reply oauth_server::code_error(int status, std::string_view title, std::string_view hint) const {
  if (!settings_.plain_code_errors) return oauth_error(status, title, hint);
  return json_reply(status, json::serialize(json::object{{"error", title}, {"error_description", hint}}));
}

}  // namespace koppel::provider_sim::teamleader
