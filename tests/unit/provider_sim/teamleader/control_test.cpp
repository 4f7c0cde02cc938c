// SPDX-License-Identifier: Apache-2.0
// What tests and the demo order of the simulator: faults, written fields, time, the journal.
#include <catch2/catch.hpp>

#include "situation.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::teamleader;
using namespace std::chrono_literals;
namespace json = boost::json;

TEST_CASE("a fault hits the requests it names, and then no more", "[provider_sim][faults]") {
  situation s;
  const auto access = s.connect().access;
  s.order("POST", "/faults", R"({"match":{"path":"contacts.list","after":1,"count":2},"action":"status","status":502,
                                 "body":{"oops":true},"headers":{"Retry-After":"3"}})");
  CHECK(s.call(access, "contacts.list").status == 200);
  CHECK(s.call(access, "companies.list").status == 200);
  const auto hit = s.call(access, "contacts.list");
  CHECK(hit.status == 502);
  CHECK(hit.body == R"({"oops":true})");
  CHECK(situation::header(hit, "Retry-After") == "3");
  CHECK(s.call(access, "contacts.list").status == 502);
  CHECK(s.call(access, "contacts.list").status == 200);
}

TEST_CASE("a lost answer to a refresh has rotated the token, unless the fault says not to process",
          "[provider_sim][faults]") {
  situation s;
  auto pair = s.connect();
  s.order("POST", "/faults", R"({"match":{"path":"access_token"},"action":"cut","process":false})");
  CHECK(s.refresh(pair.refresh).how == ending::cut);
  const auto retried = s.refresh(pair.refresh);
  REQUIRE(retried.status == 200);
  pair = situation::tokens(retried);

  s.order("POST", "/faults", R"({"match":{"path":"access_token"},"action":"hang"})");
  CHECK(s.refresh(pair.refresh).how == ending::hang);
  CHECK(s.refresh(pair.refresh).status == 400);
}

TEST_CASE("faults can be taken back, and nonsense is refused", "[provider_sim][faults]") {
  situation s;
  const auto access = s.connect().access;
  s.order("POST", "/faults", R"({"match":{"path":"users.me"},"action":"garbage"})");
  s.order("DELETE", "/faults");
  CHECK(s.call(access, "users.me").how == ending::whole);
  CHECK(s.ask_control("POST", "/faults", R"({"match":{},"action":"explode"})").status == 400);
  CHECK(s.ask_control("POST", "/faults", R"({"action":"cut"})").status == 400);
}

TEST_CASE("answers are delayed for the paths named", "[provider_sim][control]") {
  situation s;
  const auto access = s.connect().access;
  s.order("POST", "/answer-delay", R"({"ms":40,"path":"users"})");
  CHECK(s.call(access, "users.me").delay == 40ms);
  CHECK(s.call(access, "companies.list").delay == 0ms);
  s.order("POST", "/answer-delay", R"({"ms":0,"path":"users"})");
  CHECK(s.call(access, "users.me").delay == 0ms);
}

TEST_CASE("written fields show in list and info and count as an update", "[provider_sim][control]") {
  situation s;
  const auto access = s.connect().access;
  const std::string id = s.data(access, "companies.list").at(0).at("id").as_string().c_str();
  s.now += 30min;
  const auto touch = [&](const std::string& fields) {
    return s
        .ask_control("POST", "/records/touch-id",
                     R"({"entity":"company","id":")" + id + R"(","fields":)" + fields + "}")
        .status;
  };
  REQUIRE(touch(R"({"name":"Zzz NV","status":"deactivated",
                    "addresses":[{"type":"primary","address":{"line_1":"Hier 1","country":"BE"}}]})") == 200);

  const auto newest =
      s.data(access, "companies.list", R"({"sort":[{"field":"updated_at","order":"desc"}],"page":{"size":1}})").at(0);
  CHECK(newest.at("name") == "Zzz NV");
  CHECK(newest.at("updated_at") == "2026-01-01T00:30:00+00:00");
  CHECK(newest.at("primary_address").at("line_1") == "Hier 1");
  const auto last = s.data(access, "companies.list", R"({"page":{"size":1},"sort":[{"field":"name","order":"desc"}],
                                                         "filter":{"status":"deactivated"}})")
                        .at(0);
  CHECK(last.at("name") == "Zzz NV");

  CHECK(touch(R"({"nmae":"x"})") == 400);
  CHECK(touch(R"({"status":"gone"})") == 400);
  CHECK(s.ask_control("POST", "/records/touch-id",
                      R"({"entity":"company","id":"00000000-0000-0000-0000-000000000000","fields":{}})")
            .status == 404);
}

