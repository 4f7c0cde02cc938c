// SPDX-License-Identifier: Apache-2.0
// Instants to text and back, in every form that providers use.

#include "host/core/time.hpp"

#include <catch2/catch.hpp>

using koppel::core::from_iso8601;
using koppel::core::to_rfc3339;

TEST_CASE("one instant is read from every written form of it", "[time]") {
  const auto expected = from_iso8601("2021-06-15T09:51:23.035Z");
  REQUIRE(expected);
  REQUIRE(from_iso8601("2021-06-15T10:51:23.035+0100") == expected);
  REQUIRE(from_iso8601("2021-06-15T10:51:23.035+01:00") == expected);
  REQUIRE(from_iso8601("2021-06-15T04:51:23.035987-05:00") == expected);
  REQUIRE(to_rfc3339(*expected) == "2021-06-15T09:51:23.035Z");
}

TEST_CASE("what is not a time is not guessed at", "[time]") {
  for (const auto* text :
       {"", "2021", "2021-06-15", "2021-06-15 10:51:23Z", "2021-06-15T10:51:23", "2021-13-15T10:51:23Z",
        "2021-02-30T10:51:23Z", "2021-06-15T25:51:23Z", "2021-06-15T10:51:23.Z", "2021-06-15T10:51:23+1",
        "2021-06-15T10:51:23Zx", "-021-06-15T10:51:23Z", "1623750683"}) {
    CAPTURE(text);
    REQUIRE_FALSE(from_iso8601(text));
  }
}
