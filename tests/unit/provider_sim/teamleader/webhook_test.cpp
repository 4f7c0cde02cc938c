// SPDX-License-Identifier: Apache-2.0
// Teamleader's webhooks: registering them, what is delivered, and what the control port does to deliveries.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <tuple>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::teamleader;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr const char* hook = "http://127.0.0.1:9/hook";

std::string registration(const std::string& types, const std::string& url = hook) {
  return R"({"url":")" + url + R"(","types":[)" + types + "]}";
}

}  // namespace

TEST_CASE("a webhook is delivered for the types registered, to who registered them", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  CHECK(s.call(access, "webhooks.register", registration(R"("company.updated","contact.deleted")")).status == 204);
  CHECK(s.data(access, "webhooks.list").at(0).at("url") == hook);

  const auto id = s.order("POST", "/records/change", R"({"entity":"company","count":1})").at("ids").at(0);
  s.order("POST", "/records/change", R"({"entity":"contact","count":1})");
  const auto due = s.carry();

  REQUIRE(due.size() == 1);
  const auto text = std::string(id.as_string());
  CHECK(due[0].what.body == R"({"type":"company.updated","subject":{"type":"company","id":")" + text + R"("}})");
  CHECK(due[0].what.ids == std::vector<std::string>{text});
  CHECK(due[0].what.headers.empty());
  CHECK(s.carry().empty());
  CHECK(s.order("GET", "/webhooks").at("webhooks").at(0).at("taken") == 1);

  s.call(access, "webhooks.unregister", registration(R"("company.updated")"));
  s.order("POST", "/records/change", R"({"entity":"company","count":1})");
  CHECK(s.carry().empty());
  s.order("POST", "/records/delete", R"({"entity":"contact","count":1})");
  CHECK(s.carry().size() == 1);
  s.call(access, "webhooks.unregister", registration(R"("contact.deleted")"));
  CHECK(s.data(access, "webhooks.list").as_array().empty());
}

TEST_CASE("what was added, updated and deleted is told of both entities", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("company.added","company.updated","company.deleted",
                         "contact.added","contact.updated","contact.deleted")"));
  std::vector<std::string> events;
  for (const char* entity : {"company", "contact"}) {
    for (const char* what : {"add", "change", "delete"}) {
      s.order("POST", std::string("/records/") + what, json::serialize(json::object{{"entity", entity}, {"count", 1}}));
      for (const auto& one : s.carry()) events.push_back(one.what.event);
    }
  }
  CHECK(events == std::vector<std::string>{"company.added", "company.updated", "company.deleted", "contact.added",
                                           "contact.updated", "contact.deleted"});
}

TEST_CASE("a link between a contact and a company is told by events of its own, and moves no time of change",
          "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("contact.updated","contact.linkedToCompany",
                         "contact.unlinkedFromCompany","contact.updatedLinkToCompany")"));
  const auto shown = [&](const std::string& id) {
    return s.data(access, "contacts.info", R"({"id":")" + id + R"("})").as_object();
  };
  const auto companies_of = [&](const std::string& id) { return shown(id).at("companies").as_array(); };
  const auto listed = s.data(access, "contacts.list", R"({"page":{"size":100}})");
  std::map<std::string, json::object> before;
  for (const auto& one : listed.as_array()) {
    const std::string id = one.at("id").as_string().c_str();
    before[id] = shown(id);
  }
  s.now += 30min;
  for (const auto& [what, event, grown] :
       {std::tuple{"linked", "contact.linkedToCompany", 1}, std::tuple{"unlinked", "contact.unlinkedFromCompany", -1},
        std::tuple{"changed", "contact.updatedLinkToCompany", 0}}) {
    const std::string order = R"({"count":3,"what":")" + std::string(what) + "\"}";
    const auto ids = s.order("POST", "/links/change", order).at("ids").as_array();
    CHECK(ids.size() == 3);
    const auto told = s.carry();
    CHECK(told.size() == 3);
    for (const auto& one : told) CHECK(one.what.event == event);
    for (const auto& one : ids) {
      const std::string id = one.as_string().c_str();
      INFO(what << " " << id);
      const auto links = companies_of(id);
      CHECK(static_cast<int>(links.size()) ==
            static_cast<int>(before.at(id).at("companies").as_array().size()) + grown);
      CHECK(links != before.at(id).at("companies").as_array());
      CHECK(shown(id).at("updated_at") == before.at(id).at("updated_at"));
      before[id] = shown(id);
      // The company's side says the same.
      for (const auto& link : links) {
        const auto company = s.data(access, "companies.info",
                                    R"({"includes":"related_contacts","id":")" +
                                        std::string(link.at("company").at("id").as_string().c_str()) + R"("})");
        const auto& related = company.at("related_contacts").as_array();
        const auto same =
            std::find_if(related.begin(), related.end(), [&](const auto& r) { return r.at("id") == one; });
        REQUIRE(same != related.end());
        CHECK(same->at("position") == link.at("position"));
      }
    }
  }
  CHECK(s.data(access, "contacts.list", R"({"page":{"size":100}})") == listed);
  CHECK(s.ask_control("POST", "/links/change", R"({"what":"forgotten"})").status == 400);
}

