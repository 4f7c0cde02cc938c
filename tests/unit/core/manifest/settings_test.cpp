// SPDX-License-Identifier: Apache-2.0
// What a plugin is given of a connection's settings.

#include <catch2/catch.hpp>

#include "host/core/manifest.hpp"

using namespace koppel::core;

TEST_CASE("a setting that the operator did not set has its default, one without a default is absent",
          "[core][manifest]") {
  manifest m;
  m.settings.resize(3);
  m.settings[0].name = "region";
  m.settings[0].default_value = "eu";
  m.settings[1].name = "division";
  m.settings[1].default_value = "12";
  m.settings[2].name = "ledger";

  const auto given = effective_settings(m, {{"division", "7"}});

  CHECK(given == std::map<std::string, std::string>{{"division", "7"}, {"region", "eu"}});
}
