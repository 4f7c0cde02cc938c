// SPDX-License-Identifier: Apache-2.0
// Order of the checks at the token endpoint: the client first, then its grant; a code is used up by success only.
#include "oauth_server.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>

#include "consent_page.hpp"
#include "digest.hpp"

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

constexpr std::size_t open_consents = 1000;
constexpr std::size_t remembered_presentations = 100'000;

reply oauth_error(int status, std::string_view title, std::string_view hint) {
  json::object error{{"status", status}, {"title", title}};
  if (!hint.empty()) error["meta"] = json::object{{"hint", hint}};
  return json_reply(status, json::serialize(json::object{{"errors", json::array{std::move(error)}}}));
}

std::string field(const form_fields& fields, std::string_view name) {
  const auto* found = find_field(fields, name);
  return found ? *found : std::string();
}

/// Both documented body forms, as one list of fields.
form_fields token_fields(const request& asked) {
  if (asked.content_type.find("json") == std::string::npos) return decode_form(asked.body);
  boost::system::error_code failed;
  const auto parsed = json::parse(asked.body, failed);
  form_fields fields;
  if (failed || !parsed.is_object()) return fields;
  for (const auto& [name, value] : parsed.get_object())
    if (value.is_string()) fields.emplace_back(std::string(name), std::string(value.get_string()));
  return fields;
}

bool usable_redirect(const std::string& uri) {
  const auto parsed = boost::urls::parse_uri(uri);
  return parsed && parsed->has_authority() && !parsed->has_fragment() &&
         (parsed->scheme() == "https" || parsed->scheme() == "http");
}

reply redirect_to(const std::string& uri, const std::string& query) {
  reply answer;
  answer.status = 302;
  answer.content_type.clear();
  // An existing query is kept as it was sent, byte for byte.
  const bool has_query = uri.find('?') != std::string::npos;
  const bool open = has_query && (uri.back() == '?' || uri.back() == '&');
  answer.headers.emplace_back("Location", uri + (open ? "" : has_query ? "&" : "?") + query);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

}  // namespace

void oauth_server::put_client(client one) {
  auto id = one.id;
  clients_.insert_or_assign(std::move(id), std::move(one));
}

const client* oauth_server::find_client(const std::string& id) const {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : &found->second;
}

reply oauth_server::authorize(const request& asked, instant now) {
  if (asked.method == "GET") return show_consent(decode_form(asked.query));
  if (asked.method == "POST") return decide(decode_form(asked.body), now);
  return oauth_error(405, "method_not_allowed", "");
}

reply oauth_server::show_consent(const form_fields& query) {
  const auto* by = find_client(field(query, "client_id"));
  if (!by) return oauth_error(401, "invalid_client", "");
  const auto with_client = [&](reply answer) {
    answer.client_id = by->id;
    return answer;
  };
  if (find_field(query, "scope"))
    return with_client(oauth_error(400, "invalid_scope", "Scopes are fixed per integration"));
  if (field(query, "response_type") != "code")
    return with_client(
        oauth_error(400, "unsupported_grant_type", "Check that all required parameters have been provided"));
  const auto uri = field(query, "redirect_uri");
  const auto& allowed = by->redirect_uris;
  if (!usable_redirect(uri) || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), uri) == allowed.end()))
    return with_client(oauth_error(400, "invalid_request", "Check the `redirect_uri` parameter"));

  if (consent_order_.size() == open_consents) {
    consents_.erase(consent_order_.front());
    consent_order_.pop_front();
  }
  const auto hidden = random_(24);
  consents_[hidden] = {by->id, uri, field(query, "state"), find_field(query, "state") != nullptr};
  consent_order_.push_back(hidden);

  reply page;
  page.content_type = "text/html; charset=utf-8";
  page.headers = {{"Cache-Control", "no-store"}, {"X-Frame-Options", "DENY"}};
  page.body = consent_page(*by, hidden);
  return with_client(std::move(page));
}

reply oauth_server::decide(const form_fields& form, instant now) {
  const auto shown = consents_.find(field(form, "request"));
  const auto decision = field(form, "decision");
  if (shown == consents_.end())
    return oauth_error(400, "invalid_request", "This page was answered before, or is too old");
  if (decision != "allow" && decision != "deny")
    return oauth_error(400, "invalid_request", "Check the `decision` parameter");
  const auto asked = std::move(shown->second);
  std::erase(consent_order_, shown->first);
  consents_.erase(shown);

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
  const auto* by = find_client(client_id);
  if (!by) return std::nullopt;
  auto code = "def502" + random_(400);
  codes_[code] = {{by->id, by->of}, redirect_uri, now - age + code_life};
  return code;
}

