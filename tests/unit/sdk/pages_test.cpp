// SPDX-License-Identifier: Apache-2.0
// How the runtime hands pages over: two on their way at most, and large ones in parts.
#include "sample_connector.hpp"

namespace koppel::test {

TEST_CASE("at most two pages are on their way, and done waits for all", "[runtime][pages]") {
  raw_host host;
  host.begin(9, "sync", "pages");
  const auto first = host.next<messages::page>(), second = host.next<messages::page>();
  CHECK(first.cursor == "c1");
  CHECK(first.cursor_version == 2);
  CHECK(host.silent());

  host.reply(9, second.effect);  // in any order
  const auto third = host.next<messages::page>();
  CHECK(host.silent());
  host.reply(9, first.effect);
  const auto fourth = host.next<messages::page>();
  host.reply(9, third.effect);
  const auto fifth = host.next<messages::page>();
  CHECK(fifth.cursor == "c5");
  CHECK(host.silent());
  host.reply(9, fourth.effect);
  CHECK(host.silent());
  CHECK(alive == 0);  // the coroutine has ended; its last page has not
  host.reply(9, fifth.effect);
  CHECK(host.next<messages::done>().error.empty());
}

TEST_CASE("a page of more records than one message may have goes as several", "[runtime][pages]") {
  raw_host host;
  host.begin(1, "sync", "many");
  const auto first = host.next<messages::page>();
  CHECK(first.records.size() == messages::most_records);
  CHECK(first.cursor.empty());
  const auto last = host.next<messages::page>();
  CHECK(last.records.size() == 1);
  CHECK(last.cursor == "after all");
}

TEST_CASE("a page too large for one message goes as several, the cursor with the last", "[runtime][pages]") {
  raw_host host;
  messages::start begin;
  begin.job = 1;
  begin.kind = "sync";
  begin.stream = "large";
  begin.cursor = "before";
  begin.cursor_version = 2;
  host.say(begin);
  const auto first = host.next<messages::page>(), second = host.next<messages::page>();
  CHECK(first.records.size() == 2);
  CHECK(first.cursor == "before");
  host.reply(1, first.effect);
  const auto last = host.next<messages::page>();
  CHECK(second.records.size() == 2);
  CHECK(last.records.size() == 1);
  CHECK(last.cursor == "after all");
  CHECK(last.set_aside == 1);  // the one of 5 MB
  CHECK(last.set_aside_reason == "a record larger than one message");
  for (const auto size : host.sizes) CHECK(size <= messages::max_from_plugin);
}

}  // namespace koppel::test
