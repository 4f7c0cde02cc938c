// SPDX-License-Identifier: Apache-2.0
// The control port for a Workfront, and event subscriptions.
#include <catch2/catch.hpp>

#include "account.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::workfront;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::string registration(const std::string& object, const std::string& type, const std::string& more = "") {
  return R"({"objCode":")" + object + R"(","eventType":")" + type +
         R"(","url":"http://127.0.0.1:9/wf/acme","authToken":"secret-token-1234")" + more + "}";
}

}  // namespace

TEST_CASE("records are added, changed, written and deleted by entity", "[provider_sim][workfront][control]") {
  customer c;
  const auto session = c.connect().session;
  c.now += 5min;
  for (const auto* entity : {"company", "user", "project"}) {
    const std::string name(entity);
    const json::object body{{"entity", name}, {"count", 2}};
    const auto added = c.order("POST", "/records/add", json::serialize(body)).at("ids").as_array();
    REQUIRE(added.size() == 2);
    const std::string id(added[0].as_string());
    const auto path = "v20.0/" + name + "/" + id + "?fields=*";
    const auto before = c.data(session, path);
    CHECK(before.at("entryDate") == "2026-01-01T01:05:00:000+0100");
    CHECK(before.at("lastUpdateDate") == before.at("entryDate"));

    const json::object touch{{"entity", name}, {"id", id}, {"fields", {{"name", "Zzz"}}}};
    c.order("POST", "/records/touch-id", json::serialize(touch));
    CHECK(c.data(session, path).at("name") == "Zzz");
    const json::object gone{{"entity", name}, {"ids", {id}}};
    CHECK(c.order("POST", "/records/delete", json::serialize(gone)).at("ids").as_array().size() == 1);
    CHECK(c.call(session, path).status == 404);
  }
  CHECK(c.order("GET", "/counts").at("company") == 21);
  CHECK(c.ask_control("POST", "/records/add", R"({"entity":"contact"})").body ==
        R"({"error":"entity is company or user or project"})");
  const auto exported = c.ask_control("GET", "/records?entity=company").body;
  CHECK(std::count(exported.begin(), exported.end(), '\n') == 21);
}

TEST_CASE("a change shows in the record", "[provider_sim][workfront][control]") {
  customer c;
  const auto session = c.connect().session;
  const std::string id(c.data(session, "v20.0/cmpy/search").at(0).at("ID").as_string());
  const auto path = "v20.0/cmpy/" + id + "?fields=extRefID,lastUpdateDate";
  auto before = c.data(session, path);
  for (int round = 0; round < 5; ++round) {
    c.now += 1min;
    c.order("POST", "/records/change", R"({"entity":"company","ids":[")" + id + "\"]}");
    const auto after = c.data(session, path);
    CHECK(after.at("extRefID") != before.at("extRefID"));
    CHECK(after.at("lastUpdateDate") != before.at("lastUpdateDate"));
    before = after;
  }
}

TEST_CASE("a subscription is made once, listed without its token, and deleted", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  const auto made = c.events(session, "POST", "", registration("CMPY", "UPDATE"));
  REQUIRE(made.status == 201);
  const std::string id(json::parse(made.body).at("id").as_string());
  CHECK(customer::header(made, "Location").ends_with("/subscriptions/" + id));
  CHECK(c.events(session, "POST", "", registration("CMPY", "UPDATE")).status == 409);
  CHECK(c.events(session, "POST", "", registration("CMPY", "DELETE")).status == 201);

  const auto listed = json::parse(c.events(session, "GET", "?page=1&limit=1").body);
  CHECK(listed.at("meta").at("total_count") == 2);
  CHECK(listed.at("meta").at("page_count") == 2);
  CHECK(listed.at("subscriptions").as_array().size() == 1);
  CHECK(listed.at("subscriptions").at(0).at("authToken") == "****1234");

  CHECK(c.events(session, "DELETE", "/" + id).status == 200);
  CHECK(c.events(session, "DELETE", "/" + id).status == 404);
}

TEST_CASE("wrong registrations are refused, and so is anyone who is no administrator",
          "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  CHECK(c.events(session, "POST", "", registration("CMPY", "UPDATE", R"(,"colour":"red")")).status == 400);
  CHECK(c.events(session, "POST", "", registration("CMPY", "CHANGE")).status == 400);
  CHECK(c.events(session, "POST", "", registration("THING", "UPDATE")).status == 400);
  CHECK(c.events(session, "POST", "", R"({"objCode":"CMPY","eventType":"UPDATE","url":"x","authToken":"y"})").status ==
        400);
  CHECK(c.events("dead", "POST", "", registration("CMPY", "UPDATE")).status == 401);
  c.order("POST", "/knobs", R"({"not_admin":true})");
  CHECK(c.events(session, "POST", "", registration("CMPY", "UPDATE")).status == 403);
}

