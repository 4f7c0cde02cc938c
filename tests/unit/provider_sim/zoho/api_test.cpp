// SPDX-License-Identifier: Apache-2.0
// Lists, deletions, users and errors of the simulated Zoho CRM.
#include <catch2/catch.hpp>
#include <set>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::zoho;
using namespace std::chrono_literals;

namespace {

const std::string by_time = "/Accounts?fields=Account_Name,Modified_Time&sort_by=Modified_Time&sort_order=asc";

std::string refused(const reply& answer, int status) {
  CHECK(answer.status == status);
  CHECK(situation::text(answer, "status") == "error");
  return situation::text(answer, "code");
}

boost::json::value body_of(const reply& answer) {
  REQUIRE(answer.status == 200);
  return boost::json::parse(answer.body);
}

}  // namespace

TEST_CASE("a token is good in its own data centre, in Zoho's own header", "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  CHECK(body_of(s.call(access, "/org")).at("org").at(0).at("company_name") == "Acme BVBA");
  CHECK(refused(s.call(access, "/org", "", "www.zohoapis.com"), 401) == "INVALID_TOKEN");
  CHECK(refused(s.call("1000.x", "/org"), 401) == "INVALID_TOKEN");
  request bearer;
  bearer.method = "GET";
  bearer.host = eu_api;
  bearer.path = "/crm/v8/org";
  bearer.authorization = "Bearer " + access;
  CHECK(refused(s.provider.serve(bearer, s.now), 401) == "INVALID_TOKEN");
  bearer.host = eu_accounts;
  CHECK(refused(s.provider.serve(bearer, s.now), 400) == "INVALID_HOST");
}

TEST_CASE("a scope that was not given is a 401 that is no invalid token", "[provider_sim][zoho]") {
  situation s;
  const auto made = s.order("POST", "/clients", R"({"scopes":["ZohoCRM.modules.Accounts.READ","ZohoCRM.users.ALL"],
    "account":{"id":"9","name":"B"}})");
  s.client_id = made.at("client_id").as_string();
  s.client_secret = made.at("client_secret").as_string();
  const auto access = s.connect().access;
  CHECK(s.call(access, "/Accounts?fields=Phone").status == 200);
  CHECK(s.call(access, "/users").status == 200);
  CHECK(refused(s.call(access, "/Contacts?fields=Phone"), 401) == "OAUTH_SCOPE_MISMATCH");
  CHECK(refused(s.call(access, "/org"), 401) == "OAUTH_SCOPE_MISMATCH");
}

TEST_CASE("a list gives the fields that were asked for, the newest id first", "[provider_sim][zoho]") {
  situation s;
  const auto list = body_of(s.call(s.connect().access, "/Accounts?fields=Account_Name,Nonsense&per_page=5"));
  const auto& rows = list.at("data").as_array();
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].as_object().size() == 2);
  CHECK(rows[0].at("id").as_string().size() == 19);
  CHECK(rows[0].at("id").as_string() > rows[4].at("id").as_string());
  CHECK(list.at("info").at("more_records") == true);
  CHECK(list.at("info").at("sort_by") == "id");
  CHECK(list.at("info").at("sort_order") == "desc");
}

TEST_CASE("more requests at once than an edition has are turned away, and cost no credit", "[provider_sim][zoho]") {
  situation s;
  s.order("POST", "/knobs", R"({"work_ms":200,"concurrency_limit":2,"credits":4})");
  const auto access = s.connect().access;
  CHECK(s.call(access, "/org").delay == 200ms);
  CHECK(s.call(access, "/users").status == 200);
  const auto denied = s.call(access, "/org");
  CHECK(refused(denied, 429) == "TOO_MANY_REQUESTS");
  CHECK(situation::header(denied, "Retry-After").empty());
  s.now += 200ms;
  CHECK(s.call(access, "/org").status == 200);
  CHECK(s.call(access, "/org").status == 200);
}

TEST_CASE("a list of some ids has those that there are, and is refused for one that cannot be any",
          "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  for (const auto& [list, member] : {std::pair{"/Accounts?fields=Phone", "data"}, {"/users?type=AllUsers", "users"}}) {
    INFO(list);
    const auto all = body_of(s.call(access, list)).at(member).as_array();
    const std::string first(all[0].at("id").as_string().c_str()), last(all.back().at("id").as_string().c_str());
    const auto some =
        body_of(s.call(access, std::string(list) + "&ids=" + first + "," + last + ",7328395000009999999"));
    CHECK(some.at(member).as_array().size() == 2);
    CHECK(s.call(access, std::string(list) + "&ids=7328395000009999999").status == 204);
    CHECK(refused(s.call(access, std::string(list) + "&ids=" + first + ",nobody"), 400) == "INVALID_DATA");
    std::string many = first;
    for (int i = 0; i < 100; ++i) many += ",7328395000009999999";
    CHECK(refused(s.call(access, std::string(list) + "&ids=" + many), 400) == "LIMIT_EXCEEDED");
  }
}

