// SPDX-License-Identifier: Apache-2.0
// The simulated API: paging, order, filters, what list and info show, and how it refuses.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "situation.hpp"
#include "timestamps.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::teamleader;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::vector<std::string> all_of(const json::value& data, const char* field) {
  std::vector<std::string> out;
  for (const auto& one : data.as_array()) out.emplace_back(one.at(field).as_string().c_str());
  return out;
}

std::string page_body(int number, int size, const std::string& more = "") {
  return R"({"page":{"number":)" + std::to_string(number) + R"(,"size":)" + std::to_string(size) + "}" + more + "}";
}

const std::string by_update = R"(,"sort":[{"field":"updated_at","order":"asc"}])";

}  // namespace

TEST_CASE("a page has twenty records unless asked, a hundred at most, and no meta", "[provider_sim][api]") {
  situation s({3, 250});
  const auto access = s.connect().access;
  CHECK(s.data(access, "contacts.list").as_array().size() == 20);
  CHECK(s.data(access, "contacts.list", page_body(1, 101)).as_array().size() == 100);
  CHECK(s.data(access, "contacts.list", page_body(3, 100)).as_array().size() == 50);
  CHECK(s.data(access, "contacts.list", page_body(4, 100)).as_array().empty());
  CHECK(json::parse(s.call(access, "contacts.list").body).as_object().size() == 1);
}

TEST_CASE("pages by updated_at cover every record once, in order", "[provider_sim][api]") {
  situation s({3, 1234});
  const auto access = s.connect().access;
  std::vector<std::string> times;
  std::set<std::string> ids;
  for (int number = 1; number <= 13; ++number) {
    const auto data = s.data(access, "contacts.list", page_body(number, 100, by_update));
    for (auto& time : all_of(data, "updated_at")) times.push_back(std::move(time));
    for (auto& id : all_of(data, "id")) ids.insert(std::move(id));
  }
  CHECK(ids.size() == 1234);
  CHECK(times.size() == 1234);
  CHECK(std::is_sorted(times.begin(), times.end()));
  // Records that share a second are part of the game.
  CHECK(std::set<std::string>(times.begin(), times.end()).size() < 1150);
}

TEST_CASE("descending is ascending backwards, and names sort by last name first", "[provider_sim][api]") {
  situation s({3, 60});
  const auto access = s.connect().access;
  auto up = all_of(s.data(access, "contacts.list", page_body(1, 100, by_update)), "id");
  const auto down = all_of(
      s.data(access, "contacts.list", page_body(1, 100, R"(,"sort":[{"field":"updated_at","order":"desc"}])")), "id");
  std::reverse(up.begin(), up.end());
  CHECK(up == down);

  const auto names = all_of(s.data(access, "contacts.list", page_body(1, 100)), "last_name");
  CHECK(std::is_sorted(names.begin(), names.end()));
  const auto added =
      all_of(s.data(access, "contacts.list", page_body(1, 100, R"(,"sort":[{"field":"added_at"}])")), "added_at");
  CHECK(std::is_sorted(added.begin(), added.end()));
}

TEST_CASE("updated_since includes its own second, unless the knob says otherwise", "[provider_sim][api]") {
  situation s({3, 50});
  const auto access = s.connect().access;
  const auto all = s.data(access, "contacts.list", page_body(1, 100, by_update));
  const std::string since = all.at(30).at("updated_at").as_string().c_str();
  std::size_t from = 0, after = 0;
  for (const auto& time : all_of(all, "updated_at")) {
    from += time >= since;
    after += time > since;
  }
  const auto filter = R"(,"filter":{"updated_since":")" + since + R"("})";
  for (const auto& order : {by_update, std::string(R"(,"sort":[{"field":"name"}])")}) {
    s.order("POST", "/knobs", R"({"updated_since_exclusive":false})");
    CHECK(s.data(access, "contacts.list", page_body(1, 100, filter + order)).as_array().size() == from);
    s.order("POST", "/knobs", R"({"updated_since_exclusive":true})");
    CHECK(s.data(access, "contacts.list", page_body(1, 100, filter + order)).as_array().size() == after);
  }
}

