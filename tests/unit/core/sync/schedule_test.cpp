// SPDX-License-Identifier: Apache-2.0
// When a stream is read next.

#include "host/core/schedule.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using koppel::core::after;
using koppel::core::believable;
using koppel::core::instant;
using koppel::core::never_read;
using koppel::core::plan_next_read;
using koppel::core::read_outcome;
using koppel::core::stream_history;
using ending = read_outcome::ending;

namespace {

const instant now = instant{std::chrono::hours{500'000}};

read_outcome full_read(bool complete, instant at) {
  return {.as = ending::completed, .full = true, .complete = complete, .at = at};
}

}  // namespace

TEST_CASE("a stream that was never read is due at once, in full", "[schedule]") {
  const auto plan = plan_next_read({}, 5min, 24h, now);
  REQUIRE(plan.due == now);
  REQUIRE(plan.full);
}

TEST_CASE("after a full read the next is incremental, an interval after the last success", "[schedule]") {
  stream_history h;
  h.last_full_at = now - 1h;
  h.last_success_at = now - 2min;
  h.last_attempt_at = now - 2min;
  const auto plan = plan_next_read(h, 5min, 24h, now);
  REQUIRE_FALSE(plan.full);
  REQUIRE(plan.due == now + 3min);
}

TEST_CASE("a full read comes back after its own interval", "[schedule]") {
  stream_history h;
  h.last_full_at = now - 25h;
  h.last_success_at = now - 1min;
  const auto plan = plan_next_read(h, 5min, 24h, now);
  REQUIRE(plan.full);
  REQUIRE(plan.due <= now);
}

TEST_CASE("failures push the next attempt back, doubling up to an hour", "[schedule]") {
  stream_history h;
  h.last_attempt_at = now;
  h.interrupted = true;
  h.failures = 1;
  REQUIRE(plan_next_read(h, 5min, 24h, now).due == now + 1min);
  h.failures = 3;
  REQUIRE(plan_next_read(h, 5min, 24h, now).due == now + 4min);
  h.failures = 40;
  REQUIRE(plan_next_read(h, 5min, 24h, now).due == now + 1h);
}

TEST_CASE("a run that the end of the host interrupted goes on at once", "[schedule]") {
  stream_history h;
  h.last_full_at = now - 1h;
  h.last_success_at = now - 1min;
  h.last_attempt_at = now - 1min;
  h.interrupted = true;
  const auto plan = plan_next_read(h, 5min, 24h, now);
  REQUIRE(plan.due == now);
}

TEST_CASE("a full read that concluded nothing comes again at once, twice", "[schedule]") {
  stream_history h;
  for (int accidents = 1; accidents <= 2; ++accidents) {
    h = after(h, full_read(false, now));
    CHECK_FALSE(never_read(h));
    CHECK(plan_next_read(h, 5min, 24h, now).full);
    CHECK(plan_next_read(h, 5min, 24h, now).due == now);
  }

  h = after(h, full_read(false, now));
  auto plan = plan_next_read(h, 5min, 24h, now + 59s);
  CHECK(plan.full);
  CHECK(plan.due == now + 1min);
}

TEST_CASE("full reads that conclude nothing come ever later, until one concludes", "[schedule]") {
  stream_history h;
  h.last_full_at = now - 30h;
  for (int i = 0; i < 6; ++i) h = after(h, full_read(false, now));
  // Incrementally meanwhile.
  CHECK_FALSE(plan_next_read(h, 5min, 24h, now + 1min).full);
  CHECK(plan_next_read(h, 5min, 24h, now + 1min).due == now + 5min);
  CHECK_FALSE(plan_next_read(h, 5min, 24h, now + 7min).full);
  CHECK(plan_next_read(h, 5min, 24h, now + 8min).full);
  for (int i = 0; i < 100; ++i) h = after(h, full_read(false, now));
  CHECK_FALSE(plan_next_read(h, 5min, 24h, now + 23h).full);
  CHECK(plan_next_read(h, 5min, 24h, now + 24h).full);

  h = after(h, full_read(true, now + 24h));
  CHECK(h.inconclusive == 0);
  CHECK_FALSE(plan_next_read(h, 5min, 24h, now + 47h).full);
  CHECK(plan_next_read(h, 5min, 24h, now + 48h).full);
}

TEST_CASE("runs that do not complete count as failures, but for those that the host's end interrupted", "[schedule]") {
  stream_history h;
  h = after(h, {.as = ending::failed, .at = now});
  CHECK(h.failures == 1);
  CHECK_FALSE(h.interrupted);
  h = after(h, {.as = ending::interrupted, .at = now});
  CHECK(h.failures == 2);
  CHECK(h.interrupted);
  h = after(h, {.as = ending::host_stopped, .at = now});
  CHECK(h.failures == 2);
  CHECK(h.interrupted);
  h = after(h, {.as = ending::completed, .at = now});
  CHECK(h.failures == 0);
  CHECK_FALSE(h.interrupted);
  CHECK_FALSE(h.last_full_at);
}

TEST_CASE("a provider that asked for quiet gets it, once", "[schedule]") {
  auto h = after({}, {.as = ending::interrupted, .at = now, .retry_after = 3h});
  CHECK(plan_next_read(h, 5min, 24h, now).due == now + 3h);
  h = after(h, {.as = ending::interrupted, .at = now + 3h});
  CHECK(plan_next_read(h, 5min, 24h, now + 3h).due == now + 3h + 2min);
}

TEST_CASE("times from a clock that had jumped ahead delay a stream by its interval, not until they come",
          "[schedule]") {
  stream_history h;
  h.last_full_at = h.last_success_at = h.last_attempt_at = h.last_inconclusive_at = now + 9000h;
  h.not_before = now + 9000h;
  h.failures = 1;

  h = believable(h, now);
  CHECK(h.last_full_at == now);
  CHECK(h.not_before == now + 24h);
  h.not_before.reset();
  CHECK(plan_next_read(h, 5min, 24h, now).due == now + 5min);
  // It was kept: the wait goes on from there.
  h = believable(h, now + 4min);
  CHECK(plan_next_read(h, 5min, 24h, now + 4min).due == now + 5min);
}

TEST_CASE("a run whose plugin was replaced goes on at once, and counts as no failure", "[schedule]") {
  stream_history h;
  h.last_full_at = now - 1h;
  h.failures = 2;
  h = after(h, {.as = ending::plugin_replaced, .at = now});
  REQUIRE(h.interrupted);
  REQUIRE(h.failures == 2);

  h.failures = 0;
  REQUIRE(plan_next_read(h, 5min, 24h, now).due == now);
}

TEST_CASE("one provider of several leaves a quarter of the places, one alone has all", "[schedule]") {
  using koppel::core::places_of_one;
  CHECK(places_of_one(16, 1) == 16);
  CHECK(places_of_one(16, 2) == 12);
  CHECK(places_of_one(3, 2) == 2);
  CHECK(places_of_one(2, 5) == 1);
  CHECK(places_of_one(1, 5) == 1);
}
