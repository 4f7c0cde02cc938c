// SPDX-License-Identifier: Apache-2.0
// Plugin log lines: not too many.

#include "host/plugins/log_text.hpp"

#include <catch2/catch.hpp>

using namespace koppel::plugins;
using namespace std::chrono_literals;

TEST_CASE("lines beyond the rate are counted, and the count is told once", "[plugins][log]") {
  line_limit limit(3);
  const line_limit::time_point t{100s};

  for (int i = 0; i < 3; ++i) CHECK(limit.ask(t, 1).let_through);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.ask(t + 999ms, 1).let_through);

  const auto next = limit.ask(t + 1s, 1);
  CHECK(next.let_through);
  CHECK(next.dropped_before == 5);
  CHECK(limit.ask(t + 1s, 1).dropped_before == 0);
  CHECK(limit.ask(t + 2s, 1).dropped_before == 0);
}

TEST_CASE("long lines are dropped before many of them have come", "[plugins][log]") {
  line_limit limit(100, 1000);
  const line_limit::time_point t{100s};

  CHECK(limit.ask(t, 600).let_through);
  CHECK_FALSE(limit.ask(t, 600).let_through);
  CHECK(limit.ask(t, 400).let_through);
  CHECK(limit.ask(t + 1s, 600).dropped_before == 1);
}
