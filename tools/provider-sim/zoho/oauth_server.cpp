// SPDX-License-Identifier: Apache-2.0
// Order of the checks at the token endpoint: the client as this data centre knows it, its secret, the throttle, the
// grant.
#include "zoho/oauth_server.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace koppel::provider_sim::zoho {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t creations_per_window = 10;  ///< refresh tokens per user and client, in ten minutes

reply refused(std::string_view error) { return json_reply(200, json::serialize(json::object{{"error", error}})); }

/// What Zoho does not redirect, it shows.
reply error_page(const std::string& what) {
  reply page;
  page.status = 400;
  page.content_type = "text/html; charset=utf-8";
  page.body = "<!doctype html><title>Zoho Accounts</title><h1>Invalid request</h1><p id=\"error\">" + what + "</p>\n";
  return page;
}

std::string consent_page(const client& by, const std::string& scope, const data_centre& here,
                         const std::string& hidden) {
  return "<!doctype html><title>Zoho Accounts</title>\n<h1>" + escape_html(by.name) +
         "</h1>\n<p>would like to access, in <b id=\"account\">" + escape_html(by.of.name) + "</b> (" +
         std::string(here.location) + "):</p>\n<p id=\"scope\">" + escape_html(scope) +
         "</p>\n<form method=\"post\">\n<input type=\"hidden\" name=\"request\" value=\"" + hidden +
         "\">\n<button type=\"submit\" name=\"decision\" value=\"allow\">Accept</button>\n"
         "<button type=\"submit\" name=\"decision\" value=\"deny\">Reject</button>\n</form>\n";
}

}  // namespace

bool oauth_server::throttle::admit(instant now, std::size_t most) {
  if (count == 0 || now - since >= 10min) {
    since = now;
    count = 0;
  }
  if (count >= most) return false;
  ++count;
  return true;
}

/// Without Multi-DC a client exists in one data centre only, the one of its account.
const client* oauth_server::known(const std::string& id, const data_centre& here) const {
  const auto* by = clients_.find(id);
  return by && settings_.no_multi_dc && !lives_in(here, by->of.host) ? nullptr : by;
}

// ---- consent

reply oauth_server::authorize(const request& asked, const data_centre& here, instant now) {
  if (asked.method == "GET") return show_consent(decode_form(asked.query), asked.query, here);
  if (asked.method == "POST") return decide(decode_form(asked.body), here, now);
  return error_page("invalid_method");
}

reply oauth_server::show_consent(const form_fields& query, const std::string& raw_query, const data_centre& here) {
  const auto* by = known(field_or_empty(query, "client_id"), here);
  if (!by) return error_page("invalid_client");
  const auto uri = field_or_empty(query, "redirect_uri");
  const auto& allowed = by->redirect_uris;
  const auto scope = field_or_empty(query, "scope");
  if (!usable_redirect(uri) || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), uri) == allowed.end()))
    return error_page("invalid_redirect_uri");
  if (field_or_empty(query, "response_type") != "code") return error_page("invalid_response_type");
  if (scope.empty() || scope.find(' ') != scope.npos) return error_page("invalid_scope");
  // The user logs in, and Zoho leads on to where he lives.
  if (!lives_in(here, by->of.host)) {
    const auto home = home_of(by->of.host);
    auto on = redirect_to("https://" + std::string(home->centre->accounts_host) + "/oauth/v2/auth", raw_query);
    on.client_id = by->id;
    return on;
  }
  const bool offline = field_or_empty(query, "access_type") == "offline";
  const bool first = !consented_.contains({by->id, by->of.id});
  const auto hidden =
      consents_.show({by->id, uri, field_or_empty(query, "state"), find_field(query, "state") != nullptr});
  forced_[hidden] = offline && (first || field_or_empty(query, "prompt") == "consent");

  reply page;
  page.content_type = "text/html; charset=utf-8";
  page.headers = {{"Cache-Control", "no-store"}, {"X-Frame-Options", "DENY"}};
  page.body = consent_page(*by, scope, here, hidden);
  page.client_id = by->id;
  return page;
}

reply oauth_server::decide(const form_fields& form, const data_centre& here, instant now) {
  const auto hidden = field_or_empty(form, "request");
  const auto decision = field_or_empty(form, "decision");
  if (!consents_.has(hidden) || (decision != "allow" && decision != "deny")) return error_page("invalid_request");
  const auto asked = *consents_.take(hidden);
  const bool with_refresh = std::exchange(forced_[hidden], false);
  forced_.erase(hidden);

  std::string query = asked.has_state ? "state=" + percent_encode(asked.state) + "&" : "";
  if (decision == "allow") {
    const auto code = issue_code(asked.client_id, asked.redirect_uri, now);
    if (!code) return error_page("invalid_client");
    if (!with_refresh) without_refresh_.insert(*code);
    consented_.insert({asked.client_id, clients_.find(asked.client_id)->of.id});
    query += "code=" + *code + "&location=" + std::string(here.location) +
             "&accounts-server=" + percent_encode("https://" + std::string(here.accounts_host));
  } else {
    query += "error=access_denied";
  }
  auto answer = redirect_to(asked.redirect_uri, query);
  answer.client_id = asked.client_id;
  return answer;
}

std::optional<std::string> oauth_server::issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                    instant now, std::chrono::seconds age) {
  const auto* by = clients_.find(client_id);
  if (!by) return std::nullopt;
  auto code = "1000." + random_(16) + "." + random_(16);
  grants_.add_code(code, {by->id, by->of}, redirect_uri, now - age + settings_.code_life);
  return code;
}

