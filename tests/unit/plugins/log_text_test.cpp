// SPDX-License-Identifier: Apache-2.0
// Plugin log lines: not too many.

#include "host/plugins/log_text.hpp"

#include <catch2/catch.hpp>

using namespace koppel::plugins;
using namespace std::chrono_literals;

TEST_CASE("lines beyond the rate are counted, and the count is told once", "[plugins][log]") {
  line_limit limit(3);
  const line_limit::time_point t{100s};

  for (int i = 0; i < 3; ++i) CHECK(limit.ask(t).let_through);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.ask(t + 999ms).let_through);

  const auto next = limit.ask(t + 1s);
  CHECK(next.let_through);
  CHECK(next.dropped_before == 5);
  CHECK(limit.ask(t + 1s).dropped_before == 0);
  CHECK(limit.ask(t + 2s).dropped_before == 0);
}