TEST_CASE("a changed record moves to the end and shows new content", "[provider_sim][api]") {
  situation s({3, 300});
  const auto access = s.connect().access;
  s.now += 30min;
  const auto ids = s.order("POST", "/records/change", R"({"entity":"contact","count":40})").at("ids").as_array();
  REQUIRE(ids.size() == 40);

  const auto since =
      R"(,"filter":{"updated_since":")" + record_time(std::chrono::floor<std::chrono::seconds>(s.now)) + "\"}";
  const auto changed = s.data(access, "contacts.list", page_body(1, 100, by_update + since));

  std::set<std::string> wanted, got;
  for (const auto& id : ids) wanted.emplace(id.as_string().c_str());
  for (const auto& id : all_of(changed, "id")) got.insert(id);
  CHECK(wanted == got);

  const auto body = json::serialize(json::object{{"id", ids[0]}});
  const auto before = s.data(access, "contacts.info", body);
  s.order("POST", "/records/change", R"({"entity":"contact","ids":[)" + json::serialize(ids[0]) + "]}");
  CHECK(s.data(access, "contacts.info", body).at("telephones") != before.at("telephones"));
}

TEST_CASE("the order survives additions and deletions", "[provider_sim][api]") {
  situation s({3, 90});
  const auto access = s.connect().access;
  s.now += 1min;
  const auto gone = s.order("POST", "/records/delete", R"({"entity":"contact","count":10})").at("ids").as_array();
  s.order("POST", "/records/add", R"({"entity":"contact","count":15})");
  CHECK(s.order("GET", "/counts").at("contact") == 95);

  const auto data = s.data(access, "contacts.list", page_body(1, 100, by_update));
  const auto times = all_of(data, "updated_at");
  CHECK(times.size() == 95);
  CHECK(std::is_sorted(times.begin(), times.end()));
  CHECK(s.call(access, "contacts.info", json::serialize(json::object{{"id", gone[0]}})).status == 404);
}

TEST_CASE("list and info differ as Teamleader's do", "[provider_sim][api]") {
  situation s;
  const auto access = s.connect().access;

  const auto company = s.data(access, "companies.list").at(0).as_object();
  CHECK(company.contains("primary_address"));
  for (const char* name : {"addresses", "remarks", "custom_fields", "price_list", "related_contacts"})
    CHECK_FALSE(company.contains(name));
  const auto with = s.data(access, "companies.list", R"({"includes":"custom_fields,price_list"})").at(0).as_object();
  CHECK(with.contains("custom_fields"));
  CHECK(with.contains("price_list"));
  const auto by_id = json::serialize(json::object{{"id", company.at("id")}});
  const auto info = s.data(access, "companies.info", by_id).as_object();
  for (const char* name : {"addresses", "remarks", "custom_fields"}) CHECK(info.contains(name));
  CHECK_FALSE(info.contains("primary_address"));

  const auto contact = s.data(access, "contacts.list").at(0).as_object();
  for (const char* name : {"companies", "vat_number", "addresses", "remarks", "custom_fields"})
    CHECK_FALSE(contact.contains(name));
  const auto detail =
      s.data(access, "contacts.info", json::serialize(json::object{{"id", contact.at("id")}})).as_object();
  for (const char* name : {"companies", "vat_number", "addresses", "remarks", "custom_fields"})
    CHECK(detail.contains(name));
}

