// SPDX-License-Identifier: Apache-2.0
// The simulated query API: fields, filters, order, pages, single objects, and how it refuses.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "account.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::workfront;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const std::string by_update = "&lastUpdateDate_Sort=asc&ID_Sort=asc";

std::string paged(std::size_t first, std::size_t limit) {
  return "&$$FIRST=" + std::to_string(first) + "&$$LIMIT=" + std::to_string(limit);
}

std::set<std::string> keys(const json::value& object) {
  std::set<std::string> out;
  for (const auto& entry : object.as_object()) out.emplace(entry.key());
  return out;
}

}  // namespace

TEST_CASE("a page has a hundred rows unless asked, and more than two thousand is an error",
          "[provider_sim][workfront][api]") {
  customer c(sized({250, 5, 0}));
  const auto session = c.connect().session;
  CHECK(c.data(session, "v20.0/cmpy/search").as_array().size() == 100);
  CHECK(c.data(session, "v20.0/cmpy/search?$$LIMIT=2000").as_array().size() == 250);
  CHECK(c.data(session, "v20.0/cmpy/search?%24%24FIRST=240").as_array().size() == 10);
  CHECK(c.data(session, "v20.0/cmpy/search?$$FIRST=250").as_array().empty());
  const auto refused = c.call(session, "v20.0/cmpy/search?$$LIMIT=2001");
  CHECK(refused.status == 400);
  CHECK(customer::error(refused).at("class") == "java.lang.IllegalArgumentException");
  CHECK(c.data(session, "v20.0/company/count").at("count") == 250);
}

TEST_CASE("sorted pages cover every record once, unsorted ones repeat and skip", "[provider_sim][workfront][api]") {
  customer c(sized({430, 5, 0}));
  const auto session = c.connect().session;
  const auto walk = [&](const std::string& sort) {
    std::set<std::string> ids;
    for (std::size_t first = 0; first < 430; first += 50)
      for (auto& id : all_of(c.data(session, "v20.0/cmpy/search?fields=ID" + sort + paged(first, 50)), "ID"))
        ids.insert(std::move(id));
    return ids.size();
  };
  CHECK(walk(by_update) == 430);
  CHECK(walk("&ID_Sort=asc") == 430);
  CHECK(walk("") < 430);
  c.order("POST", "/knobs", R"({"stable_order":true})");
  CHECK(walk("") == 430);
}

TEST_CASE("rows are ordered as told, with those that were never updated at the end", "[provider_sim][workfront][api]") {
  customer c(sized({300, 5, 0}));
  const auto session = c.connect().session;
  const auto ids = all_of(c.data(session, "v20.0/cmpy/search?ID_Sort=asc&$$LIMIT=2000"), "ID");
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  const auto names = all_of(c.data(session, "v20.0/cmpy/search?name_Sort=desc&$$LIMIT=2000"), "name");
  CHECK(std::is_sorted(names.rbegin(), names.rend()));

  const auto rows = c.data(session, "v20.0/cmpy/search?fields=lastUpdateDate&$$LIMIT=2000" + by_update).as_array();
  std::vector<std::string> times;
  std::size_t nulls = 0;
  for (const auto& row : rows) {
    if (row.at("lastUpdateDate").is_null())
      ++nulls;
    else
      times.emplace_back(row.at("lastUpdateDate").as_string());
    CHECK((nulls == 0 || row.at("lastUpdateDate").is_null()));
  }
  CHECK(std::is_sorted(times.begin(), times.end()));
  CHECK(nulls > 0);
  CHECK(nulls < 60);
  CHECK(c.data(session, "v20.0/cmpy/count?lastUpdateDate_Mod=isnull").at("count") == nulls);
}