TEST_CASE("page tokens go through all rows, are bound to their parameters and expire", "[provider_sim][zoho]") {
  situation s({450, 0, 1});
  const auto access = s.connect().access;
  std::set<std::string> seen;
  std::string token, first_token;
  for (bool more = true; more;) {
    const auto list = body_of(s.call(access, by_time + (token.empty() ? "" : "&page_token=" + token)));
    for (const auto& row : list.at("data").as_array()) seen.insert(row.at("id").as_string().c_str());
    more = list.at("info").at("more_records").as_bool();
    token = more ? list.at("info").at("next_page_token").as_string().c_str() : "";
    if (first_token.empty()) first_token = token;
  }
  CHECK(seen.size() == 450);
  CHECK(refused(s.call(access, by_time + "&per_page=100&page_token=" + first_token), 400) ==
        "TOKEN_BOUND_DATA_MISMATCH");
  CHECK(refused(s.call(access, by_time + "&page_token=" + first_token, "2025-12-01T00:00:00+00:00"), 400) ==
        "TOKEN_BOUND_DATA_MISMATCH");
  CHECK(refused(s.call(access, by_time + "&page=2&page_token=" + first_token), 400) == "AMBIGUITY_DURING_PROCESSING");
  s.now += 24h;
  const auto later = situation::text(s.exchange(s.code()), "access_token");
  CHECK(refused(s.call(later, by_time + "&page_token=" + first_token), 400) == "EXPIRED_VALUE");
}

TEST_CASE("page numbers end at 2000 rows", "[provider_sim][zoho]") {
  situation s({2'100, 0, 1});
  const auto access = s.connect().access;
  CHECK(s.call(access, by_time + "&page=10").status == 200);
  CHECK(refused(s.call(access, by_time + "&page=11"), 400) == "DISCRETE_PAGINATION_LIMIT_EXCEEDED");
}

TEST_CASE("wrong parameters are refused in Zoho's words", "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  std::string many = "f0";
  for (int i = 1; i < 51; ++i) many += ",f" + std::to_string(i);
  CHECK(refused(s.call(access, "/Accounts"), 400) == "REQUIRED_PARAM_MISSING");
  CHECK(refused(s.call(access, "/Accounts?fields=" + many), 400) == "LIMIT_EXCEEDED");
  CHECK(refused(s.call(access, "/Accounts?fields=a&per_page=201"), 400) == "INVALID_DATA");
  CHECK(refused(s.call(access, "/Accounts?fields=a&sort_by=Phone"), 400) == "INVALID_DATA");
  CHECK(refused(s.call(access, "/Accounts?fields=a", "yesterday"), 400) == "INVALID_DATA");
  CHECK(refused(s.call(access, "/Potatoes?fields=a"), 400) == "INVALID_MODULE");
  CHECK(refused(s.call(access, "/nonsense"), 404) == "INVALID_URL_PATTERN");
  CHECK(refused(s.call(access, "/Accounts/deleted?type=some"), 400) == "PATTERN_NOT_MATCHED");
}

TEST_CASE("If-Modified-Since gives what changed since, its own second too unless the knob says otherwise",
          "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  s.now += 60s;
  const auto changed = s.order("POST", "/records/change", R"({"entity":"account","count":3})").at("ids").as_array();
  const auto since = [&](const std::string& when) { return s.call(access, by_time, when); };
  const auto rows = body_of(since("2026-01-01T00:01:00+00:00")).at("data").as_array();
  CHECK(rows.size() == changed.size());
  CHECK(rows[0].at("Modified_Time") == "2026-01-01T02:01:00+02:00");
  CHECK(since("2026-01-01T02:01:01+02:00").status == 304);
  CHECK(since("2026-01-01T00:01:01Z").body.empty());
  s.order("POST", "/knobs", R"({"modified_since_exclusive":true,"utc_offset_minutes":-210})");
  CHECK(since("2026-01-01T00:01:00+00:00").status == 304);
  const auto again = body_of(since("2026-01-01T00:00:59+00:00")).at("data").as_array();
  CHECK(again[0].at("Modified_Time") == "2025-12-31T20:31:00-03:30");
}

TEST_CASE("an organisation without rows answers 204 without a body", "[provider_sim][zoho]") {
  situation s({0, 0, 1});
  const auto answer = s.call(s.connect().access, by_time);
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
}

TEST_CASE("deletions are listed for 60 days in the bin and 120 in all", "[provider_sim][zoho]") {
  situation s;
  const auto gone = s.order("POST", "/records/delete", R"({"entity":"account","count":2})").at("ids").as_array();
  const auto fresh = [&] { return situation::text(s.exchange(s.code()), "access_token"); };
  const auto listed = [&](const std::string& type) { return s.call(fresh(), "/Accounts/deleted?type=" + type); };
  const auto rows = body_of(listed("all")).at("data").as_array();
  CHECK(rows.size() == 2);
  CHECK(rows[0].at("deleted_time") == "2026-01-01T02:00:00+02:00");
  CHECK(rows[0].at("type") == "recycle");
  CHECK(s.call(fresh(), "/Accounts/deleted", "2026-01-01T00:00:01Z").status == 304);
  CHECK(listed("permanent").status == 204);

  s.now += std::chrono::days{61};
  CHECK(body_of(listed("permanent")).at("data").as_array().size() == 2);
  s.now += std::chrono::days{60};
  CHECK(listed("all").status == 204);
}

TEST_CASE("a row by its id, one that is gone, and what is no id", "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  const std::string id(
      s.order("POST", "/records/delete", R"({"entity":"contact","count":1})").at("ids").at(0).as_string().c_str());
  CHECK(s.call(access, "/Contacts/" + id).status == 204);
  CHECK(refused(s.call(access, "/Contacts/abc"), 400) == "INVALID_DATA");
  s.order("POST", "/knobs", R"({"unknown_id_is_400":true})");
  CHECK(refused(s.call(access, "/Contacts/" + id), 400) == "INVALID_DATA");
  const std::string other(
      s.order("POST", "/records/change", R"({"entity":"contact","count":1})").at("ids").at(0).as_string().c_str());
  const auto row = body_of(s.call(access, "/Contacts/" + other)).at("data").at(0);
  CHECK(row.at("id").as_string() == other);
  CHECK(row.as_object().contains("$approval_state"));
}

TEST_CASE("users by type, deleted ones in a list of their own", "[provider_sim][zoho]") {
  situation s({0, 0, 6});
  const auto access = s.connect().access;
  const auto count = [&](const std::string& type) {
    return body_of(s.call(access, "/users?type=" + type)).at("users").as_array().size();
  };
  CHECK(count("AllUsers") == 6);
  CHECK(count("CurrentUser") == 1);
  CHECK(s.call(access, "/users?type=DeletedUsers").status == 204);
  s.now += 60s;
  const auto first = body_of(s.call(access, "/users?type=CurrentUser")).at("users").at(0).at("id").as_string();
  std::string victim;
  const auto everyone = body_of(s.call(access, "/users"));
  for (const auto& user : everyone.at("users").as_array())
    if (user.at("id").as_string() != first) victim = user.at("id").as_string().c_str();
  s.order("POST", "/records/delete", R"({"entity":"user","ids":[")" + victim + "\"]}");
  CHECK(count("AllUsers") == 5);
  const auto deleted = body_of(s.call(access, "/users?type=DeletedUsers", "2026-01-01T00:01:00Z"));
  CHECK(deleted.at("users").at(0).at("status") == "deleted");
  CHECK(deleted.at("users").at(0).at("id").as_string() == victim);
  CHECK(s.call(access, "/users?type=DeletedUsers", "2026-01-01T00:01:01Z").status == 304);
  s.order("POST", "/knobs", R"({"all_users_has_deleted":true})");
  CHECK(count("AllUsers") == 6);
  CHECK(refused(s.call(access, "/users?type=Some"), 400) == "INVALID_DATA");
}

