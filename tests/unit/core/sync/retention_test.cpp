// SPDX-License-Identifier: Apache-2.0
// Which events may go, when trimming is due, and how far the horizon moves.

#include <catch2/catch.hpp>

#include "host/core/retention.hpp"

using namespace koppel::core;
using namespace std::chrono_literals;

namespace {

constexpr retention_limits a_month{30 * 24h, 90 * 24h};
const instant noon = *from_iso8601("2026-01-31T12:00:00Z");
using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a status is kept until a newer one, runs leave their newest completions, notices go", "[core][retention]") {
  CHECK(kept_as("auth.status", {}) == names{"status"});
  CHECK(kept_as("sync.started", {{"stream", "companies"}}) == names{});
  CHECK(kept_as("sync.failed", {{"stream", "companies"}}) == names{});
  CHECK(kept_as("plugin.crashed", {}) == names{});
  CHECK(kept_as("sync.completed", {{"stream", "companies"}, {"mode", "full"}, {"complete", true}}) ==
        names{"completed companies", "full companies"});
  CHECK(kept_as("sync.completed", {{"stream", "companies"}, {"mode", "full"}, {"complete", false}}) ==
        names{"completed companies"});
  CHECK(kept_as("sync.completed", {{"stream", "contacts"}, {"mode", "incremental"}, {"complete", true}}) ==
        names{"completed contacts"});
}

TEST_CASE("what begins and ends a connection never goes, nor does what is not known", "[core][retention]") {
  for (const char* type : {"connection.created", "connection.removed", "sync.company.upserted", "dead_letter.added",
                           "provider.status", "tomorrow.happened"})
    CHECK_FALSE(kept_as(type, {}));
  CHECK_FALSE(kept_as("sync.completed", {{"mode", "full"}}));
}

TEST_CASE("a pass is due once a thirtieth of the time has passed, a day at the most, whatever the clock does",
          "[core][retention]") {
  CHECK(pass_interval(a_month) == 24h);
  CHECK(pass_interval({24h, 24h}) == 48min);
  CHECK(pass_interval({3650 * 24h, 3650 * 24h}) == 24h);
  CHECK(pass_interval({1s, 1s}) == 1min);
  CHECK(until_pass(a_month, std::nullopt, noon) == 0ms);
  CHECK(until_pass(a_month, noon, noon) == 24h);
  CHECK(until_pass(a_month, noon - 23h, noon) == 1h);
  CHECK(until_pass(a_month, noon - 24h, noon) == 0ms);
  CHECK(until_pass(a_month, noon - 10'000h, noon) == 0ms);
  CHECK(until_pass(a_month, noon + 10'000h, noon) == 24h);
}

TEST_CASE("the horizon follows the time, is held by a consumer that is behind, and only so long", "[core][retention]") {
  CHECK(next_horizon({.horizon = 1, .head_at_keep = 0, .head_at_hold = 0, .slowest = {}}) == 1);
  CHECK(next_horizon({.horizon = 1, .head_at_keep = 50, .head_at_hold = 20, .slowest = {}}) == 50);
  CHECK(next_horizon({.horizon = 1, .head_at_keep = 50, .head_at_hold = 20, .slowest = 30}) == 30);
  CHECK(next_horizon({.horizon = 1, .head_at_keep = 50, .head_at_hold = 20, .slowest = 70}) == 50);
  CHECK(next_horizon({.horizon = 1, .head_at_keep = 50, .head_at_hold = 20, .slowest = 10}) == 20);
  CHECK(next_horizon({.horizon = 40, .head_at_keep = 50, .head_at_hold = 20, .slowest = 30}) == 40);
}