TEST_CASE("without fields only the common ones come, with a star all plain ones", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  CHECK(keys(c.data(session, "v20.0/user/search").at(0)) == std::set<std::string>{"ID", "name", "objCode"});
  const auto project = c.data(session, "v20.0/PROJ/search").at(0);
  CHECK(project.as_object().contains("percentComplete"));
  CHECK_FALSE(project.as_object().contains("companyID"));
  const auto company = keys(c.data(session, "v22.0/cmpy/search?fields=*").at(0));
  const std::set<std::string> listed{
      "ID",       "name",    "objCode",         "categoryID", "customerID",     "enteredByID",     "entryDate",
      "extRefID", "groupID", "hasRateOverride", "isPrimary",  "lastUpdateDate", "lastUpdatedByID", "esmProjectID"};
  CHECK(company == listed);
  CHECK_FALSE(keys(c.data(session, "v21.0/cmpy/search?fields=*").at(0)).contains("esmProjectID"));
  CHECK(keys(c.data(session, "v20.0/user/search?fields=[\"ID\",\"emailAddr\"]").at(0)) ==
        std::set<std::string>{"ID", "emailAddr", "objCode"});
}

TEST_CASE("one field that is misspelt fails the whole call", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  for (const auto* query : {"fields=ID,Name", "fields=company:name", "naam=x", "naam_Sort=asc", "fields=DE:Niets"}) {
    const auto refused = c.call(session, std::string("v20.0/cmpy/search?") + query);
    CHECK(refused.status == 400);
    CHECK(customer::error(refused).at("message").as_string().starts_with("APIModel V20_0 does not support field "));
  }
}

TEST_CASE("references are followed by one step", "[provider_sim][workfront][api]") {
  customer c(sized({5, 60, 10}));
  const auto session = c.connect().session;
  const auto rows = c.data(session, "v20.0/user/search?fields=companyID,company:name&$$LIMIT=2000").as_array();
  std::size_t linked = 0;
  for (const auto& row : rows) {
    if (row.at("companyID").is_null()) {
      CHECK(row.at("company").is_null());
      continue;
    }
    ++linked;
    CHECK(row.at("company").at("ID") == row.at("companyID"));
    CHECK_FALSE(row.at("company").at("name").as_string().empty());
  }
  CHECK(linked > 30);
  const std::string company = c.data(session, "v20.0/cmpy/search?$$LIMIT=1").at(0).at("ID").as_string().c_str();
  const auto colleagues = c.data(session, "v20.0/user/search?fields=companyID&companyID=" + company).as_array();
  REQUIRE_FALSE(colleagues.empty());
  for (const auto& one : colleagues) CHECK(one.at("companyID") == json::value(company.c_str()));
}

TEST_CASE("dates have a colon before the milliseconds and the customer's offset", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  c.now += 1234ms;
  const auto id = c.order("POST", "/records/change", R"({"entity":"company"})").at("ids").at(0).as_string();
  const auto path = "v20.0/cmpy/" + std::string(id) + "?fields=lastUpdateDate";
  CHECK(c.data(session, path).at("lastUpdateDate") == "2026-01-01T01:00:01:234+0100");
  c.order("POST", "/knobs", R"({"dot_dates":true,"utc_offset_minutes":-330})");
  CHECK(c.data(session, path).at("lastUpdateDate") == "2025-12-31T18:30:01.234-0530");
}

TEST_CASE("a filter from a date includes its own millisecond, in every documented form of a date",
          "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  c.now += 30min;
  c.order("POST", "/records/change", R"({"entity":"company","count":3})");
  c.now += 1ms;
  c.order("POST", "/records/add", R"({"entity":"company","count":2})");
  const auto count = [&](const std::string& date, const std::string& mod) {
    return c.data(session, "v20.0/cmpy/count?lastUpdateDate=" + date + "&lastUpdateDate_Mod=" + mod)
        .at("count")
        .to_number<int>();
  };
  CHECK(count("2026-01-01T00:30:00.000Z", "gte") == 5);
  CHECK(count("2026-01-01T00:30:00.000Z", "gt") == 2);
  CHECK(count("2026-01-01T01:30:00.001%2B0100", "gte") == 2);
  CHECK(count("2026-01-01T01:30:00.002%2B01:00", "gte") == 0);
  CHECK(count("2026-01-01", "gte") == 5);
  CHECK(count("$$TODAY", "gte") == 5);
  CHECK(count("$$NOW-1h", "lt") > 10);
  for (const auto* bad : {"gisteren", "2026-01-01T01:30:00.000+0100", "2026-01-01T00:30:00Z", "2026-01-01T00:30:00.1Z",
                          "2026-01-01T00:30:00.0001Z", "2026-01-01T01:30:00:000%2B0100", "2026-01-01T00:30:00.00"})
    CHECK(c.call(session, "v20.0/cmpy/search?lastUpdateDate=" + std::string(bad)).status == 400);
}