TEST_CASE("credits are of the organisation and of 24 hours, and are told once half are used", "[provider_sim][zoho]") {
  situation s;
  s.order("POST", "/knobs", R"({"credits":10,"access_life_seconds":1000000})");
  const auto access = s.connect().access, other = s.connect().access;
  for (int i = 0; i < 4; ++i) CHECK(situation::header(s.call(access, "/org"), "X-API-CREDITS-REMAINING").empty());
  CHECK(situation::header(s.call(other, "/org"), "X-API-CREDITS-REMAINING") == "5");
  for (int i = 0; i < 5; ++i) CHECK(s.call(access, "/org").status == 200);
  const auto over = s.call(other, "/org");
  CHECK(refused(over, 429) == "TOO_MANY_REQUESTS");
  CHECK(situation::header(over, "Retry-After").empty());
  CHECK(situation::header(over, "X-API-CREDITS-REMAINING") == "0");
  s.now += 24h;
  CHECK(s.call(access, "/org").status == 200);
}

TEST_CASE("a field that a test writes shows in lists and by id", "[provider_sim][zoho]") {
  situation s;
  const auto access = s.connect().access;
  const std::string id(
      s.order("POST", "/records/change", R"({"entity":"account","count":1})").at("ids").at(0).as_string().c_str());
  s.order("POST", "/records/touch-id",
          R"({"entity":"account","id":")" + id + R"(","fields":{"Account_Name":"Nieuw","Billing_Country":null}})");
  const auto row = body_of(s.call(access, "/Accounts/" + id)).at("data").at(0);
  CHECK(row.at("Account_Name") == "Nieuw");
  CHECK(row.at("Billing_Country").is_null());
  CHECK(s.ask_control("POST", "/records/touch-id", R"({"entity":"account","id":")" + id + R"(","fields":{"id":"1"}})")
            .status == 400);
}