TEST_CASE("links between contacts and companies agree from both sides", "[provider_sim][api]") {
  situation s({5, 80});
  const auto access = s.connect().access;
  std::size_t links = 0;
  for (const auto& id : all_of(s.data(access, "companies.list", page_body(1, 100)), "id")) {
    const auto info =
        s.data(access, "companies.info", R"({"id":")" + id + R"(","includes":"related_companies,related_contacts"})");
    const auto listed = s.data(access, "contacts.list", page_body(1, 100, R"(,"filter":{"company_id":")" + id + "\"}"));
    CHECK(info.at("related_contacts").as_array().size() == listed.as_array().size());
    for (const auto& related : info.at("related_contacts").as_array()) {
      const auto contact = s.data(access, "contacts.info", json::serialize(json::object{{"id", related.at("id")}}));
      for (const auto& link : contact.at("companies").as_array()) {
        if (link.at("company").at("id") != json::value(id.c_str())) continue;
        ++links;
        CHECK(link.at("decision_maker") == related.at("is_decision_maker"));
        CHECK(link.at("position") == related.at("position"));
      }
    }
  }
  CHECK(links > 40);
}

TEST_CASE("unknown keys are ignored, so a misspelt filter returns everything", "[provider_sim][api]") {
  situation s({3, 10});
  const auto access = s.connect().access;
  const auto body = R"({"filter":{"update_since":"2030-01-01T00:00:00+00:00"},"include":"custom_fields","x":1})";
  const auto data = s.data(access, "contacts.list", body);
  CHECK(data.as_array().size() == 10);
  CHECK_FALSE(data.at(0).as_object().contains("custom_fields"));
}

TEST_CASE("filters filter", "[provider_sim][api]") {
  situation s({60, 10});
  const auto access = s.connect().access;
  const auto all = s.data(access, "companies.list", page_body(1, 100, by_update));
  const auto count = [&](const std::string& filter) {
    return s.data(access, "companies.list", page_body(1, 100, R"(,"filter":)" + filter)).as_array().size();
  };
  std::size_t inactive = 0, expo = 0;
  for (const auto& one : all.as_array()) {
    inactive += one.at("status") == "deactivated";
    for (const auto& tag : one.at("tags").as_array()) expo += tag == "expo";
  }
  REQUIRE(inactive > 0);
  CHECK(count(R"({"status":"deactivated"})") == inactive);
  CHECK(count(R"({"tags":["expo"]})") == expo);
  CHECK(count(R"({"tags":["expo","no such tag"]})") == 0);
  CHECK(count(R"({"term":)" + json::serialize(all.at(3).at("name")) + "}") >= 1);
  CHECK(count(R"({"term":"zzzzzz"})") == 0);
  const auto two = json::serialize(json::array{all.at(3).at("id"), all.at(7).at("id")});
  CHECK(count(R"({"ids":)" + two + "}") == 2);
  CHECK(count("{}") == 60);
  s.order("POST", "/knobs", R"({"list_active_only":true})");
  CHECK(count("{}") == 60 - inactive);
}

TEST_CASE("bad values are 400 and say which field", "[provider_sim][api]") {
  situation s;
  const auto access = s.connect().access;
  const auto refused = [&](const std::string& action, const std::string& body) {
    const auto answer = s.call(access, action, body);
    CHECK(answer.status == 400);
    return std::string(json::parse(answer.body).at("errors").at(0).at("meta").at("field").as_string());
  };
  CHECK(refused("companies.info", R"({"id":"not-a-uuid"})") == "id");
  CHECK(refused("contacts.info", "{}") == "id");
  CHECK(refused("contacts.list", R"({"filter":{"updated_since":"yesterday"}})") == "filter.updated_since");
  CHECK(refused("contacts.list", R"({"filter":{"updated_since":"2026-01-01T00:00:00.123+00:00"}})") ==
        "filter.updated_since");
  CHECK(refused("contacts.list", R"({"page":{"number":0}})") == "page.number");
  CHECK(refused("contacts.list", R"({"sort":[{"field":"age"}]})") == "sort.0.field");
  CHECK(s.call(access, "contacts.list", "{").status == 400);
}

TEST_CASE("what is not there is 404: nil id, unknown action, unknown host", "[provider_sim][api]") {
  situation s;
  const auto access = s.connect().access;
  const auto nil = R"({"id":"00000000-0000-0000-0000-000000000000"})";
  for (const char* action : {"companies.info", "contacts.info", "departments.info"})
    CHECK(s.call(access, action, nil).status == 404);
  CHECK(s.call(access, "companies.explode").status == 404);

  request elsewhere;
  elsewhere.method = "GET";
  elsewhere.host = "localhost";
  elsewhere.path = "/users.me";
  CHECK(s.provider.serve(elsewhere, s.now).status == 404);
}

