// SPDX-License-Identifier: Apache-2.0
// docs/bus.md has one row for each type of event that is emitted, and no other.

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <koppel/bus/event_types.hpp>
#include <regex>
#include <set>
#include <string>

namespace types = koppel::bus::event_types;

TEST_CASE("the page about the bus lists the events that are emitted", "[docs]") {
  std::ifstream in(SOURCES "/docs/bus.md", std::ios::binary);
  REQUIRE(in.good());
  const std::string page(std::istreambuf_iterator<char>(in), {});
  std::set<std::string> emitted(types::all.begin(), types::all.end());
  emitted.insert(types::record_upserted("<entity>"));
  emitted.insert(types::record_deleted("<entity>"));

  std::set<std::string> listed;
  const std::regex row(R"(\n\| `((?:auth|connection|sync|dead_letter|plugin|consumer|provider)\.[^`]+)` \|)");
  for (std::sregex_iterator found(page.begin(), page.end(), row), end; found != end; ++found)
    listed.insert((*found)[1]);

  CHECK(listed == emitted);
}
