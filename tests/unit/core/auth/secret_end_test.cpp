// SPDX-License-Identifier: Apache-2.0
// A secret's end is warned of ahead.

#include "host/core/secret_end.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;
using Catch::Contains;

TEST_CASE("an app's secret that ends within thirty days is warned of, and one that has ended", "[auth][secret-end]") {
  const auto end = *from_iso8601("2027-01-31T00:00:00Z");
  using std::chrono::days;
  CHECK(warning_of_end("snelstart/main", {}, end).empty());
  CHECK(warning_of_end("snelstart/main", end, end - days{31}).empty());
  CHECK_THAT(warning_of_end("snelstart/main", end, end - days{30}),
             Contains("snelstart/main ends on 2027-01-31 (30 days left)") && Contains("koppelctl app set-secret"));
  CHECK_THAT(warning_of_end("snelstart/main", end, end - days{1}), Contains("(1 day left)"));
  CHECK_THAT(warning_of_end("snelstart/main", end, end + days{3}), Contains("ended on 2027-01-31"));
}