TEST_CASE("a registration without a good url or types is refused", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  for (const auto* bad : {R"({})", R"({"url":"http://127.0.0.1:9/"})", R"({"url":"nowhere","types":["company.added"]})",
                          R"({"url":"http://127.0.0.1:9/","types":[]})", R"({"url":5,"types":["company.added"]})",
                          R"({"url":"http://127.0.0.1:9/","types":["company"]})",
                          R"({"url":"http://127.0.0.1:9/","types":["company.deactivated"]})"})
    CHECK(s.call(access, "webhooks.register", bad).status == 400);
  CHECK(s.call(access, "webhooks.register", registration(R"("deal.won")")).status == 204);
  CHECK(s.call("nobody", "webhooks.list").status == 401);
}

TEST_CASE("what a second registration does, how many there may be, and https are knobs", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  const auto enrol = [&](const std::string& url = hook) {
    return s.call(access, "webhooks.register", registration(R"("company.updated")", url)).status;
  };
  const auto delivered = [&] {
    s.order("POST", "/records/change", R"({"entity":"company","count":1})");
    return s.carry().size();
  };
  CHECK(enrol() == 204);
  CHECK(enrol() == 204);
  CHECK(delivered() == 1);
  s.order("POST", "/knobs", R"({"webhook_again":"refuse"})");
  CHECK(enrol() == 400);
  s.order("POST", "/knobs", R"({"webhook_again":"double"})");
  CHECK(enrol() == 204);
  CHECK(delivered() == 2);
  s.order("POST", "/knobs", R"({"webhook_limit":1})");
  CHECK(enrol("http://127.0.0.1:9/other") == 400);
  s.order("POST", "/knobs", R"({"webhook_https_only":true,"webhook_limit":0})");
  CHECK(enrol("http://127.0.0.1:9/other") == 400);
  CHECK(enrol("https://koppel.example/other") == 204);
}

TEST_CASE("a delivery that was refused is tried again where the knob says so, until it is withdrawn",
          "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("company.updated")"));
  s.order("POST", "/records/change", R"({"entity":"company","count":1})");
  CHECK(s.carry(500).size() == 1);
  s.now += 30min;
  CHECK(s.carry().empty());

  s.order("POST", "/knobs", R"({"webhook_retries":5,"webhook_retry_pause_ms":60000})");
  s.order("POST", "/records/change", R"({"entity":"company","count":1})");
  CHECK(s.carry(500).size() == 1);
  s.now += 59s;
  CHECK(s.carry(500).empty());
  s.now += 1s;
  CHECK(s.carry(500).size() == 1);
  CHECK(s.order("GET", "/webhooks").at("webhooks").at(0).at("refused") == 3);
  s.call(access, "webhooks.unregister", registration(R"("company.updated")"));
  s.now += 1min;
  CHECK(s.carry(500).size() == 1);  // under way when it was withdrawn
  s.now += 1h;
  CHECK(s.carry().empty());
}

