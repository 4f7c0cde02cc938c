// SPDX-License-Identifier: Apache-2.0
// Zoho's notification channels: who may have one, how long it lives, and what it delivers.
#include <catch2/catch.hpp>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::zoho;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr const char* hook = "http://127.0.0.1:9/zoho/secret-path?a=b%20c";

struct subscriber : situation {
  std::string access = connect().access;

  explicit subscriber(knobs settings = {}) : situation({20, 50, 3}, settings) {}

  reply watch(const std::string& method, const std::string& body, const std::string& query = "") {
    request asked;
    asked.method = method;
    asked.host = eu_api;
    asked.path = "/crm/v8/actions/watch";
    asked.query = query;
    asked.authorization = "Zoho-oauthtoken " + access;
    asked.body = body;
    return provider.serve(asked, now);
  }

  /// A channel with the events, and more members (with a comma before them).
  static std::string channel(const std::string& events, const std::string& more = "", const std::string& id = "1001") {
    return R"({"watch":[{"channel_id":")" + id + R"(","events":[)" + events + R"(],"notify_url":")" + hook +
           R"(","token":"tok-1")" + more + "}]}";
  }

  json::value row(const reply& answer) { return json::parse(answer.body).at("watch").at(0); }

  std::string change(const std::string& entity, const std::string& what = "change", int count = 1) {
    const auto ids =
        order("POST", "/records/" + what, json::serialize(json::object{{"entity", entity}, {"count", count}}));
    return ids.at("ids").at(0).as_string().c_str();
  }
};

}  // namespace

TEST_CASE("a channel is told of what it asked for, in the documented words", "[provider_sim][zoho][watch]") {
  subscriber s;
  const auto made =
      s.watch("POST", s.channel(R"("Accounts.all","users.edit")", R"(,"notify_on_related_action":false)"));
  REQUIRE(made.status == 201);
  CHECK(s.row(made).at("status") == "success");
  CHECK(s.row(made).at("message") == "Successfully subscribed for actions-watch of the given module");
  const auto events = s.row(made).at("details").at("events").as_array();
  REQUIRE(events.size() == 2);
  CHECK(events[0].at("resource_uri") == "https://www.zohoapis.eu/crm/v2/Accounts");
  CHECK(events[0].at("channel_id") == "1001");

  s.now += 1234ms;
  const auto id = s.change("account");
  auto due = s.carry();
  REQUIRE(due.size() == 1);
  CHECK(due[0].what.body == R"({"server_time":1767225601234,"query_params":{"a":"b c"},"module":"Accounts",)"
                            R"("resource_uri":"https://www.zohoapis.eu/crm/v2/Accounts","ids":[")" +
                                id +
                                R"("],"affected_fields":[],"operation":"update","channel_id":"1001","token":"tok-1"})");
  CHECK(due[0].what.url == hook);
  CHECK(due[0].what.headers.empty());

  s.change("account", "add");
  s.change("account", "delete");
  s.change("user");
  s.change("user", "add");
  s.change("contact");
  std::vector<std::string> told;
  for (const auto& one : s.carry()) {
    const auto body = json::parse(one.what.body);
    told.push_back(std::string(body.at("module").as_string()) + " " + std::string(body.at("operation").as_string()));
  }
  CHECK(told == std::vector<std::string>{"Accounts insert", "Accounts delete", "users update"});
}

TEST_CASE("a channel ends when its time is over, and too long a time is an hour", "[provider_sim][zoho][watch]") {
  subscriber s;
  const auto lives_until = [&](const std::string& wanted) {
    const auto made = s.watch("POST", s.channel(R"("Accounts.all")", wanted));
    REQUIRE(made.status == 201);
    return std::string(s.row(made).at("details").at("events").at(0).at("channel_expiry").as_string());
  };
  CHECK(lives_until("") == "2026-01-01T03:00:00+02:00");
  CHECK(lives_until(R"(,"channel_expiry":"2026-01-08T00:00:01Z")") == "2026-01-01T03:00:00+02:00");
  CHECK(lives_until(R"(,"channel_expiry":"2026-01-08T00:00:00Z")") == "2026-01-08T02:00:00+02:00");
  CHECK(lives_until(R"(,"channel_expiry":"2026-01-01T00:30:00+00:00")") == "2026-01-01T02:30:00+02:00");

  s.now += 30min - 1s;
  s.change("account");
  CHECK(s.carry().size() == 1);
  s.now += 1s;
  s.change("account");
  CHECK(s.carry().empty());
  CHECK(s.watch("GET", "", "channel_id=1001").status == 204);
  CHECK(s.watch("PATCH", s.channel(R"("Accounts.all")")).status == 400);
}

