// SPDX-License-Identifier: Apache-2.0
// The core of every authorization-code server, by itself: what makes a code or token good, and what ends it.
#include "grants.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

using namespace koppel::provider_sim;
using namespace std::chrono_literals;

namespace {

const instant start{1'000'000ms};
const identity acme{"app", {"1", "Acme", ""}};

grant_book with_pair() {
  grant_book book;
  book.add_access("access-1", acme, start + 1h);
  book.add_refresh("refresh-1", acme, "access-1");
  return book;
}

}  // namespace

TEST_CASE("a code is redeemed once, before its end, by its client, for its redirect address",
          "[provider_sim][grants]") {
  grant_book book;
  book.add_code("code", acme, "https://a.test/", start + 2min);
  CHECK(book.redeem("other", "app", "https://a.test/", start).state == grant_state::unknown);
  CHECK(book.redeem("code", "else", "https://a.test/", start).state == grant_state::other_client);
  CHECK(book.redeem("code", "app", "https://b.test/", start).state == grant_state::redirect_mismatch);
  CHECK(book.redeem("code", "app", "https://a.test/", start + 2min).state == grant_state::expired);
  const auto good = book.redeem("code", "app", "https://a.test/", start + 2min - 1ms);
  CHECK(good.state == grant_state::ok);
  CHECK(good.who.of.name == "Acme");
  CHECK(book.redeem("code", "app", "https://a.test/", start).state == grant_state::used);
}

TEST_CASE("with rotation a refresh token works once and takes its access token along", "[provider_sim][grants]") {
  auto book = with_pair();
  CHECK(book.renew("refresh-1", "app", {.rotate = true, .old_access_survives = false}, start).state == grant_state::ok);
  CHECK(book.renew("refresh-1", "app", {}, start).state == grant_state::revoked);
  CHECK(book.check("access-1", start).state == grant_state::revoked);
}

TEST_CASE("without rotation a refresh token goes on, and ends the access token it got last", "[provider_sim][grants]") {
  auto book = with_pair();
  const renewal_rules keep{.rotate = false, .old_access_survives = false};
  REQUIRE(book.renew("refresh-1", "app", keep, start).state == grant_state::ok);
  book.add_access("access-2", acme, start + 1h);
  book.pair("refresh-1", "access-2");
  CHECK(book.check("access-2", start).state == grant_state::ok);
  CHECK(book.renew("refresh-1", "app", keep, start).state == grant_state::ok);
  CHECK(book.check("access-2", start).state == grant_state::revoked);
}

TEST_CASE("a refresh token may have an end of its own", "[provider_sim][grants]") {
  grant_book book;
  book.add_refresh("refresh", acme, "access", start + 24h);
  CHECK(book.renew("refresh", "app", {.rotate = false}, start + 24h - 1ms).state == grant_state::ok);
  CHECK(book.renew("refresh", "app", {}, start + 24h).state == grant_state::expired);
}

TEST_CASE("one refresh token can be ended, with the access token that goes with it", "[provider_sim][grants]") {
  auto book = with_pair();
  CHECK_FALSE(book.end("refresh-2"));
  CHECK(book.end("refresh-1"));
  CHECK(book.check("access-1", start).state == grant_state::revoked);
  CHECK(book.renew("refresh-1", "app", {}, start).state == grant_state::revoked);
}
