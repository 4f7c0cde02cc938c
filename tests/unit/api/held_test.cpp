// SPDX-License-Identifier: Apache-2.0
// The routes about deletions that are held: what they show, to whom, and what a decision does.

#include <boost/json/parse.hpp>

#include "tests/unit/api/rest_world.hpp"

using namespace koppel;
using Catch::Contains;
using test::rest_world;
namespace json = boost::json;

namespace {

const std::string held_path = "/v1/connections/nameplate/acme/held/companies";

/// A connection with three companies whose deletion is held.
struct held_world : rest_world {
  ledger::connection c = connected("acme");

  held_world() {
    sync_->connection_changed(c);
    commit({"a", "b", "c"}, false);
    commit({"a", "b", "c"}, true);
  }
  void commit(const std::vector<std::string>& ids, bool gone) {
    messages::page p;
    for (const auto& id : ids) {
      messages::record r;
      r.entity = "company";
      r.id = id;
      r.gone = gone;
      // {"name": "Acme"} as msgpack
      if (!gone)
        r.facets.push_back({"core",
                            "\x81\xa4name\xa4"
                            "Acme"});
      p.records.push_back(std::move(r));
    }
    write([&](ledger::transaction& tx) {
      auto reading = *tx.begin_run(c, "companies", "company", ledger::run_mode::incremental, "schedule");
      const ledger::page_guard guard{{.records = 1, .percent = 1}, false};
      if (!tx.commit_page(reading, c, p, 1, "provider_deleted", false, guard)) FAIL("not committed");
      reading.state = "completed";
      if (!tx.end_run(reading)) FAIL("not ended");
    });
  }
  json::object got(const std::string& what) { return json::parse(ask("GET", what).body).as_object(); }
  api::answer show(const std::string& limit) {
    net::inbound_request r;
    r.method = "GET";
    r.path = held_path;
    r.query = {{"limit", limit}};
    return run(router(std::move(r)));
  }
  std::uint64_t known() {
    std::uint64_t out = 0;
    write([&](ledger::transaction& tx) { out = tx.known_records(c.id, "company"); });
    return out;
  }
};

}  // namespace

TEST_CASE("held deletions are listed, shown with their records, and warned of in the status", "[api][held]") {
  held_world w;

  const auto list = w.got("/v1/held").at("held").as_array();
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("connection") == "acme");
  CHECK(list[0].at("held") == 3);
  const auto shown = json::parse(w.show("2").body).as_object();
  CHECK(shown.at("known") == 3);
  REQUIRE(shown.at("records").as_array().size() == 2);
  CHECK(shown.at("records").at(0).at("id") == "a");
  CHECK(shown.at("records").at(0).at("name") == "Acme");
  CHECK_THAT(json::serialize(w.got("/v1/status").at("warnings")),
             Contains("The deletion of 3 of 3 company records of nameplate/acme is held since ") &&
                 Contains("koppelctl held show nameplate/acme companies"));
  const auto none = w.ask("GET", "/v1/connections/nameplate/acme/held/contacts");
  CHECK(none.status == 404);
  CHECK_THAT(none.body, Contains("koppelctl held list"));
  CHECK(w.show("0").status == 400);
}

TEST_CASE("held deletions are not for another customer, nor is what they name for a token that reads", "[api][held]") {
  held_world w;
  CHECK_THAT(w.call("GET", "/v1/held", w.token("all", std::nullopt, {"read"})).body, Contains("acme"));
  CHECK(w.call("GET", "/v1/held", w.token("other", "4711", {"read"})).body == "{\"held\":[]}\n");
  CHECK(w.call("GET", held_path, w.token("reads", std::nullopt, {"read"})).status == 403);
  CHECK(w.call("GET", held_path, w.token("operator", std::nullopt, {"admin"})).status == 200);
}

TEST_CASE("held deletions are confirmed as far as they were shown, and once", "[api][held]") {
  held_world w;
  const auto body = json::serialize(json::object{{"accept", true}, {"mark", w.got(held_path).at("mark")}});

  const auto done = w.ask("POST", held_path, body);
  test::run_until(w.io, [&] { return w.supervisor.names().find("release") == std::string::npos; });

  CHECK(done.status == 202);
  CHECK_THAT(done.body, Contains(R"("decided":3)"));
  CHECK(w.known() == 0);
  CHECK(w.got("/v1/held").at("held").as_array().empty());
  CHECK(w.ask("POST", held_path, body).status == 404);
}

TEST_CASE("rejected deletions are shown as such, and warned of no more", "[api][held]") {
  held_world w;
  const auto body = json::serialize(json::object{{"accept", false}, {"mark", w.got(held_path).at("mark")}});

  CHECK(w.ask("POST", held_path, body).status == 202);

  CHECK(w.known() == 3);
  CHECK(w.got(held_path).at("rejected") == 3);
  CHECK(w.got(held_path).at("records").at(0).at("rejected") == true);
  CHECK(w.got("/v1/status").at("warnings").as_array().empty());
}
