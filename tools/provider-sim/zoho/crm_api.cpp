// SPDX-License-Identifier: Apache-2.0
// Order of the checks: host and token, requests at a time, credits, path, scope, parameters. A refused request costs no
// credit.
#include "zoho/crm_api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <set>

#include "oauth_forms.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::zoho {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::string_view base = "/crm/v8/";
constexpr std::size_t most_by_page = 2'000, most_by_token = 100'000, remembered_tokens = 10'000;

/// A segment of the path, with the scope that it needs: either of two.
struct resource {
  std::string_view segment, scope, wider_scope;
};
constexpr resource resources[] = {
    {"Accounts", "zohocrm.modules.accounts.", "zohocrm.modules."},
    {"Contacts", "zohocrm.modules.contacts.", "zohocrm.modules."},
    {"users", "zohocrm.users.", "zohocrm.users."},
    {"org", "zohocrm.org.", "zohocrm.org."},
};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool has_scope(const client& by, std::initializer_list<std::string_view> stems,
               std::initializer_list<std::string_view> operations) {
  return std::any_of(by.scopes.begin(), by.scopes.end(), [&](const std::string& scope) {
    const auto given = lower(scope);
    for (const auto& stem : stems)
      for (const auto& operation : operations)
        if (given == std::string(stem).append(operation)) return true;
    return false;
  });
}

bool permits(const client& by, const resource& wanted) {
  return has_scope(by, {wanted.scope, wanted.wider_scope}, {"read", "all"});
}

bool permits_watch(const client& by, const std::string& method) {
  const std::string_view stem = "zohocrm.notifications.";
  if (method == "GET") return has_scope(by, {stem}, {"all", "read"});
  if (method == "POST") return has_scope(by, {stem}, {"all", "write", "create"});
  if (method == "DELETE") return has_scope(by, {stem}, {"all", "delete"});
  return has_scope(by, {stem}, {"all", "write", "update"});
}

std::optional<std::size_t> number(const std::string& digits, std::size_t otherwise) {
  if (digits.empty()) return otherwise;
  std::size_t value = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (wrong != std::errc() || end != digits.data() + digits.size() || value == 0) return std::nullopt;
  return value;
}

reply empty(const request& asked) {
  auto answer = json_reply(asked.header("if-modified-since").empty() ? 204 : 304, "");
  answer.content_type = "application/json;charset=UTF-8";
  return answer;
}

/// Nothing without the header; nothing and `bad` if it is no time.
std::optional<instant> modified_since(const request& asked, bool& bad) {
  const auto text = asked.header("if-modified-since");
  if (text.empty()) return std::nullopt;
  const auto parsed = parse_time(text);
  bad = !parsed;
  return parsed ? std::optional(parsed->at) : std::nullopt;
}

json::object info(std::size_t size, std::size_t count, std::size_t page, bool more) {
  return {{"per_page", size}, {"count", count}, {"page", page}, {"more_records", more}};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0, end = 0; end != text.npos && !text.empty(); from = end + 1) {
    end = text.find(',', from);
    out.push_back(text.substr(from, end - from));
  }
  return out;
}

constexpr std::size_t most_ids = 100;

/// Without `ids` all stay; nothing, and an answer, if one of them cannot be an id. Those that are not there are left
/// out.
std::optional<reply> keep_asked_for(const form_fields& query, const dataset& records, entity kind,
                                    std::vector<slot>& rows) {
  const auto wanted = split(field_or_empty(query, "ids"));
  if (wanted.empty()) return std::nullopt;
  if (wanted.size() > most_ids) return api_error(400, "LIMIT_EXCEEDED", "only 100 ids can be given");
  std::set<slot> places;
  for (const auto& id : wanted) {
    const auto parsed = records.parse_id(id);
    if (!parsed) return api_error(400, "INVALID_DATA", "the id given seems to be invalid");
    places.insert(records.of(kind).find(*parsed));
  }
  std::erase_if(rows, [&](slot place) { return !places.contains(place); });
  return std::nullopt;
}

}  // namespace

reply api_error(int status, std::string_view code, std::string_view message) {
  const json::object body{{"code", code}, {"details", json::object()}, {"message", message}, {"status", "error"}};
  return json_reply(status, json::serialize(body));
}