TEST_CASE("with disorder, deliveries come shuffled and some twice", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("contact.updated")"));
  s.order("POST", "/knobs", R"({"webhook_disorder":true})");
  s.order("POST", "/webhooks/rules", R"({"at_once":100})");
  const auto ids = s.order("POST", "/records/change", R"({"entity":"contact","count":30})").at("ids").as_array();
  const auto due = s.carry();
  REQUIRE(due.size() == 33);
  bool in_order = true;
  for (std::size_t at = 0; at < ids.size(); ++at)
    in_order = in_order && due[at].what.body.find(ids[at].as_string().c_str()) != std::string::npos;
  CHECK_FALSE(in_order);
}

TEST_CASE("a flood hints at records of which none changed", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("company.updated")"));
  s.order("POST", "/webhooks/rules", R"({"at_once":16})");
  const auto before = s.ask_control("GET", "/records?entity=company").body;
  CHECK(s.order("POST", "/webhooks/flood", R"({"entity":"company","count":30,"per_second":10})").at("sent") == 30);
  CHECK(s.carry().size() == 1);
  s.now += 3s;
  CHECK(s.carry().size() == 16);
  CHECK(s.carry().size() == 13);
  CHECK(s.ask_control("GET", "/records?entity=company").body == before);
  CHECK(s.ask_control("POST", "/webhooks/flood", R"({"entity":"nobody"})").status == 400);
  CHECK(s.ask_control("POST", "/webhooks/flood", R"({"entity":"company","count":0})").status == 400);
}

TEST_CASE("a forged call is the latest one with other words, or made up altogether", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("company.updated")"));
  CHECK(s.ask_control("POST", "/webhooks/forge", "{}").status == 400);  // there is none to copy
  s.order("POST", "/records/change", R"({"entity":"company","count":1})");
  s.carry();

  s.order("POST", "/webhooks/forge",
          R"({"set":{"subject":{"type":"company","id":"x"}},"headers":{"Authorization":"Bearer me"}})");
  const auto copied = s.carry();
  REQUIRE(copied.size() == 1);
  CHECK(copied[0].what.url == hook);
  CHECK(copied[0].what.body == R"({"type":"company.updated","subject":{"type":"company","id":"x"}})");
  CHECK(copied[0].what.headers.size() == 1);

  s.order("POST", "/webhooks/forge", R"({"url":"http://127.0.0.1:9/guess","body":"not JSON","count":3})");
  const auto made_up = s.carry();
  REQUIRE(made_up.size() == 3);
  CHECK(made_up[2].what.url == "http://127.0.0.1:9/guess");
  CHECK(made_up[2].what.body == "not JSON");
  CHECK(s.order("GET", "/webhooks").at("webhooks").at(0).at("taken") == 1);
}

TEST_CASE("the log of attempts says what was told of which records, and when", "[provider_sim][webhooks]") {
  situation s;
  const auto access = s.connect().access;
  s.call(access, "webhooks.register", registration(R"("company.updated")"));
  const auto ids = s.order("POST", "/records/change", R"({"entity":"company","count":2})").at("ids").as_array();
  s.order("POST", "/webhooks/again", R"({"count":1})");
  s.now += 40ms;
  CHECK(s.carry().size() == 3);

  const auto log = s.order("GET", "/webhooks/attempts?since=0&limit=2");
  REQUIRE(log.at("attempts").as_array().size() == 2);
  const auto& first = log.at("attempts").at(0);
  CHECK(first.at("event") == "company.updated");
  CHECK(first.at("ids").at(0) == ids[0]);
  CHECK(first.at("status") == 200);
  CHECK(first.at("ended_ms").as_int64() - first.at("made_ms").as_int64() == 40);
  CHECK(s.order("GET", "/webhooks/attempts?since=2").at("attempts").as_array().size() == 1);
  CHECK(s.order("GET", "/webhooks").at("counts").at("taken") == 3);
}
