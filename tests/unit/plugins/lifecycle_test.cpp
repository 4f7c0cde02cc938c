// SPDX-License-Identifier: Apache-2.0
// When a plugin's process is started again, and when not.

#include "host/core/plugin_lifecycle.hpp"

#include <catch2/catch.hpp>

using koppel::core::instant;
using koppel::core::plugin_lifecycle;
using state = plugin_lifecycle::state;
using namespace std::chrono_literals;

namespace {

constexpr instant start{std::chrono::milliseconds{1'000'000}};

plugin_lifecycle running_at(instant t) {
  plugin_lifecycle life;
  life.start();
  life.ready(t);
  return life;
}

}  // namespace

TEST_CASE("the pause before a restart doubles with each crash in a row, up to a minute", "[plugins][lifecycle]") {
  auto life = running_at(start);
  std::vector<std::chrono::milliseconds> pauses;

  instant t = start;
  for (int crash = 0; crash < 10; ++crash) {
    const auto step = life.ended(t += 1s, true, 1.0);
    REQUIRE(step.start_again);
    REQUIRE(life.now() == state::backing_off);
    pauses.push_back(step.pause);
    life.start();
    life.ready(t);
  }

  CHECK(pauses == std::vector<std::chrono::milliseconds>{500ms, 1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s});
}

TEST_CASE("the pause is anywhere between nothing and its ceiling, as randomness says", "[plugins][lifecycle]") {
  CHECK(running_at(start).ended(start, true, 0.0).pause == 0ms);
  CHECK(running_at(start).ended(start, true, 0.5).pause == 250ms);
  CHECK(running_at(start).ended(start, true, 7.0).pause == 500ms);  // no randomness can lengthen it
  CHECK(running_at(start).ended(start, true, -1.0).pause == 0ms);
}

TEST_CASE("a process that lived for a minute makes the next crash a first one", "[plugins][lifecycle]") {
  auto life = running_at(start);
  for (int i = 0; i < 5; ++i) {
    life.ended(start, true, 1.0);
    life.ready(start);
  }

  CHECK(life.ended(start + 59s, true, 1.0).pause == 16s);
  life.ready(start + 59s);
  CHECK(life.ended(start + 59s + 60s, true, 1.0).pause == 500ms);
}

TEST_CASE("five crashes without a job within ten minutes are quarantine", "[plugins][lifecycle]") {
  auto life = running_at(start);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(life.ended(start + i * 1min, false, 0.5).start_again);
    life.ready(start + i * 1min);
  }

  CHECK_FALSE(life.ended(start + 9min, false, 0.5).start_again);
  CHECK(life.now() == state::quarantined);
  CHECK(life.crashes() == 5);
}

TEST_CASE("crashes further apart than the window never add up to quarantine", "[plugins][lifecycle]") {
  auto life = running_at(start);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(life.ended(start + i * 151s, false, 0.5).start_again);
    life.ready(start + i * 151s);
  }
}

TEST_CASE("crashes in jobs are the jobs' fault: no number of them quarantines a plugin", "[plugins][lifecycle]") {
  auto life = running_at(start);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(life.ended(start, true, 0.5).start_again);
    life.ready(start);
  }
  CHECK(life.now() == state::running);
  CHECK(life.crashes() == 100);
}

TEST_CASE("a library that ends its process while it is loaded is tried three times", "[plugins][lifecycle]") {
  plugin_lifecycle life;

  CHECK(life.ended_while_loading(0.5).start_again);
  CHECK(life.ended_while_loading(0.5).start_again);
  CHECK_FALSE(life.ended_while_loading(0.5).start_again);
  CHECK(life.now() == state::failed);
}

TEST_CASE("a load that succeeds forgets the loads that did not", "[plugins][lifecycle]") {
  plugin_lifecycle life;
  life.ended_while_loading(0.5);
  life.ended_while_loading(0.5);
  life.ready(start);

  CHECK(life.ended_while_loading(0.5).start_again);
}

TEST_CASE("a library that was refused is not tried again", "[plugins][lifecycle]") {
  plugin_lifecycle life;

  CHECK_FALSE(life.refused().start_again);
  CHECK(life.now() == state::failed);
}

TEST_CASE("a machine without processes to spare is not the plugin's fault", "[plugins][lifecycle]") {
  plugin_lifecycle life;
  for (int i = 0; i < 20; ++i) REQUIRE(life.no_process(1.0).start_again);
  CHECK(life.no_process(1.0).pause == 60s);
  CHECK(life.crashes() == 0);
}