reply crm_api::handle(const request& asked, instant now) {
  constexpr std::string_view scheme = "Zoho-oauthtoken ";
  const auto& header = asked.authorization;
  const auto token = grants_.check(header.starts_with(scheme) ? header.substr(scheme.size()) : "", now);
  if (token.state != grant_state::ok || home_of(token.who.of.host)->api() != asked.host)
    return api_error(401, "INVALID_TOKEN", "invalid oauth token");
  const auto& org = token.who.of.id;
  if (!admit(token.who, now)) {
    auto refused = api_error(429, "TOO_MANY_REQUESTS", "Too many requests fired in concurrent than the allowed limit.");
    refused.client_id = token.who.client_id;
    return refused;
  }
  const auto rate = credits_.of("", org).admit(now, settings_.credits, 24h);
  auto answer = rate.admitted ? route(asked, token.who, now)
                              : api_error(429, "TOO_MANY_REQUESTS", "You have exceeded your API credits.");
  if (2 * rate.remaining <= settings_.credits)
    answer.headers.emplace_back("X-API-CREDITS-REMAINING", std::to_string(rate.remaining));
  answer.headers.emplace_back("Cache-Control", "no-store, no-cache, must-revalidate, private");
  answer.client_id = token.who.client_id;
  answer.delay += settings_.work;
  return answer;
}

bool crm_api::admit(const identity& who, instant now) {
  auto& under_way = busy_[{who.client_id, who.of.id}];
  std::erase_if(under_way, [&](instant end) { return end <= now; });
  if (under_way.size() >= settings_.concurrency_limit) return false;
  if (settings_.work.count() > 0) under_way.push_back(now + settings_.work);
  return true;
}

