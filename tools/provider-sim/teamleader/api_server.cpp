// SPDX-License-Identifier: Apache-2.0
// Order of the checks: token, rate limit, path, method, scope, body. A request with a good token counts in the window
// whatever comes of it.
#include "teamleader/api_server.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>

#include "form.hpp"
#include "teamleader/api_errors.hpp"
#include "teamleader/crm_api.hpp"
#include "teamleader/general_api.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

constexpr const char* latest_version = "2023-09-26";

/// The actions, and the scope each needs ("" where Teamleader states none).
const std::map<std::string, std::string>& actions() {
  static const std::map<std::string, std::string> table{{"companies.list", "companies"},
                                                        {"companies.info", "companies"},
                                                        {"contacts.list", "contacts"},
                                                        {"contacts.info", "contacts"},
                                                        {"departments.list", "departments"},
                                                        {"departments.info", "departments"},
                                                        {"users.me", "users"},
                                                        {"users.list", "users"},
                                                        {"customFieldDefinitions.list", ""},
                                                        {"webhooks.register", ""},
                                                        {"webhooks.list", ""},
                                                        {"webhooks.unregister", ""}};
  return table;
}

std::string bearer(const std::string& header) {
  constexpr std::string_view scheme = "Bearer ";
  return header.starts_with(scheme) ? header.substr(scheme.size()) : std::string();
}

bool readable_by_get(const std::string& action) { return action.ends_with(".list") || action.ends_with(".info"); }

void add_rate_headers(reply& answer, const rate_verdict& rate, const knobs& settings, instant now) {
  answer.headers.emplace_back("X-RateLimit-Limit", std::to_string(settings.rate_limit));
  answer.headers.emplace_back("X-RateLimit-Remaining", std::to_string(rate.remaining));
  answer.headers.emplace_back("X-RateLimit-Reset", reset_time(rate.reset, settings.reset_header_utc));
  if (answer.status != 429 || !settings.retry_after) return;
  const auto wait = std::chrono::ceil<std::chrono::seconds>(rate.reset - now);
  answer.headers.emplace_back("Retry-After", std::to_string(wait.count()));
}

}  // namespace

reply api_server::handle(const request& asked, instant now) {
  rate_verdict rate;
  rate.remaining = settings_.rate_limit;  // of a caller whom no window counts
  rate.reset = now;
  std::string client_id;
  auto out = answer(asked, now, rate, client_id);
  out.client_id = std::move(client_id);
  add_rate_headers(out, rate, settings_, now);
  const auto version = asked.header("x-api-version");
  out.headers.emplace_back("X-Api-Version", version.empty() ? latest_version : version);
  return out;
}

reply api_server::answer(const request& asked, instant now, rate_verdict& rate, std::string& client_id) {
  const auto token = grants_.check(bearer(asked.authorization), now);
  if (token.state != grant_state::ok) return json_reply(401, R"({"errors":[{"status":401,"title":"Unauthorized"}]})");
  const auto& who = token.who;
  client_id = who.client_id;
  rate = windows_.of(who.client_id, who.of.id).admit(now, settings_.rate_limit, settings_.rate_window);
  if (!rate.admitted) return api_error(429, "Too Many Requests");

  const auto action = asked.path.substr(asked.path.starts_with('/') ? 1 : 0);
  if (!actions().contains(action)) return api_error(404, "Not Found");
  if (asked.method != "POST" && !(asked.method == "GET" && readable_by_get(action)))
    return api_error(405, "Method Not Allowed");
  if (!permitted(who, action)) return api_error(403, "Forbidden");

  if (asked.method == "GET") return act(action, who, nest_form(decode_form(asked.query)));
  if (asked.body.empty()) return act(action, who, {});
  boost::system::error_code failed;
  const auto body = json::parse(asked.body, failed);
  // PHP reads `[]` as an empty object, so clients written in it send that.
  if (!failed && body.is_array() && body.get_array().empty()) return act(action, who, {});
  if (failed || !body.is_object()) return api_error(400, "Invalid JSON");
  return act(action, who, body.get_object());
}

bool api_server::permitted(const identity& who, const std::string& action) const {
  const auto& needed = actions().at(action);
  const auto* by = clients_.find(who.client_id);
  return needed.empty() || (by && std::find(by->scopes.begin(), by->scopes.end(), needed) != by->scopes.end());
}

reply api_server::act(const std::string& action, const identity& who, const json::object& body) {
  if (action == "companies.list") return crm_list(records_, entity::company, body, settings_);
  if (action == "contacts.list") return crm_list(records_, entity::contact, body, settings_);
  if (action == "companies.info") return crm_info(records_, entity::company, body);
  if (action == "contacts.info") return crm_info(records_, entity::contact, body);
  if (action == "departments.list") return departments_list(who, body);
  if (action == "departments.info") return departments_info(who, body);
  if (action == "users.me") return users_me(who);
  if (action == "users.list") return users_list(who, body);
  if (action == "customFieldDefinitions.list") return custom_field_definitions_list(body);
  if (action == "webhooks.register") return hooks_.enrol(who, body);
  if (action == "webhooks.unregister") return hooks_.withdraw(who, body);
  return hooks_.list(who);
}

}  // namespace koppel::provider_sim::teamleader
