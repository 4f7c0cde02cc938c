// SPDX-License-Identifier: Apache-2.0
// The connector against the simulated provider, which shares no code with it: what one asks, the other has to accept,
// and after each run the copy is what the provider has.
#include <koppel/testing/scripted_host.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "simulator.hpp"
#include "zoho/zoho.hpp"

namespace sim = koppel::provider_sim;
using namespace koppel::testing;
using namespace std::chrono_literals;

namespace {

std::string counting_hex(std::size_t bytes) {
  static std::uint64_t count = 0;
  const auto text = std::to_string(++count);
  return std::string(2 * bytes - text.size(), '0') + text;
}

struct connection {
  sim::instant now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  sim::simulator provider;
  scripted_host host{load_plugin(ZOHO_PLUGIN)};
  std::string access;
  std::map<std::string, std::string> cursors;  ///< by stream

  explicit connection(sim::zoho::dataset_size size)
      : provider(std::make_unique<sim::zoho::crm>(sim::zoho::options{size, {}}, sim::beginning{7, now, counting_hex}),
                 {7, now, counting_hex}) {
    order("POST", "/knobs", R"({"access_life_seconds":100000000,"credits":1000000})");
    const auto client = order("GET", "/clients").at("clients").at(0);
    const std::string id(client.at("client_id").as_string().c_str());
    const std::string secret(client.at("client_secret").as_string().c_str());
    const auto code = order("POST", "/codes", R"({"client_id":")" + id + R"(","redirect_uri":"https://k.example/"})");
    sim::request asked;
    asked.method = "POST";
    asked.host = "accounts.zoho.eu";
    asked.path = "/oauth/v2/token";
    asked.content_type = "application/x-www-form-urlencoded";
    asked.body = "grant_type=authorization_code&client_id=" + id + "&client_secret=" + secret +
                 "&redirect_uri=https://k.example/&code=" + code.at("code").as_string().c_str();
    access = boost::json::parse(provider.serve(asked, now).body).at("access_token").as_string().c_str();
  }

  boost::json::value order(const std::string& method, const std::string& path, const std::string& body = "") {
    sim::request asked;
    asked.method = method;
    asked.path = path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) asked.query = path.substr(path.find('?') + 1);
    asked.body = body;
    auto answer = provider.control(asked, now);
    REQUIRE(answer.status == 200);
    return boost::json::parse(answer.body);
  }
  void order_records(const std::string& what, const std::string& entity, int count) {
    order("POST", "/records/" + what, R"({"entity":")" + entity + R"(","count":)" + std::to_string(count) + "}");
  }

  answer operator()(const asked& request) {
    sim::request made;
    made.method = request.method;
    made.host = request.host;
    made.path = request.path;
    made.query = request.query;
    made.headers = request.headers;
    made.body = request.body;
    made.authorization = "Zoho-oauthtoken " + access;
    auto said = provider.serve(made, now);
    for (auto& [name, value] : said.headers)
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return {said.status, said.body, said.headers};
  }

  job_options options(const std::string& cursor, bool full) const {
    job_options out;
    out.cursor = cursor;
    out.full = full;
    out.now = now.time_since_epoch().count();
    out.settings = {{"region", "eu"}, {"region.api", "www.zohoapis.eu"}};
    return out;
  }
  void play() {
    host.play(std::ref(*this));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  void sync(const std::string& stream, bool full) {
    host.sync(stream, options(full ? "" : cursors[stream], full));
    play();
    cursors[stream] = host.cursor();
  }

  std::map<std::string, std::string> here(const std::string& entity) const {
    std::map<std::string, std::string> out;
    for (const auto& [id, record] : host.records())
      if (record.entity == entity && !record.gone) out[id] = record.field("phones");
    return out;
  }
  std::map<std::string, std::string> there(const std::string& entity, const std::vector<std::string>& phones) {
    sim::request asked;
    asked.method = "GET";
    asked.path = "/records";
    asked.query = "entity=" + entity;
    const auto lines = provider.control(asked, now).body;
    std::map<std::string, std::string> out;
    for (std::size_t from = 0, end = 0; (end = lines.find('\n', from)) != std::string::npos; from = end + 1) {
      const auto row = boost::json::parse(lines.substr(from, end - from));
      std::string all;
      for (const auto& field : phones) {
        const auto& value = row.at(field);
        auto type = field;
        type[0] = static_cast<char>(type[0] | 0x20);
        if (value.is_string())
          all += (all.empty() ? "" : ",") + (R"({"number":)" + boost::json::serialize(value)) + R"(,"type":")" + type +
                 "\"}";
      }
      out[row.at("id").as_string().c_str()] = "[" + all + "]";
    }
    return out;
  }
  void demand_the_same() {
    CHECK(here("company") == there("account", {"Phone", "Fax"}));
    CHECK(here("contact") == there("contact", {"Phone", "Mobile", "Fax"}));
    CHECK(here("user") == there("user", {"phone", "mobile", "fax"}));
  }
};

}  // namespace

