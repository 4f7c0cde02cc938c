// SPDX-License-Identifier: Apache-2.0
// Plugin log lines: escaped, cut, and not too many.

#include "host/plugins/log_text.hpp"

#include <catch2/catch.hpp>

using namespace koppel::plugins;
using namespace std::chrono_literals;

TEST_CASE("control characters, direction marks and broken UTF-8 become visible", "[plugins][log]") {
  CHECK(escaped("plain, caf\xc3\xa9 \xf0\x9f\x98\x80") == "plain, caf\xc3\xa9 \xf0\x9f\x98\x80");
  CHECK(escaped("a\nb\r\tc\x1b[31m\x7f") == "a\\nb\\r\\tc\\x1b[31m\\x7f");
  CHECK(escaped(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(escaped("\xc2\x85") == "\\u0085");
  CHECK(escaped("\xe2\x80\xae") == "\\u202e");
  CHECK(escaped("\xe2\x80\xa8") == "\\u2028");
  CHECK(escaped("\xff\xc0\xaf\xed\xa0\x80") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
  CHECK(escaped("cut \xe2\x82") == "cut \\xe2\\x82");
}

TEST_CASE("a long line is cut at the limit, never within a character or an escape", "[plugins][log]") {
  CHECK(escaped(std::string(8192, 'x')).size() == 8192);
  const std::string cut = escaped(std::string(1'000'000, 'x'));
  CHECK(cut.size() == 8192);
  CHECK(cut.ends_with("x..."));
  CHECK(escaped("aaaa\n\n\n", 9) == "aaaa\\n...");
  CHECK(escaped("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 6) == "\xc3\xa9...");
}

TEST_CASE("lines beyond the rate are counted, and the count is told once", "[plugins][log]") {
  line_limit limit(3);
  const line_limit::time_point t{100s};

  for (int i = 0; i < 3; ++i) CHECK(limit.ask(t).let_through);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.ask(t + 999ms).let_through);

  const auto next = limit.ask(t + 1s);
  CHECK(next.let_through);
  CHECK(next.dropped_before == 5);
  CHECK(limit.ask(t + 1s).dropped_before == 0);
  CHECK(limit.ask(t + 2s).dropped_before == 0);
}