TEST_CASE("a channel that is renewed in time goes on, with what was not named as it was",
          "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all")"));
  s.now += 50min;
  const auto renewed =
      s.watch("PATCH", R"({"watch":[{"channel_id":1001,"channel_expiry":"2026-01-01T10:00:00+00:00"}]})");
  CHECK(renewed.status == 200);
  CHECK(s.row(renewed).at("details").at("events").at(0).at("channel_expiry") == "2026-01-01T12:00:00+02:00");
  s.now += 50min;
  s.access = s.connect().access;
  s.change("account");
  REQUIRE(s.carry().size() == 1);

  const auto shown = s.row(s.watch("GET", "", "channel_id=1001&module=Accounts"));
  CHECK(shown.at("token") == "tok-1");
  CHECK(shown.at("notify_url") == hook);
  CHECK(shown.at("events").at(0) == "Accounts.all");
  CHECK(shown.at("notify_on_related_action") == true);
  CHECK(shown.at("fields").is_null());
}

TEST_CASE("replacing takes away what is not named, and events are dropped one by one", "[provider_sim][zoho][watch]") {
  subscriber s;
  CHECK(s.watch("PUT", s.channel(R"("Accounts.all")")).status == 400);
  s.watch("POST", s.channel(R"("Accounts.all","Contacts.edit")"));
  CHECK(s.watch("PUT", s.channel(R"("Contacts.edit","Contacts.delete")")).status == 200);
  s.change("account");
  CHECK(s.carry().empty());

  const auto dropped =
      s.watch("PATCH", R"({"watch":[{"channel_id":"1001","events":["Contacts.edit"],"_delete_events":true}]})");
  CHECK(s.row(dropped).at("message") == "Successfully removed the subscribe details");
  s.change("contact");
  CHECK(s.carry().empty());
  s.change("contact", "delete");
  CHECK(s.carry().size() == 1);
}

TEST_CASE("a channel is disabled once, for all of its modules", "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all","Contacts.all")"));
  const auto gone = s.watch("DELETE", "", "channel_ids=1001");
  CHECK(gone.status == 200);
  CHECK(json::parse(gone.body).at("watch").as_array().size() == 2);
  CHECK(s.row(gone).at("message") == "Successfully un-subscribed from actions-watch");
  CHECK(s.watch("DELETE", "", "channel_ids=1001").status == 400);
  CHECK(s.watch("DELETE", "").status == 400);
  s.change("account");
  CHECK(s.carry().empty());

  s.watch("POST", s.channel(R"("Accounts.all")"));
  CHECK(s.watch("DELETE", "", "channel_ids=1001,1002").status == 207);
}

TEST_CASE("what is wrong with a channel is said, element by element", "[provider_sim][zoho][watch]") {
  subscriber s;
  const auto long_token = std::string(51, 'x');
  const std::pair<std::string, const char*> bad[] = {
      {R"({"watch":[{"events":["Accounts.all"],"notify_url":"http://127.0.0.1:9/"}]})", "MANDATORY_NOT_FOUND"},
      {R"({"watch":[{"channel_id":"1","notify_url":"http://127.0.0.1:9/"}]})", "MANDATORY_NOT_FOUND"},
      {R"({"watch":[{"channel_id":"1","events":["Accounts.all"]}]})", "MANDATORY_NOT_FOUND"},
      {s.channel(R"("Accounts.all")", "", "not-a-number"), "INVALID_DATA"},
      {s.channel(R"("Nothings.all")"), "INVALID_DATA"},
      {s.channel(R"("Accounts.update")"), "INVALID_DATA"},
      {s.channel(R"("Accounts.all")", R"(,"token":")" + long_token + "\""), "INVALID_DATA"},
      {s.channel(R"("Accounts.all")", R"(,"channel_expiry":"2025-12-31T00:00:00Z")"), "INVALID_DATA"},
      {s.channel(R"("Accounts.all")", R"(,"channel_expiry":"tomorrow")"), "INVALID_DATA"},
  };
  for (const auto& [body, code] : bad) {
    INFO(body);
    const auto refused = s.watch("POST", body);
    CHECK(refused.status == 400);
    CHECK(s.row(refused).at("code") == code);
    CHECK(s.row(refused).at("status") == "error");
  }
  CHECK(s.watch("POST", "[]").status == 400);
  CHECK(s.watch("POST", R"({"watch":[]})").status == 400);
  CHECK(s.watch("GET", "").status == 400);
  CHECK(s.order("GET", "/webhooks").at("webhooks").as_array().empty());

  const auto half = s.watch("POST", R"({"watch":[{"channel_id":5},{"channel_id":6,"events":["Accounts.all"],
                                                 "notify_url":"http://127.0.0.1:9/"}]})");
  CHECK(half.status == 207);
  CHECK(s.order("GET", "/webhooks").at("webhooks").at(0).at("id") == "6");
}