TEST_CASE("a client without a scope gets 403 for what needs it", "[provider_sim][api]") {
  situation s;
  s.order("POST", "/clients", R"({"client_id":"three","client_secret":"x",
      "scopes":["companies","contacts","departments"],"account":{"id":"1","name":"A"}})");
  s.client_id = "three";
  s.client_secret = "x";
  const auto access = s.connect().access;
  CHECK(s.call(access, "users.me").status == 403);
  CHECK(s.call(access, "departments.list").status == 200);
}

TEST_CASE("every API answer carries the rate limit and the version, refusals too", "[provider_sim][api]") {
  knobs settings;
  settings.rate_limit = 2;
  situation s({1, 1}, settings);
  const auto access = s.connect().access;
  const auto nobody = s.call("wrong", "users.me");
  CHECK(nobody.status == 401);
  CHECK(situation::header(nobody, "X-RateLimit-Limit") == "2");
  CHECK(situation::header(nobody, "X-Api-Version") == "2023-09-26");

  CHECK(situation::header(s.call(access, "users.me"), "X-RateLimit-Remaining") == "1");
  s.call(access, "no.such");
  const auto refused = s.call(access, "users.me");
  CHECK(refused.status == 429);
  CHECK(situation::header(refused, "X-RateLimit-Remaining") == "0");
  CHECK(situation::header(refused, "X-RateLimit-Reset") == "2026-01-01T01:01:00.000+0100");
  CHECK(situation::header(refused, "Retry-After").empty());

  s.order("POST", "/knobs", R"({"retry_after":true,"reset_header_utc":true})");
  const auto again = s.call(access, "users.me");
  CHECK(situation::header(again, "X-RateLimit-Reset") == "2026-01-01T00:01:00+00:00");
  CHECK(situation::header(again, "Retry-After") == "60");
  s.now += 60s;
  CHECK(s.call(access, "users.me").status == 200);
}

TEST_CASE("the deprecated GET form reads bracketed queries", "[provider_sim][api]") {
  situation s({3, 30});
  const auto access = s.connect().access;
  const auto since = record_time(std::chrono::floor<std::chrono::seconds>(s.now - 24h * 100));
  request asked;
  asked.method = "GET";
  asked.host = api_host;
  asked.path = "/contacts.list";
  asked.query = "page[number]=1&page[size]=100&sort[0][field]=updated_at&sort[0][order]=desc&filter[updated_since]=" +
                percent_encode(since);
  asked.authorization = "Bearer " + access;
  const auto data = json::parse(s.provider.serve(asked, s.now).body).at("data");
  const auto same = s.data(
      access, "contacts.list",
      page_body(1, 100,
                R"(,"sort":[{"field":"updated_at","order":"desc"}],"filter":{"updated_since":")" + since + "\"}"));
  CHECK(data.as_array().size() > 0);
  CHECK(data == same);
}

TEST_CASE("departments ignore paging and take status as an array", "[provider_sim][api]") {
  situation s;
  const auto access = s.connect().access;
  CHECK(s.data(access, "departments.list", page_body(2, 1)) == s.data(access, "departments.list"));
  CHECK(s.data(access, "departments.list", R"({"filter":{"status":["archived"]}})").as_array().size() == 1);
  CHECK(s.data(access, "users.list").as_array().size() == 2);
  CHECK(s.data(access, "users.me", "").at("account").at("id").as_string().size() == 36);
}

TEST_CASE("the same seed and start make the same records", "[provider_sim][dataset]") {
  situation a({10, 40}), b({10, 40});
  const auto records = a.ask_control("GET", "/records?entity=contact").body;
  CHECK(records == b.ask_control("GET", "/records?entity=contact").body);
  CHECK(std::count(records.begin(), records.end(), '\n') == 40);
}