TEST_CASE("filters compare texts, numbers and truth, alone and together", "[provider_sim][workfront][api]") {
  customer c(sized({10, 80, 80}));
  const auto session = c.connect().session;
  const auto count = [&](const std::string& query) {
    return c.data(session, "v20.0/" + query).at("count").to_number<int>();
  };
  CHECK(count("user/count?isActive=true") + count("user/count?isActive=false") == 80);
  CHECK(count("user/count?isActive=false") > 0);
  CHECK(count("proj/count?percentComplete=50&percentComplete_Mod=gte") +
            count("proj/count?percentComplete=50&percentComplete_Mod=lt") ==
        80);
  CHECK(count("proj/count?status=CUR,PLN&status_Mod=in") + count("proj/count?status=CUR,PLN&status_Mod=notin") == 80);
  CHECK(count("proj/count?percentComplete=0&percentComplete_Range=100&percentComplete_Mod=between") == 80);
  CHECK(count("proj/count?filters={\"status\":\"CUR\"}") == count("proj/count?status=CUR"));
  CHECK(count("user/count?isActive=true&isAdmin=true") == 1);
  CHECK(count("user/count?emailAddr=MAIL.example&emailAddr_Mod=cicontains") == 80);
  CHECK(count("user/count?companyID_Mod=isnull") + count("user/count?companyID_Mod=notnull") == 80);
  CHECK(c.call(session, "v20.0/user/count?isActive=true&isActive_Mod=like").status == 400);
}

TEST_CASE("username logs in and never filters, unless it is inside filters", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  CHECK(c.call(session, "v20.0/user/search?username=x").status == 401);
  const auto me = c.data(session, "v20.0/user/search?ID=$$USER.ID&fields=username").at(0);
  const json::object filters{{"username", me.at("username")}};
  CHECK(c.data(session, "v20.0/user/search?filters=" + json::serialize(filters)).as_array().size() == 1);
}

TEST_CASE("the session's user and customer can be asked for", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  const auto me = c.data(session, "v20.0/user/search?ID=$$USER.ID&fields=ID,name,emailAddr,customerID,isAdmin");
  REQUIRE(me.as_array().size() == 1);
  CHECK(me.at(0).at("isAdmin") == true);
  CHECK(me.at(0).at("customerID") == json::value(c.customer_id.c_str()));
  const auto customer_rows = c.data(session, "v20.0/cust/search?fields=ID,name,domain");
  CHECK(customer_rows.at(0).at("domain") == "acme");
  CHECK(customer_rows.at(0).at("ID") == json::value(c.customer_id.c_str()));
  c.order("POST", "/knobs", R"({"customer_forbidden":true})");
  CHECK(c.call(session, "v20.0/cust/search").status == 403);
}

TEST_CASE("a record that is gone or never was is not found", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  const std::string id = c.data(session, "v20.0/cmpy/search").at(0).at("ID").as_string().c_str();
  CHECK(c.data(session, "v20.0/COMPANY/" + id).at("ID") == json::value(id.c_str()));
  c.order("POST", "/records/delete", R"({"entity":"company","ids":[")" + id + "\"]}");
  const auto gone = c.call(session, "v20.0/cmpy/" + id);
  CHECK(gone.status == 404);
  CHECK(customer::error(gone).as_object().contains("class"));
  CHECK(c.call(session, "v20.0/cmpy/x").status == 404);
  CHECK(c.data(session, "v20.0/cmpy?id=" + id).as_array().empty());
  c.order("POST", "/knobs", R"({"missing_status":200})");
  CHECK(c.call(session, "v20.0/cmpy/" + id).status == 200);
}

