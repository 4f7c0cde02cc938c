// SPDX-License-Identifier: Apache-2.0
// docs/bus.md has one row for each type of event that is emitted, and no other.

#include <catch2/catch.hpp>

#include <koppel/bus/event_types.hpp>
#include <regex>
#include <set>
#include <string>

#include "tests/support/read_file.hpp"

namespace types = koppel::bus::event_types;

TEST_CASE("the page about the bus lists the events that are emitted", "[docs]") {
  const auto page = koppel::test::read_file(SOURCES "/docs/bus.md");
  std::set<std::string> emitted(types::all.begin(), types::all.end());
  emitted.insert(types::record_upserted("<entity>"));
  emitted.insert(types::record_deleted("<entity>"));

  std::set<std::string> listed;
  const std::regex row(R"(\n\| `((?:auth|connection|sync|dead_letter|plugin|consumer|provider)\.[^`]+)` \|)");
  for (std::sregex_iterator found(page.begin(), page.end(), row), end; found != end; ++found)
    listed.insert((*found)[1]);

  CHECK(listed == emitted);
}