reply oauth_server::token(const request& asked, instant now) {
  if (asked.method != "POST") return oauth_error(405, "method_not_allowed", "");
  const auto form = token_fields(asked);
  const auto grant = field(form, "grant_type");
  const bool refreshing = grant == "refresh_token";
  const auto* by = find_client(field(form, "client_id"));
  reply answer;
  if (!refreshing && grant != "authorization_code") {
    answer = oauth_error(400, "unsupported_grant_type", "Check that all required parameters have been provided");
  } else if (!by || by->secret != field(form, "client_secret")) {
    const auto title = "invalid_client";
    answer = refreshing ? oauth_error(401, title, "") : code_error(401, title, "");
    const auto kind = refreshing ? "refresh" : "code";
    if (const auto* secret = find_field(form, refreshing ? "refresh_token" : "code")) note(kind, *secret, title);
  } else {
    answer = refreshing ? refresh(form, *by, now) : exchange_code(form, *by, now);
  }
  if (by) answer.client_id = by->id;
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

reply oauth_server::exchange_code(const form_fields& form, const client& by, instant now) {
  const auto code = field(form, "code");
  if (code.empty()) return code_error(400, "invalid_request", "Check the `code` parameter");
  const auto refuse = [&](std::string_view title, std::string_view hint, std::string result) {
    note("code", code, std::move(result));
    return code_error(400, title, hint);
  };
  const auto found = codes_.find(code);
  if (found == codes_.end()) return refuse("invalid_grant", "Cannot decrypt the authorization code", "unknown");
  auto& granted = found->second;
  if (now >= granted.expires) return refuse("invalid_grant", "Authorization code has expired", "expired");
  if (granted.used) return refuse("invalid_grant", "Authorization code has been revoked", "used");
  if (granted.who.client_id != by.id)
    return refuse("invalid_grant", "Authorization code was not issued to this client", "other_client");
  if (granted.redirect_uri != field(form, "redirect_uri"))
    return refuse("invalid_request", "Invalid redirect URI", "redirect_mismatch");
  granted.used = true;
  note("code", code, "ok");
  return issue_pair(granted.who, now);
}

reply oauth_server::refresh(const form_fields& form, const client& by, instant now) {
  const auto presented_token = field(form, "refresh_token");
  if (presented_token.empty()) return oauth_error(400, "invalid_request", "Check the `refresh_token` parameter");
  const auto found = refresh_.find(presented_token);
  if (found == refresh_.end()) {
    note("refresh", presented_token, "unknown");
    return oauth_error(400, "invalid_grant", "Cannot decrypt the refresh token");
  }
  auto& granted = found->second;
  if (granted.who.client_id != by.id) {
    note("refresh", presented_token, "other_client");
    return oauth_error(400, "invalid_grant", "Token is not linked to client");
  }
  if (granted.revoked) {
    note("refresh", presented_token, "revoked");
    return oauth_error(400, "invalid_grant", "Token has been revoked");
  }
  granted.revoked = true;
  if (!settings_.old_access_survives) access_[granted.access_token].revoked = true;
  note("refresh", presented_token, "ok");
  // A copy: issuing adds to the table that `granted` lives in.
  const auto who = granted.who;
  return issue_pair(who, now);
}

reply oauth_server::issue_pair(const identity& who, instant now) {
  // Looks like a JWT, as the real ones do, and is as opaque to a client as they are.
  const auto access = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJ" + random_(120) + "." + random_(171);
  const auto next = "def502" + random_(400);
  access_[access] = {who, now + settings_.access_life};
  refresh_[next] = {who, access};
  return json_reply(200, json::serialize(json::object{{"token_type", "Bearer"},
                                                      {"expires_in", settings_.access_life.count()},
                                                      {"access_token", access},
                                                      {"refresh_token", next}}));
}

std::optional<identity> oauth_server::check(const std::string& access_token, instant now) const {
  const auto found = access_.find(access_token);
  if (found == access_.end() || found->second.revoked || now >= found->second.expires) return std::nullopt;
  return found->second.who;
}

std::size_t oauth_server::revoke(const std::string& client_id) {
  std::size_t ended = 0;
  const auto end = [&](auto& grants, auto flag) {
    for (auto& [secret, granted] : grants) {
      if (granted.who.client_id != client_id || granted.*flag) continue;
      granted.*flag = true;
      ++ended;
    }
  };
  end(codes_, &code_grant::used);
  end(access_, &access_grant::revoked);
  end(refresh_, &refresh_grant::revoked);
  return ended;
}

reply oauth_server::code_error(int status, std::string_view title, std::string_view hint) const {
  if (!settings_.plain_code_errors) return oauth_error(status, title, hint);
  return json_reply(status, json::serialize(json::object{{"error", title}, {"error_description", hint}}));
}

void oauth_server::note(std::string_view kind, const std::string& secret, std::string result) {
  if (presented_.size() >= remembered_presentations) presented_.erase(presented_.begin());
  auto& entry = presented_[sha256_hex(secret)];
  entry.kind = kind;
  ++entry.count;
  if (entry.results.size() < 100) entry.results.push_back(std::move(result));
}

json::object oauth_server::presented() const {
  json::array list;
  for (const auto& [digest, entry] : presented_) {
    list.push_back({{"sha256", digest},
                    {"kind", entry.kind},
                    {"count", entry.count},
                    {"results", json::array(entry.results.begin(), entry.results.end())}});
  }
  return {{"presented", std::move(list)}};
}

json::object oauth_server::secrets() const {
  const auto keys = [](const auto& grants) {
    json::array all;
    for (const auto& entry : grants) all.push_back(json::string(entry.first));
    return all;
  };
  return {{"codes", keys(codes_)}, {"access_tokens", keys(access_)}, {"refresh_tokens", keys(refresh_)}};
}

}  // namespace koppel::provider_sim