TEST_CASE("full reads, changes, deletions and quiet runs leave the copy as the provider has it", "[zoho][simulator]") {
  connection c({1'100, 250, 6});  // 150 accounts share a second
  for (const auto* stream : {"accounts", "contacts", "users"}) c.sync(stream, true);
  c.demand_the_same();

  for (int round = 0; round < 6; ++round) {
    c.now += 5min;
    c.order_records("change", "account", round == 2 ? 900 : 30);  // a mass update: five pages of one second
    c.order_records("delete", "account", round == 3 ? 450 : 3);
    c.order_records("add", "account", 7);
    c.order_records("delete", "contact", 5);
    c.order_records("change", "contact", 20);
    if (round == 1) c.order_records("add", "user", 2);
    for (const auto* stream : {"accounts", "contacts", "users"}) c.sync(stream, false);
    c.demand_the_same();
  }
  const auto before = c.host.requests();
  c.now += 5min;
  c.now += 20min;
  c.sync("contacts", false);
  CHECK(c.host.requests() - before <= 3);
}

TEST_CASE("a user who was deleted is gone, and so is what a full read no longer meets and asks for by id",
          "[zoho][simulator]") {
  connection c({5, 5, 6});
  for (const auto* stream : {"accounts", "contacts", "users"}) c.sync(stream, true);
  c.now += 1h;
  const std::string victim =
      c.order("POST", "/records/delete", R"({"entity":"user","count":1})").at("ids").at(0).as_string().c_str();
  c.sync("users", false);
  c.demand_the_same();

  const std::string lost =
      c.order("POST", "/records/delete", R"({"entity":"account","count":1})").at("ids").at(0).as_string().c_str();
  c.host.refetch("accounts", {lost}, c.options("", true));
  c.play();
  CHECK(c.host.records().at(lost).gone);
}

TEST_CASE("the records of twenty notifications cost one credit, and one each for those that are gone",
          "[zoho][simulator]") {
  connection c({30, 30, 6});
  for (const auto& [stream, kind] : {std::pair{"accounts", "account"}, {"contacts", "contact"}, {"users", "user"}}) {
    INFO(stream);
    const auto there = c.there(kind, {});
    std::vector<std::string> ids;
    for (const auto& [id, phones] : there)
      if (ids.size() < 20) ids.push_back(id);
    const auto before = c.host.requests();
    c.host.refetch(stream, ids, c.options("", false));
    c.play();
    CHECK(c.host.requests() - before == 1);
    for (const auto& id : ids) CHECK_FALSE(c.host.records().at(id).gone);

    c.order("POST", "/records/delete",
            R"({"entity":")" + std::string(kind) + R"(","count":1,"ids":[")" + ids.back() + "\"]}");
    c.host.refetch(stream, ids, c.options("", false));
    c.play();
    CHECK(c.host.requests() - before == 3);
    CHECK(c.host.records().at(ids.back()).gone);
  }
}

TEST_CASE("a run that is cut in a mass update and goes on a day later loses nothing", "[zoho][simulator]") {
  connection c({1'000, 0, 1});
  c.sync("accounts", true);
  c.now += 5min;
  c.order_records("change", "account", 900);
  c.host.sync("accounts", c.options(c.cursors["accounts"], false));
  c.host.play(std::ref(c), GENERATE(2, 3, 4, 5));
  c.host.cut();
  c.now += 25h;  // no page token lives that long
  c.host.resume("accounts", c.options("", false));
  c.play();
  CHECK(c.here("company") == c.there("account", {"Phone", "Fax"}));
}

TEST_CASE("a module that the organisation hides costs its own stream and notifications, and no other's",
          "[zoho][simulator]") {
  connection c({5, 5, 2});
  c.order("POST", "/knobs", R"({"hidden_module":"Contacts"})");
  c.host.probe(c.options("", false));
  c.play();
  CHECK(c.host.outcome().streams_refused == std::vector<std::string>{"contacts"});
  const auto watched = [&] {
    std::string all;
    const auto overview = c.order("GET", "/webhooks");
    for (const auto& one : overview.at("webhooks").as_array()) all += one.at("types").at(0).as_string().c_str();
    return all;
  };
  auto options = c.options("", false);
  c.host.register_webhooks(options);
  c.play();
  CHECK(watched() == "Accounts.allusers.all");
  // Shown again, it is watched again from the next renewal on.
  c.order("POST", "/knobs", R"({"hidden_module":"none"})");
  options.settings["webhook_channel"] = c.host.remembered().at("webhook_channel");
  c.host.register_webhooks(options);
  c.play();
  CHECK(watched() == "Accounts.allContacts.allusers.all");
  c.host.remove_webhooks(options);
  c.play();
  CHECK(watched().empty());
}

TEST_CASE("the probe finds the organisation, and a scope that is missing costs its stream", "[zoho][simulator]") {
  connection c({5, 5, 2});
  c.host.probe(c.options("", false));
  c.play();
  CHECK(c.host.outcome().account_id == "7328395000000000225");
  CHECK(c.host.outcome().account_name == "Acme BVBA");
  CHECK(c.host.outcome().streams_refused.empty());

  const auto client = c.order("GET", "/clients").at("clients").at(0);
  boost::json::object fewer{{"client_id", client.at("client_id")},
                            {"client_secret", client.at("client_secret")},
                            {"scopes", {"ZohoCRM.modules.accounts.READ", "ZohoCRM.users.READ"}},
                            {"account", client.at("account")}};
  c.order("POST", "/clients", boost::json::serialize(fewer));
  c.host.probe(c.options("", false));
  c.play();
  CHECK(c.host.outcome().account_id.starts_with("user:"));
  CHECK(c.host.outcome().streams_refused == std::vector<std::string>{"contacts"});
}