TEST_CASE("an event carries both states, its time and the token it was registered with",
          "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  for (const auto* type : {"CREATE", "UPDATE", "DELETE"})
    REQUIRE(c.events(session, "POST", "", registration("CMPY", type)).status == 201);
  c.now += 1250ms;
  const auto id = c.order("POST", "/records/change", R"({"entity":"company"})").at("ids").at(0);
  const auto due = c.carry();
  REQUIRE(due.size() == 1);
  CHECK(due[0].what.attempts_left == 11);
  const std::pair<std::string, std::string> token{"Authorization", "Bearer secret-token-1234"};
  CHECK(due[0].what.headers.at(0) == token);
  const auto event = json::parse(due[0].what.body);
  CHECK(event.at("eventType") == "UPDATE");
  CHECK(event.at("eventTime").at("epochSecond") == 1767225601);
  CHECK(event.at("eventTime").at("nano") == 250000000);
  CHECK(event.at("newState").at("ID") == id);
  CHECK(event.at("newState").at("lastUpdateDate") == "2026-01-01T01:00:01.250+0100");
  CHECK(event.at("newState").at("extRefID") != event.at("oldState").at("extRefID"));
  CHECK_FALSE(event.at("newState").as_object().contains("entryDate"));
  CHECK(event.at("customerId") == json::value(c.customer_id.c_str()));

  c.order("POST", "/records/add", R"({"entity":"company"})");
  const auto created = json::parse(c.carry().at(0).what.body);
  CHECK(created.at("oldState") == json::object());
  const json::object gone{{"entity", "company"}, {"ids", {id}}};
  c.order("POST", "/records/delete", json::serialize(gone));
  const auto deleted = json::parse(c.carry().at(0).what.body);
  CHECK(deleted.at("oldState").at("ID") == id);
  CHECK(deleted.at("newState") == json::object());
  c.order("POST", "/records/change", R"({"entity":"user"})");
  CHECK(c.carry().empty());
}

TEST_CASE("filters and one object narrow a subscription, base64 wraps the states",
          "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  const std::string id(c.data(session, "v20.0/user/search?isActive=true&isAdmin=false").at(0).at("ID").as_string());
  const auto filter = [](const std::string& field) {
    return R"(,"filters":[{"fieldName":")" + field + R"(","comparison":"changed"}])";
  };
  c.events(session, "POST", "", registration("USER", "UPDATE", filter("isActive") + R"(,"base64Encoding":"true")"));
  c.events(session, "POST", "", registration("USER", "UPDATE", filter("no_such_field")));
  c.events(session, "POST", "", registration("USER", "UPDATE", R"(,"objId":"58d389be000000deb46805b72b41e3b4")"));
  const auto touch = [&](const json::object& fields) {
    const json::object body{{"entity", "user"}, {"id", id}, {"fields", fields}};
    c.order("POST", "/records/touch-id", json::serialize(body));
    return c.carry();
  };
  CHECK(touch({{"title", "Chef"}}).empty());
  const auto due = touch({{"isActive", false}});
  REQUIRE(due.size() == 1);
  const std::string packed(json::parse(due[0].what.body).at("newState").as_string());
  CHECK(json::parse(from_base64(packed)).at("ID") == json::value(id.c_str()));
}

TEST_CASE("a delivery that is refused waits ever longer", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.events(session, "POST", "", registration("CMPY", "UPDATE"));
  c.order("POST", "/records/change", R"({"entity":"company"})");
  CHECK(c.carry(500).size() == 1);
  c.now += 84'799ms;
  CHECK(c.carry(500).empty());
  c.now += 1ms;
  CHECK(c.carry(500).size() == 1);
  c.now += 254'399ms;
  CHECK(c.carry(500).empty());
  CHECK(c.order("GET", "/webhooks").at("webhooks").at(0).at("refused") == 2);
}

TEST_CASE("a switch of versions tells everything twice for five minutes", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.order("POST", "/knobs", R"({"subscription_version":"v1"})");
  const auto made = json::parse(c.events(session, "POST", "", registration("CMPY", "UPDATE")).body);
  CHECK(made.at("version") == "v1");
  const std::string id(made.at("id").as_string());
  const auto told = [&] {
    c.order("POST", "/records/change", R"({"entity":"company"})");
    return c.carry();
  };
  CHECK(json::parse(told().at(0).what.body).at("subscriptionVersion") == "v1");

  CHECK(c.events(session, "PUT", "/" + id + "/version", R"({"version":"v3"})").status == 400);
  CHECK(c.events(session, "PUT", "/nobody/version", R"({"version":"v2"})").status == 404);
  CHECK(c.events(session, "PUT", "/" + id + "/version", R"({"version":"v2"})").body ==
        R"({"id":")" + id + R"(","version":"v2"})");
  const auto twice = told();
  REQUIRE(twice.size() == 2);
  CHECK(twice[0].what.body == twice[1].what.body);
  CHECK(json::parse(twice[0].what.body).at("eventVersion") == "v2");
  c.now += 5min;
  CHECK(told().size() == 1);

  CHECK(c.events(session, "PUT", "/version", R"({"allCustomerSubscriptions":true})").status == 200);
  CHECK(c.events(session, "PUT", "/version", "{}").status == 400);
  CHECK(told().size() == 1);  // it is on v2 already
}

