// SPDX-License-Identifier: Apache-2.0
// The operator's figures in place of a manifest's.

#include <catch2/catch.hpp>

#include "host/core/manifest.hpp"

namespace koppel::core {

TEST_CASE("a limit of the operator's replaces the figure and nothing else", "[limits][override]") {
  manifest m;
  m.name = "snelstart";
  m.limits = {{"minute", {"account"}, 100, std::chrono::seconds{60}, "x-limit", {}, {}},
              {"hour", {"account"}, 1000, std::chrono::seconds{3600}, {}, {}, {}}};

  CHECK(override_limits(m, {{"snelstart", "minute", 500}, {"zoho", "hour", 7}}).empty());

  CHECK(m.limits[0].requests == 500);
  CHECK(m.limits[0].window == std::chrono::seconds{60});
  CHECK(m.limits[0].header_limit == "x-limit");
  CHECK(m.limits[1].requests == 1000);
}

TEST_CASE("a limit that the provider does not have is told with those that it has", "[limits][override]") {
  manifest m;
  m.name = "snelstart";
  m.limits = {{"minute", {"account"}, 100, std::chrono::seconds{60}, {}, {}, {}}};

  const auto told = override_limits(m, {{"snelstart", "minuut", 500}});

  REQUIRE(told.size() == 1);
  CHECK(told[0].find("\"minuut\" of snelstart, which has these: minute") != std::string::npos);
  CHECK(m.limits[0].requests == 100);
}

}  // namespace koppel::core
