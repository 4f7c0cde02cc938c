// SPDX-License-Identifier: Apache-2.0
// Times as providers write them.
#include <koppel/sdk/time.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

namespace {
std::string normal(std::string_view text) {
  const auto when = parse_time(text);
  return when ? format_time(*when) : "no time";
}
}  // namespace

TEST_CASE("every usual notation becomes UTC", "[time]") {
  CHECK(normal("2016-02-04T16:44:33+00:00") == "2016-02-04T16:44:33Z");
  CHECK(normal("2016-02-04T16:44:33Z") == "2016-02-04T16:44:33Z");
  CHECK(normal("2021-06-15T10:51:23.035+0100") == "2021-06-15T09:51:23.035Z");
  CHECK(normal("2021-01-01T00:30:00+01:00") == "2020-12-31T23:30:00Z");
  CHECK(normal("2020-02-29T23:59:59-05:30") == "2020-03-01T05:29:59Z");
  CHECK(normal("2016-02-04T16:44:33.1Z") == "2016-02-04T16:44:33.100Z");
  CHECK(normal("2016-02-04T16:44:33.123456789Z") == "2016-02-04T16:44:33.123Z");
  CHECK(normal("2017-03-08T17:00:00:250+0400") == "2017-03-08T13:00:00.250Z");
  CHECK(normal("1969-12-31T23:59:59.999Z") == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("what is not a time is not taken for one", "[time]") {
  for (const auto* text :
       {"", "soon", "2016-02-04", "2016-02-04T16:44:33", "2016-02-30T00:00:00Z", "2015-02-29T00:00:00Z",
        "2016-13-01T00:00:00Z", "2016-02-04T24:00:00Z", "2016-02-04T16:60:00Z", "2016-02-04T16:44:33.Z",
        "2016-02-04T16:44:33:Z", "2016-02-04T16:44:33:000", "2016-02-04T16:44:33:000.5Z", "2016-02-04T16:44:33+1",
        "2016-02-04T16:44:33+25:00", "2016-02-04T16:44:33Zjunk", "+016-02-04T16:44:33Z"})
    CHECK(normal(text) == "no time");
}
