// SPDX-License-Identifier: Apache-2.0
// A few lives in every build, also under sanitizers; thousands of them are tools/simulate's.

#include <catch2/catch.hpp>

#include "tests/simulation/batch.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/life.hpp"
#include "tests/simulation/request_watch.hpp"

namespace koppel::simulation {
namespace {

const surroundings& around() {
  static const temporary_key key;
  static const surroundings made{KOPPEL_SIMULATION_PLUGINS, key.path(), new_database(key.path())};
  return made;
}

net::request presentation(const std::string& token) {
  net::request r;
  r.method = "POST";
  r.url = "https://login.almanac.test/token";
  r.body = "grant_type=refresh_token&refresh_token=" + token;
  return r;
}

net::response answer(int status, std::string body) {
  net::response r;
  r.status = status;
  r.body = std::move(body);
  return r;
}

}  // namespace

TEST_CASE("a seed replays: the same things happen at the same moments", "[simulation]") {
  for (const std::uint64_t seed : {1, 2}) {
    const auto first = live(seed, false, around()), again = live(seed, false, around());
    CHECK(first.fingerprint == again.fingerprint);
    CHECK(first.events == again.events);
    CHECK(first.faults == again.faults);
  }
  CHECK(live(1, false, around()).fingerprint != live(2, false, around()).fingerprint);
}

TEST_CASE("simulated lives go well, and much happens in them", "[simulation]") {
  for (std::uint64_t seed = 100; seed < 108; ++seed) {
    const auto o = live(seed, false, around());
    INFO("seed " << seed);
    CHECK(o.violations.empty());
    CHECK(o.events >= 1000);
    std::uint64_t faults = 0;
    for (const auto& [kind, times] : o.faults) faults += times;
    CHECK(faults >= 10);
    CHECK(o.history > 0);
  }
}

TEST_CASE("the watch over requests sees a token that is presented without need", "[simulation]") {
  virtual_time::reset();
  world w(1, false);
  provider p(w, {}, 1);
  request_watch watch(w, p);
  const auto first = watch.began(1, presentation("a"));

  SECTION("twice at one time") {
    p.accounts()[0].refresh_token = "a";
    watch.began(1, presentation("a"));
    CHECK(w.violations().size() == 2);  // nor is the first one's time over
  }
  SECTION("after an answer that brought another") {
    watch.ended(first, answer(200, R"({"access_token":"x","refresh_token":"b"})"));
    virtual_time::advance_to(virtual_time::now() + std::chrono::minutes{1});
    watch.began(1, presentation("a"));
    CHECK(w.violations().size() == 1);
  }
  SECTION("before the first may not be on its way any more") {
    watch.ended(first, failure{net::errc::cut, ""});
    watch.began(1, presentation("a"));
    CHECK(w.violations().size() == 1);
  }
  SECTION("but not where that was needed") {
    watch.ended(first, failure{net::errc::cut, ""});
    virtual_time::advance_to(virtual_time::now() + std::chrono::seconds{31});
    watch.ended(watch.began(1, presentation("a")), answer(200, R"({"access_token":"x","refresh_token":"b"})"));
    // The host dies before the pair is on disk.
    watch.host_died(1);
    virtual_time::advance_to(virtual_time::now() + std::chrono::seconds{31});
    watch.began(2, presentation("a"));
    CHECK(w.violations().empty());
  }
}

TEST_CASE("the watch over requests sees one that two layers repeat", "[simulation]") {
  virtual_time::reset();
  world w(1, false);
  provider p(w, {}, 1);
  request_watch watch(w, p);
  net::request read;
  read.url = "https://api.almanac.test/people?since=";
  for (int attempt = 0; attempt < 5; ++attempt) watch.ended(watch.began(1, read), answer(503, ""));
  CHECK(w.violations().empty());
  SECTION("at once") {
    watch.began(1, read);
    CHECK(w.violations().size() == 1);
  }
  SECTION("but not the schedule, a minute later") {
    virtual_time::advance_to(virtual_time::now() + std::chrono::minutes{1});
    watch.began(1, read);
    CHECK(w.violations().empty());
  }
}

TEST_CASE("a read of one page is over with it, whatever request arrives late", "[simulation]") {
  virtual_time::reset();
  virtual_time::advance_to(virtual_time::now() + std::chrono::minutes{1});
  world w(1, false);
  provider p(w, {}, 1);
  auto& a = p.accounts()[0];
  a.access["t"] = world::now() + std::chrono::hours{1};
  const auto asks = [&](const std::string& since) {
    net::request r;
    r.url = "https://api.almanac.test/firms?since=" + since;
    r.headers = {{"authorization", "Bearer t"}};
    REQUIRE(p.answer(r).status == 200);
  };
  asks("");
  const auto over = virtual_time::now();
  virtual_time::advance_to(over + std::chrono::seconds{20});
  asks("2026-01-31T00:00:00Z");
  CHECK(a.readings.at("firms").began == over);
  CHECK(a.readings.at("firms").ended == over);
}

}  // namespace koppel::simulation