TEST_CASE("removed versions are gone, none means the newest, and what is not simulated says so",
          "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  CHECK(c.call(session, "v14.0/cmpy/search").status == 410);
  CHECK(c.call(session, "v15.0/cmpy/search").status == 410);
  CHECK(c.call(session, "v16.0/cmpy/search").status == 200);
  CHECK(c.call(session, "v23.0/cmpy/search").status == 404);
  CHECK(c.call(session, "cmpy/search?fields=esmProjectID").status == 200);
  CHECK(c.call(session, "v20.0/optask/search").status == 400);
  for (const auto* beyond : {"metadata", "search?OR:1:name=x", "search?listOptions={}"}) {
    const auto refused = c.call(session, std::string("v20.0/cmpy/") + beyond);
    CHECK(refused.status == 400);
    CHECK(customer::error(refused).at("message").as_string().starts_with("not simulated: "));
  }
}

TEST_CASE("a choice of one is a word before version 21 and a list from then on", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  const auto sectors = [&](const std::string& version) {
    std::set<json::kind> kinds;
    const auto rows = c.data(session, version + "/cmpy/search?fields=DE:Sector,parameterValues").as_array();
    for (const auto& row : rows) {
      kinds.insert(row.at("DE:Sector").kind());
      if (const auto* inner = row.at("parameterValues").as_object().if_contains("DE:Sector"))
        CHECK(inner->kind() == row.at("DE:Sector").kind());
    }
    return kinds;
  };
  CHECK(sectors("v20.0") == std::set<json::kind>{json::kind::null, json::kind::string, json::kind::array});
  CHECK(sectors("v21.0") == std::set<json::kind>{json::kind::null, json::kind::array});
}

TEST_CASE("a map has the rows by their ID, a post with method=get is a query", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  const auto map = c.data(session, "v20.0/cmpy/search?map=true&$$LIMIT=3").as_object();
  CHECK(map.size() == 3);
  CHECK(map.begin()->value().at("ID").as_string() == map.begin()->key());

  auto asked = c.asking("POST", "/attask/api/v20.0/cmpy/search?method=get");
  asked.headers = {{"sessionid", session}};
  asked.body = "fields=ID&$$LIMIT=7";
  CHECK(json::parse(c.provider.serve(asked, c.now).body).at("data").as_array().size() == 7);
  asked.query.clear();
  CHECK(c.provider.serve(asked, c.now).status == 400);
}

TEST_CASE("more requests at once than the customer may have are turned away", "[provider_sim][workfront][api]") {
  options given = sized({3, 3, 0});
  given.settings.work = 200ms;
  given.settings.concurrency_limit = 2;
  customer c(given);
  const auto session = c.connect().session;
  CHECK(c.call(session, "v20.0/cmpy/search").delay == 200ms);
  CHECK(c.call(session, "v20.0/cmpy/search").status == 200);
  const auto refused = c.call(session, "v20.0/cmpy/search");
  CHECK(refused.status == 429);
  CHECK(customer::error(refused).as_object().contains("message"));
  CHECK(customer::header(refused, "Retry-After").empty());
  c.now += 200ms;
  CHECK(c.call(session, "v20.0/cmpy/search").status == 200);
}

TEST_CASE("an address longer than the CDN takes gets a page of HTML", "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  const auto refused = c.call(session, "v20.0/cmpy/search?name=" + std::string(9000, 'x'));
  CHECK(refused.status == 414);
  CHECK(refused.content_type == "text/html");
}

TEST_CASE("another header than sessionID opens nothing, and the status of a dead session is a knob",
          "[provider_sim][workfront][api]") {
  customer c;
  const auto session = c.connect().session;
  auto asked = c.asking("GET", "/attask/api/v20.0/cmpy/search");
  asked.authorization = "Bearer " + session;
  CHECK(c.provider.serve(asked, c.now).status == 401);
  c.order("POST", "/knobs", R"({"session_error_status":200})");
  const auto refused = c.provider.serve(asked, c.now);
  CHECK(refused.status == 200);
  CHECK(customer::error(refused).at("class") == "com.attask.common.AuthenticationException");
  CHECK(c.call("", "v20.0/cmpy/search?sessionID=" + session).body.starts_with("{\"data\""));
}
