// SPDX-License-Identifier: Apache-2.0
// What one runner's messages may take of the main strand.

#include "host/plugins/strand_share.hpp"

#include <catch2/catch.hpp>

using koppel::plugins::strand_share;
using koppel::runtime::steady_time;
using namespace std::chrono_literals;

TEST_CASE("a burst costs nothing, what is beyond it waits until it is a quarter of the time", "[plugins][share]") {
  strand_share share;
  const steady_time t{100s};
  constexpr std::size_t ms = 25;  // messages

  CHECK(share.charge(t, 50 * ms, 0) == 0ms);
  CHECK(share.charge(t, 10 * ms, 0) == 40ms);
  CHECK(share.charge(t + 40ms, 0, 0) == 0ms);
  CHECK(share.charge(t + 40ms, 0, 200 << 10) == 4ms);
  CHECK(share.charge(t + 1h, 50 * ms, 0) == 0ms);  // a long rest gives no more than the burst
}

TEST_CASE("many small messages cost what they make others do", "[plugins][share]") {
  strand_share share;
  steady_time now{100s};
  std::size_t messages = 0;
  while (now < steady_time{110s}) {
    messages += 100;
    now += share.charge(now, 100, 0);
  }
  CHECK(messages > 60'000);
  CHECK(messages < 65'000);
}