TEST_CASE("an element with a module that is hidden is refused whole, and no other element",
          "[provider_sim][zoho][watch]") {
  subscriber s;
  s.order("POST", "/knobs", R"({"hidden_module":"Contacts"})");
  const auto whole = s.watch("POST", s.channel(R"("Accounts.all","Contacts.all")"));
  CHECK(whole.status == 400);
  CHECK(s.row(whole).at("code") == "INVALID_DATA");
  CHECK(s.watch("POST", s.channel(R"("Accounts.all")")).status == 201);
  CHECK(situation::text(s.call(s.access, "/Contacts?fields=Email"), "code") == "INVALID_MODULE");
  CHECK(s.call(s.access, "/Accounts?fields=Phone").status == 200);
}

TEST_CASE("without its scope a client has no channels, and another client's are not its own",
          "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all")"));
  const std::string mine = s.client_id;
  const auto as = [&](const char* id, const std::string& scopes) {
    s.order("POST", "/clients",
            std::string(R"({"client_id":")") + id + R"(","client_secret":"x","scopes":[)" + scopes +
                R"(],"account":{"id":"7328395000000000225","name":"Acme","host":"eu"}})");
    s.client_id = id;
    s.client_secret = "x";
    s.access = s.connect().access;
  };
  as("1000.OTHER", R"("ZohoCRM.notifications.READ")");
  CHECK(s.watch("GET", "", "channel_id=1001").status == 204);
  CHECK(s.watch("POST", s.channel(R"("Accounts.all")")).status == 401);
  CHECK(situation::text(s.watch("DELETE", "", "channel_ids=1001"), "code") == "OAUTH_SCOPE_MISMATCH");
  as("1000.NONE", R"("ZohoCRM.modules.ALL")");
  CHECK(s.watch("GET", "", "channel_id=1001").status == 401);
  as("1000.CREATE", R"("ZohoCRM.notifications.CREATE")");
  CHECK(s.watch("POST", s.channel(R"("Accounts.all")")).status == 201);
  CHECK(s.watch("PATCH", s.channel(R"("Accounts.all")")).status == 401);
}

TEST_CASE("a contact's change is told as its account's too, unless the channel says no",
          "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all")"));
  std::size_t told = 0;
  for (int n = 0; n < 20; ++n) {
    s.change("contact");
    for (const auto& one : s.carry()) told += json::parse(one.what.body).at("module") == "Accounts" ? 1 : 0;
  }
  CHECK(told > 0);
  s.watch("POST", s.channel(R"("Accounts.all")", R"(,"notify_on_related_action":false)"));
  for (int n = 0; n < 20; ++n) s.change("contact");
  CHECK(s.carry().empty());
}

TEST_CASE("many records come in few notifications, with values where they were asked for",
          "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all")", R"(,"return_affected_field_values":true)"));
  s.change("account", "change", 12);
  const auto due = s.carry();
  REQUIRE(due.size() == 2);
  const auto first = json::parse(due[0].what.body);
  CHECK(first.at("ids").as_array().size() == 10);
  CHECK(first.at("affected_values").at(9).at("record_id") == first.at("ids").at(9));
  CHECK(first.at("affected_fields").as_array().size() == 10);
  CHECK(json::parse(due[1].what.body).at("ids").as_array().size() == 2);
}

TEST_CASE("a notification that fails is lost, unless the knob says otherwise", "[provider_sim][zoho][watch]") {
  subscriber s;
  s.watch("POST", s.channel(R"("Accounts.all")"));
  s.change("account");
  CHECK(s.carry(503).size() == 1);
  s.now += 1min;
  CHECK(s.carry().empty());
  s.order("POST", "/knobs", R"({"notification_retries":1,"notification_operations":"event","channel_id_as_number":true,
                               "channel_again":"refuse","notify_https_only":true})");
  s.change("account", "add");
  CHECK(s.carry(503).size() == 1);
  s.now += 1min;
  const auto again = s.carry();
  REQUIRE(again.size() == 1);
  const auto body = json::parse(again[0].what.body);
  CHECK(body.at("operation") == "create");
  CHECK(body.at("channel_id") == 1001);
  CHECK(s.watch("POST", s.channel(R"("Accounts.all")")).status == 400);
  CHECK(s.watch("POST", s.channel(R"("Accounts.all")", "", "77")).status == 400);
}
