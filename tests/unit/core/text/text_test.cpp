// SPDX-License-Identifier: Apache-2.0
// Foreign text: made visible, cut, compared without case.

#include "host/core/text.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;

TEST_CASE("control characters, direction marks and broken UTF-8 become visible", "[core][text]") {
  CHECK(escaped("plain, caf\xc3\xa9 \xf0\x9f\x98\x80", 8192) == "plain, caf\xc3\xa9 \xf0\x9f\x98\x80");
  CHECK(escaped("a\nb\r\tc\x1b[31m\x7f", 8192) == "a\\nb\\r\\tc\\x1b[31m\\x7f");
  CHECK(escaped(std::string_view("a\0b", 3), 8192) == "a\\x00b");
  CHECK(escaped("\xc2\x85", 8192) == "\\u0085");
  CHECK(escaped("\xe2\x80\xae", 8192) == "\\u202e");
  CHECK(escaped("\xe2\x80\xa8", 8192) == "\\u2028");
  CHECK(escaped("\xff\xc0\xaf\xed\xa0\x80", 8192) == "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
  CHECK(escaped("cut \xe2\x82", 8192) == "cut \\xe2\\x82");
}

TEST_CASE("a long line is cut at the limit, never within a character or an escape", "[core][text]") {
  CHECK(escaped(std::string(8192, 'x'), 8192).size() == 8192);
  const std::string cut = escaped(std::string(1'000'000, 'x'), 8192);
  CHECK(cut.size() == 8192);
  CHECK(cut.ends_with("x..."));
  CHECK(escaped("aaaa\n\n\n", 9) == "aaaa\\n...");
  CHECK(escaped("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 6) == "\xc3\xa9...");
}

TEST_CASE("case is that of ASCII letters, whatever the locale", "[core][text]") {
  CHECK(lower_case("X-Rate_LIMIT[\xc3\x89]") == "x-rate_limit[\xc3\x89]");
  CHECK(equal_ignoring_case("Retry-After", "rETRY-aFTER"));
  CHECK_FALSE(equal_ignoring_case("Retry-After", "Retry-Afte"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
}
