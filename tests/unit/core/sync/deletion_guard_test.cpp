// SPDX-License-Identifier: Apache-2.0
// The deletion guard's decision, as a table.

#include "host/core/deletion_guard.hpp"

#include <catch2/catch.hpp>

using koppel::core::deletion_facts;
using koppel::core::deletion_limits;
using koppel::core::judge_deletions;

namespace {

struct row {
  const char* what;
  deletion_limits limits;
  deletion_facts facts;
  bool held;
};

}  // namespace

TEST_CASE("deletions are held that go beyond the number and beyond the share, and no others", "[sync][guard]") {
  const row table[] = {
      {"none", {}, {.known = 5000}, false},
      {"as many as are allowed of few", {}, {.known = 100, .more = 100}, false},
      {"one more than that", {}, {.known = 101, .more = 101}, true},
      {"many, and a small share", {}, {.known = 100'000, .more = 5000}, false},
      {"many, and the smallest share that is too large", {}, {.known = 100'000, .more = 5001}, true},
      {"everything", {}, {.known = 5000, .more = 5000}, true},
      {"the last of many that the run has published", {}, {.known = 900, .deleted = 100, .more = 1}, true},
      {"the share is of what there was before the run", {}, {.known = 1920, .deleted = 100, .more = 1}, false},
      {"a few, beside many that are held", {}, {.known = 5000, .held = 300, .more = 1}, true},
      {"held ones that have become few", {}, {.known = 5000, .held = 40}, false},
      {"no number is allowed, a share is", {.records = 0, .percent = 5}, {.known = 20, .more = 1}, false},
      {"no number is allowed, beyond the share", {.records = 0, .percent = 5}, {.known = 19, .more = 1}, true},
      {"nothing is allowed", {.records = 0, .percent = 0}, {.known = 5000, .more = 1}, true},
      {"everything is allowed", {.records = 0, .percent = 100}, {.known = 5000, .more = 5000}, false},
      {"there is nothing that could be deleted", {.records = 0, .percent = 0}, {}, false},
  };
  for (const auto& r : table) {
    CAPTURE(r.what);
    CHECK((judge_deletions(r.limits, r.facts) == koppel::core::deletion_verdict::hold) == r.held);
  }
}