TEST_CASE("a backdated record takes its place in the order", "[provider_sim][control]") {
  situation s({3, 60});
  const auto access = s.connect().access;
  const std::string list = R"({"page":{"size":100},"sort":[{"field":"updated_at"}]})";
  const auto before = s.data(access, "contacts.list", list).as_array();
  json::object order{{"entity", "contact"}, {"id", before[50].at("id")}};
  order["fields"] = json::object{{"updated_at", before[10].at("updated_at")}};
  s.order("POST", "/records/touch-id", json::serialize(order));

  const auto after = s.data(access, "contacts.list", list).as_array();

  REQUIRE(after.size() == 60);
  for (std::size_t at = 1; at < after.size(); ++at)
    CHECK(after[at - 1].at("updated_at").as_string() <= after[at].at("updated_at").as_string());
}

TEST_CASE("the clock moves when told to, and codes age by it", "[provider_sim][control]") {
  situation s;
  const auto before = s.provider.clock(5ms);
  const auto code = s.code();
  s.order("POST", "/clock", R"({"advance_seconds":600})");
  CHECK(s.provider.clock(5ms) == before + 600s);
  s.now = s.provider.clock(0ms);
  CHECK(s.exchange(code).status == 400);
  CHECK(s.ask_control("POST", "/clock", R"({"advance_seconds":-1})").status == 400);
}

TEST_CASE("knobs are set all or not at all", "[provider_sim][control]") {
  situation s;
  CHECK(s.ask_control("POST", "/knobs", R"({"retry_after":true,"no_such":true})").status == 400);
  CHECK(s.order("GET", "/knobs").at("retry_after") == false);
  s.order("POST", "/knobs", R"({"rate_limit":7})");
  CHECK(s.order("GET", "/knobs").at("rate_limit") == 7);
}

TEST_CASE("the journal answers what came after a number, and forgets the oldest", "[provider_sim][journal]") {
  journal kept;
  for (std::size_t n = 0; n < journal::capacity + 5; ++n) kept.add({});
  const auto first = json::parse(kept.since(0, 2));
  CHECK(first.at("requests").at(0).at("seq") == 6);
  CHECK(first.at("next") == 7);
  const auto last = json::parse(kept.since(journal::capacity + 4, 10));
  CHECK(last.at("requests").as_array().size() == 1);
  CHECK(json::parse(kept.since(journal::capacity + 5, 10)).at("requests").as_array().empty());
}

TEST_CASE("the times of answers are summed up for the paths asked for", "[provider_sim][journal]") {
  journal kept;
  for (int n = 1; n <= 200; ++n) {
    journal_entry one;
    one.path = n <= 100 ? "/companies.list" : "/oauth2/access_token";
    one.status = n == 100 ? 0 : 200;
    one.work_us = n;
    one.duration_us = 10 * n;
    kept.add(one);
  }
  const auto lists = kept.times(0, ".list");
  CHECK(lists.at("count") == 99);
  CHECK(lists.at("work_us").at("mean") == 50);
  CHECK(lists.at("work_us").at("p50") == 50);
  CHECK(lists.at("duration_us").at("p99") == 990);
  CHECK(lists.at("duration_us").at("most") == 990);
  CHECK(kept.times(150, "").at("count") == 50);
  CHECK(kept.times(0, "nobody").at("work_us").at("p99") == 0);
}
