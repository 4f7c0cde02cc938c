// SPDX-License-Identifier: Apache-2.0
// The sliding window of the rate limit, by itself: times in, verdicts out.
#include "rate_window.hpp"

#include <catch2/catch.hpp>

using namespace koppel::provider_sim;
using namespace std::chrono_literals;

TEST_CASE("the window slides: room comes back when the oldest counted request leaves", "[provider_sim][rate]") {
  rate_window window;
  const instant start{1'000'000ms};

  CHECK(window.admit(start, 2, 60s).remaining == 1);
  CHECK(window.admit(start + 10s, 2, 60s).remaining == 0);

  const auto refused = window.admit(start + 59'999ms, 2, 60s);
  CHECK_FALSE(refused.admitted);
  CHECK(refused.reset == start + 60s);

  CHECK(window.admit(start + 60s, 2, 60s).admitted);
  CHECK_FALSE(window.admit(start + 60s, 2, 60s).admitted);
}

TEST_CASE("a refused request does not count, so waiting for the reset is enough", "[provider_sim][rate]") {
  rate_window window;
  const instant start{0ms};
  window.admit(start, 1, 60s);
  for (int i = 1; i < 50; ++i) CHECK_FALSE(window.admit(start + i * 1s, 1, 60s).admitted);

  CHECK(window.admit(start + 60s, 1, 60s).admitted);
}

TEST_CASE("windows are apart by client and by account", "[provider_sim][rate]") {
  rate_windows windows;
  const instant now{0ms};
  CHECK(windows.of("a", "1").admit(now, 1, 60s).admitted);
  CHECK_FALSE(windows.of("a", "1").admit(now, 1, 60s).admitted);

  CHECK(windows.of("a", "2").admit(now, 1, 60s).admitted);
  CHECK(windows.of("b", "1").admit(now, 1, 60s).admitted);
}
