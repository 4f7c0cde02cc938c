// SPDX-License-Identifier: Apache-2.0
// When a stream is read next.

#include "host/core/schedule.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using koppel::core::instant;
using koppel::core::plan_next_read;
using koppel::core::stream_history;

namespace {
const instant now = instant{std::chrono::hours{500'000}};
}

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