TEST_CASE("a URL that fails too often is disabled, probed, and comes back", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.order("POST", "/knobs", R"({"event_attempts":1,"messages_before_judged":10,"events_listed":"documents"})");
  c.events(session, "POST", "", registration("CMPY", "UPDATE"));
  const auto told = [&](int status) {
    c.order("POST", "/records/change", R"({"entity":"company"})");
    return c.carry(status).size();
  };
  const auto disabled_at = [&] {
    const auto listed = json::parse(c.events(session, "GET").body);
    return listed.at("subscriptions").at(0).at("subscription_url").at("disabled_at");
  };
  for (int n = 0; n < 10; ++n) CHECK(told(500) == 1);
  CHECK(disabled_at().is_null());
  CHECK(told(500) == 1);
  CHECK(disabled_at().is_string());
  CHECK(told(200) == 0);
  c.now += 10min;
  CHECK(told(500) == 1);
  CHECK(told(200) == 0);
  c.now += 10min;
  CHECK(told(200) == 1);
  CHECK(disabled_at().is_null());
  CHECK(told(200) == 1);
}

TEST_CASE("a URL that has failed for days is frozen until it is registered anew", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.order("POST", "/knobs", R"({"event_attempts":1,"failures_until_disabled":3,"session_life_seconds":10000000})");
  const auto long_session = c.connect().session;
  c.events(session, "POST", "", registration("CMPY", "UPDATE"));
  const auto told = [&](int status) {
    c.order("POST", "/records/change", R"({"entity":"company"})");
    return c.carry(status).size();
  };
  CHECK(told(200) == 1);
  for (int n = 0; n < 3; ++n) CHECK(told(0) == 1);
  c.now += 73h;
  CHECK(told(0) == 1);  // the probe
  c.now += 73h;
  CHECK(told(200) == 0);
  c.order("POST", "/knobs", R"({"events_listed":"documents"})");
  const auto listed = [&] { return json::parse(c.events(long_session, "GET").body).at("subscriptions").at(0); };
  const auto url = listed().at("subscription_url");
  CHECK(url.at("frozen_at").is_string());
  CHECK(url.at("failures") == 4);

  CHECK(c.events(long_session, "POST", "", registration("CMPY", "UPDATE")).status == 409);
  CHECK(told(200) == 0);
  c.events(long_session, "DELETE", "/" + std::string(listed().at("id").as_string()));
  CHECK(c.events(long_session, "POST", "", registration("CMPY", "UPDATE")).status == 201);
  CHECK(told(200) == 1);
  CHECK(listed().at("subscription_url").at("frozen_at").is_null());
}

TEST_CASE("where a deleted record is told of, how the token goes, and validation are knobs",
          "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.order("POST", "/knobs", R"({"delete_in_new_state":true,"event_token_plain":true,"event_validation":true})");
  c.events(session, "POST", "", registration("CMPY", "DELETE"));
  const auto validation = c.carry();
  REQUIRE(validation.size() == 1);
  CHECK(validation[0].what.body == "{}");
  CHECK(validation[0].what.headers.at(0).second == "secret-token-1234");
  const auto id = c.order("POST", "/records/delete", R"({"entity":"company"})").at("ids").at(0);
  const auto event = json::parse(c.carry().at(0).what.body);
  CHECK(event.at("newState").at("ID") == id);
  CHECK(event.at("oldState") == json::object());

  c.order("POST", "/knobs", R"({"event_https_only":true})");
  CHECK(c.events(session, "POST", "", registration("PROJ", "DELETE")).status == 400);
  c.order("POST", "/knobs", R"({"not_admin":true})");
  CHECK(c.events(session, "GET").status == 403);
}

TEST_CASE("a subscription that was deleted is not tried again", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  const auto made = json::parse(c.events(session, "POST", "", registration("CMPY", "UPDATE")).body);
  c.order("POST", "/records/change", R"({"entity":"company"})");
  CHECK(c.carry(500).size() == 1);
  CHECK(c.events(session, "DELETE", "/" + std::string(made.at("id").as_string())).status == 200);
  c.now += 90s;
  CHECK(c.carry(500).size() == 1);  // was on its way
  c.now += 24h;
  CHECK(c.carry().empty());
}

TEST_CASE("a forged event has another token, or none", "[provider_sim][workfront][events]") {
  customer c;
  const auto session = c.connect().session;
  c.events(session, "POST", "", registration("CMPY", "UPDATE"));
  c.order("POST", "/records/change", R"({"entity":"company"})");
  const auto true_one = c.carry().at(0).what;
  c.order("POST", "/webhooks/forge", R"({"headers":{"authorization":"Bearer guess"}})");
  c.order("POST", "/webhooks/forge", R"({"headers":{"authorization":null}})");
  const auto forged = c.carry();
  REQUIRE(forged.size() == 2);
  REQUIRE(forged[0].what.headers.size() == 1);
  CHECK(forged[0].what.headers[0].second == "Bearer guess");
  CHECK(forged[1].what.headers.empty());
  CHECK(forged[1].what.body == true_one.body);
}