reply crm_api::route(const request& asked, const identity& who, instant now) {
  const auto wrong_url =
      api_error(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one");
  if (!asked.path.starts_with(base)) return wrong_url;
  const auto rest = asked.path.substr(base.size());
  const auto slash = rest.find('/');
  const auto first = rest.substr(0, slash), second = slash == rest.npos ? "" : rest.substr(slash + 1);
  if (rest == "actions/watch") return watch(asked, who, now);
  const auto* wanted = std::find_if(std::begin(resources), std::end(resources),
                                    [&](const resource& one) { return one.segment == first; });
  if (wanted == std::end(resources) || first == settings_.hidden_module) {
    const bool module = !first.empty() && first[0] >= 'A' && first[0] <= 'Z';
    return module ? api_error(400, "INVALID_MODULE", "The module name given seems to be invalid") : wrong_url;
  }
  if (asked.method != "GET")
    return api_error(405, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one");
  const auto* by = clients_.find(who.client_id);
  if (!by || !permits(*by, *wanted))
    return api_error(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL");

  if (first == "org") return second.empty() ? organisation(who) : wrong_url;
  const auto kind = first == "Accounts" ? entity::account : first == "Contacts" ? entity::contact : entity::user;
  if (kind == entity::user) return second.empty() ? list_users(asked, now) : one(kind, second);
  if (second.empty()) return list_module(asked, who, kind, now);
  return second == "deleted" ? list_deleted(asked, kind, now) : one(kind, second);
}

reply crm_api::watch(const request& asked, const identity& who, instant now) {
  const auto& method = asked.method;
  if (method != "GET" && method != "POST" && method != "PUT" && method != "PATCH" && method != "DELETE")
    return api_error(405, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one");
  const auto* by = clients_.find(who.client_id);
  if (!by || !permits_watch(*by, method))
    return api_error(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL");
  return watches_.handle(asked, who, now);
}

// ---- lists

std::optional<reply> crm_api::read_part(const request& asked, const form_fields& query, const identity& who,
                                        instant now, part& out) const {
  const auto token = field_or_empty(query, "page_token");
  const auto page = number(field_or_empty(query, "page"), 1), size = number(field_or_empty(query, "per_page"), 200);
  if (!page || !size || *size > 200) return api_error(400, "INVALID_DATA", "invalid data");
  out.page = *page;
  out.size = *size;
  out.bound_to = who.of.id + '\n' + asked.path + '\n' + asked.header("if-modified-since");
  for (const char* name : {"fields", "ids", "per_page", "sort_by", "sort_order"})
    out.bound_to += '\n' + field_or_empty(query, name);
  if (token.empty()) {
    out.first = (*page - 1) * *size;
    if (out.first + *size > most_by_page)
      return api_error(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "You can get only the first 2000 records by page");
    return std::nullopt;
  }
  if (find_field(query, "page"))
    return api_error(400, "AMBIGUITY_DURING_PROCESSING", "page and page_token are both given");
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return api_error(400, "INVALID_DATA", "the page_token given seems to be invalid");
  if (found->second.bound_to != out.bound_to)
    return api_error(400, "TOKEN_BOUND_DATA_MISMATCH", "the parameters differ from those of the page_token");
  if (now >= found->second.expires) return api_error(400, "EXPIRED_VALUE", "the page_token has expired");
  if (found->second.first >= most_by_token)
    return api_error(400, "PAGINATION_LIMIT_EXCEEDED", "You can get only the first 100000 records");
  out.first = found->second.first;
  out.page = out.first / *size + 1;
  return std::nullopt;
}

std::string crm_api::remember(part at, instant now) {
  auto token = random_(24);
  tokens_[token] = {std::move(at.bound_to), at.first, now + settings_.page_token_life};
  token_order_.push_back(token);
  for (; token_order_.size() > remembered_tokens; token_order_.pop_front()) tokens_.erase(token_order_.front());
  return token;
}

reply crm_api::list_module(const request& asked, const identity& who, entity kind, instant now) {
  const auto query = decode_form(asked.query);
  const auto fields = split(field_or_empty(query, "fields"));
  if (fields.empty()) return api_error(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing");
  if (fields.size() > 50) return api_error(400, "LIMIT_EXCEEDED", "only 50 fields can be given");
  part at;
  if (auto refusal = read_part(asked, query, who, now, at)) return *std::move(refusal);
  bool bad_time = false;
  const auto since = modified_since(asked, bad_time);
  const auto by = field_or_empty(query, "sort_by"), order = field_or_empty(query, "sort_order");
  const bool by_time = by == "Modified_Time", by_age = by == "Created_Time";
  if (bad_time || (!by.empty() && by != "id" && !by_time && !by_age) ||
      (!order.empty() && order != "asc" && order != "desc"))
    return api_error(400, "INVALID_DATA", "invalid data");

  const auto& all = records_.of(kind);
  auto rows = by_time ? all.order(sort_key::updated_at) : by_age ? all.order(sort_key::added_at) : records_.by_id(kind);
  if (since) {
    std::erase_if(rows, [&](slot place) {
      const auto when = all.at(place).updated_at;
      return settings_.modified_since_exclusive ? when <= *since : when < *since;
    });
  }
  if (auto refusal = keep_asked_for(query, records_, kind, rows)) return *std::move(refusal);
  if (order != "asc") std::reverse(rows.begin(), rows.end());
  if (at.first >= rows.size()) return empty(asked);

  const auto end = std::min(rows.size(), at.first + at.size);
  json::array data;
  for (auto i = at.first; i < end; ++i) {
    auto whole = records_.full(kind, rows[i]);
    json::object shown{{"id", whole["id"]}};
    for (const auto& name : fields)
      if (const auto* value = whole.if_contains(name)) shown[name] = *value;
    data.push_back(std::move(shown));
  }
  auto about = info(at.size, data.size(), at.page, end < rows.size());
  about["sort_by"] = by.empty() ? "id" : by;
  about["sort_order"] = order.empty() ? "desc" : order;
  about["next_page_token"] = about["previous_page_token"] = about["page_token_expiry"] = nullptr;
  if (end < rows.size()) {
    at.first = end;
    about["next_page_token"] = remember(at, now);
    about["page_token_expiry"] = records_.time_text(now + settings_.page_token_life);
  }
  return json_reply(200, json::serialize(json::object{{"data", std::move(data)}, {"info", std::move(about)}}));
}

reply crm_api::list_deleted(const request& asked, entity kind, instant now) const {
  const auto query = decode_form(asked.query);
  const auto type = field_or_empty(query, "type");
  if (!type.empty() && type != "all" && type != "recycle" && type != "permanent")
    return api_error(400, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct");
  part at;
  if (auto refusal = read_part(asked, query, {}, now, at)) return *std::move(refusal);
  bool bad_time = false;
  const auto since = modified_since(asked, bad_time);
  if (bad_time) return api_error(400, "INVALID_DATA", "invalid data");

  const auto& all = records_.of(kind);
  auto gone = records_.deleted(kind, since.value_or(instant{}), now);
  const auto is_permanent = [&](slot place) { return all.at(place).removed_at + std::chrono::days{60} <= now; };
  if (type == "recycle" || type == "permanent")
    std::erase_if(gone, [&](slot place) { return is_permanent(place) != (type == "permanent"); });
  if (at.first >= gone.size()) return empty(asked);

  const auto end = std::min(gone.size(), at.first + at.size);
  json::array data;
  for (auto i = at.first; i < end; ++i) {
    const auto& record = all.at(gone[i]);
    data.push_back({{"deleted_by", records_.owner()},
                    {"id", records_.id_text(record.id)},
                    {"display_name", "Gone"},
                    {"type", is_permanent(gone[i]) ? "permanent" : "recycle"},
                    {"created_by", records_.owner()},
                    {"deleted_time", records_.time_text(record.removed_at)}});
  }
  auto about = info(at.size, data.size(), at.page, end < gone.size());
  return json_reply(200, json::serialize(json::object{{"data", std::move(data)}, {"info", std::move(about)}}));
}

reply crm_api::list_users(const request& asked, instant now) const {
  const auto query = decode_form(asked.query);
  const auto type = field_or_empty(query, "type");
  part at;
  if (auto refusal = read_part(asked, query, {}, now, at)) return *std::move(refusal);
  bool bad_time = false;
  const auto since = modified_since(asked, bad_time);
  const auto& all = records_.of(entity::user);
  const bool everyone = type.empty() || type == "AllUsers";
  std::vector<slot> found;
  if (type == "CurrentUser") {
    found = {0};
  } else if (type == "DeletedUsers") {
    found = records_.deleted(entity::user, instant{}, now);
  } else if (everyone || type == "ActiveUsers" || type == "DeactiveUsers") {
    found = records_.by_id(entity::user);
    if (!everyone) std::erase_if(found, [&](slot place) { return all.at(place).active != (type == "ActiveUsers"); });
    if (everyone && settings_.all_users_has_deleted)
      for (const auto place : records_.deleted(entity::user, instant{}, now)) found.push_back(place);
  } else {
    bad_time = true;
  }
  if (bad_time) return api_error(400, "INVALID_DATA", "invalid data");
  if (auto refusal = keep_asked_for(query, records_, entity::user, found)) return *std::move(refusal);
  if (since) {
    std::erase_if(found,
                  [&](slot place) { return std::max(all.at(place).updated_at, all.at(place).removed_at) < *since; });
  }
  if (at.first >= found.size()) return empty(asked);
  const auto end = std::min(found.size(), at.first + at.size);
  json::array users;
  for (auto i = at.first; i < end; ++i) users.push_back(records_.full(entity::user, found[i]));
  auto about = info(at.size, users.size(), at.page, end < found.size());
  return json_reply(200, json::serialize(json::object{{"users", std::move(users)}, {"info", std::move(about)}}));
}

// ---- single rows

reply crm_api::one(entity kind, const std::string& id) const {
  const auto parsed = records_.parse_id(id);
  if (!parsed) return api_error(400, "INVALID_DATA", "the id given seems to be invalid");
  const auto place = records_.of(kind).find(*parsed);
  if (place == no_slot)
    return settings_.unknown_id_is_400 ? api_error(400, "INVALID_DATA", "the id given seems to be invalid")
                                       : json_reply(204, "");
  const char* member = kind == entity::user ? "users" : "data";
  return json_reply(200, json::serialize(json::object{{member, json::array{records_.full(kind, place)}}}));
}

reply crm_api::organisation(const identity& who) const {
  const auto environment = home_of(who.of.host)->environment;
  const json::object org{{"id", who.of.id},
                         {"company_name", who.of.name},
                         {"alias", nullptr},
                         {"zgid", "20" + who.of.id},
                         {"type", environment.empty() ? "production" : environment},
                         {"country_code", "BE"},
                         {"time_zone", "Europe/Brussels"},
                         {"iso_code", "EUR"},
                         {"primary_email", records_.owner().at("email")}};
  return json_reply(200, json::serialize(json::object{{"org", json::array{org}}}));
}

}  // namespace koppel::provider_sim::zoho