// ---- tokens

reply oauth_server::token(const request& asked, const data_centre& here, instant now) {
  if (asked.method != "POST") return json_reply(405, R"({"error":"invalid_method"})");
  auto form = token_fields(asked);
  for (auto& field : decode_form(asked.query)) form.push_back(std::move(field));  // both ways work
  const auto grant = field_or_empty(form, "grant_type");
  const bool refreshing = grant == "refresh_token";
  const auto* by = known(field_or_empty(form, "client_id"), here);
  reply answer;
  const auto refuse = [&](std::string_view error) {
    answer = refused(error);
    if (const auto* secret = find_field(form, refreshing ? "refresh_token" : "code"))
      grants_.note(refreshing ? "refresh" : "code", *secret, error);
  };
  if (!by) {
    refuse("invalid_client");
  } else if (by->secret != field_or_empty(form, "client_secret")) {
    refuse("invalid_client_secret");
  } else if (!refreshing && grant != "authorization_code") {
    refuse("invalid_grant_type");
  } else if (!lives_in(here, by->of.host)) {
    refuse("invalid_code");  // of another data centre: nobody here has heard of it
  } else {
    answer = refreshing ? refresh(form, *by, now) : exchange_code(form, *by, now);
  }
  if (by) answer.client_id = by->id;
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

reply oauth_server::exchange_code(const form_fields& form, const client& by, instant now) {
  const auto code = field_or_empty(form, "code");
  const bool with_refresh = !without_refresh_.contains(code);
  // Asked before the code is used up: it is good still when the ten minutes are over, if it lives that long.
  if (with_refresh && !creations_[{by.id, by.of.id}].admit(now, creations_per_window)) {
    grants_.note("code", code, "throttled");
    return throttled();
  }
  const auto found = grants_.redeem(code, by.id, field_or_empty(form, "redirect_uri"), now);
  if (found.state == grant_state::redirect_mismatch) return refused("invalid_redirect_uri");
  if (found.state != grant_state::ok) return refused("invalid_code");
  const auto refresh_token = with_refresh ? new_refresh(found.who) : "";
  return granted(by, found.who, new_access(refresh_token, found.who, now), refresh_token);
}

reply oauth_server::refresh(const form_fields& form, const client& by, instant now) {
  const auto presented = field_or_empty(form, "refresh_token");
  if (access_of_.contains(presented) && !renewals_[presented].admit(now, settings_.tokens_per_window)) {
    grants_.note("refresh", presented, "throttled");
    return throttled();
  }
  const auto found = grants_.renew(presented, by.id, {.rotate = false, .old_access_survives = true}, now);
  if (found.state != grant_state::ok) return refused("invalid_code");
  return granted(by, found.who, new_access(presented, found.who, now), "");
}

std::string oauth_server::new_access(const std::string& refresh_token, const identity& who, instant now) {
  const auto access = "1000." + random_(16) + "." + random_(16);
  grants_.add_access(access, who, now + settings_.access_life);
  if (refresh_token.empty()) return access;
  auto& live = access_of_[refresh_token];
  live.push_back(access);
  for (; live.size() > settings_.live_access_tokens; live.pop_front()) grants_.end(live.front());
  grants_.pair(refresh_token, access);
  return access;
}

std::string oauth_server::new_refresh(const identity& who) {
  const auto fresh = "1000." + random_(16) + "." + random_(16);
  grants_.add_refresh(fresh, who, "");
  auto& live = refresh_of_[{who.client_id, who.of.id}];
  live.push_back(fresh);
  for (; live.size() > settings_.refresh_tokens; live.pop_front()) end(live.front());
  return fresh;
}

void oauth_server::end(const std::string& refresh_token) {
  grants_.end(refresh_token);
  for (const auto& access : access_of_[refresh_token]) grants_.end(access);
}

reply oauth_server::throttled() const {
  return json_reply(settings_.throttle_with_400 ? 400 : 200,
                    R"({"error_description":"You have made too many requests continuously. Please try again after )"
                    R"(some time.","error":"Access Denied","status":"failure"})");
}

reply oauth_server::granted(const client& by, const identity& who, const std::string& access,
                            const std::string& refresh_token) const {
  json::object body{{"access_token", access}};
  if (!refresh_token.empty()) body["refresh_token"] = refresh_token;
  std::string scope;
  for (const auto& one : by.scopes) scope += (scope.empty() ? "" : " ") + one;
  if (!settings_.no_scope_in_answer && !scope.empty()) body["scope"] = scope;  // spaces, although commas were asked
  // The environment's own: nothing else tells of a sandbox.
  body["api_domain"] = settings_.api_domain.empty() ? "https://" + home_of(who.of.host)->api() : settings_.api_domain;
  body["token_type"] = "Bearer";
  body["expires_in"] = settings_.access_life.count();
  return json_reply(200, json::serialize(body));
}

reply oauth_server::revoke(const request& asked) {
  auto form = decode_form(asked.query);
  for (auto& field : token_fields(asked)) form.push_back(std::move(field));
  const auto token = field_or_empty(form, "token");
  if (!grants_.end(token)) return json_reply(400, R"({"error":"invalid_code"})");
  end(token);
  return json_reply(200, R"({"status":"success"})");
}

}  // namespace koppel::provider_sim::zoho
