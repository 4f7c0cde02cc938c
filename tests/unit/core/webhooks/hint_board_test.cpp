// SPDX-License-Identifier: Apache-2.0
// Which records are read for which hints, and when a row of the journal is settled.

#include "host/core/hint_board.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <utility>

using namespace koppel::core;
using namespace std::chrono_literals;
using lane = hint_board::lane;
using rows = std::vector<hint_board::row>;
using ids = std::vector<std::string>;

namespace {

const lane companies{"c1", "companies"}, contacts{"c1", "contacts"}, other{"c2", "companies"};

hint_board::hint of(const lane& l, std::string id) { return {l, std::move(id)}; }
bool anybody(const std::string&) { return true; }
instant at(int seconds) { return instant(std::chrono::seconds{seconds}); }
std::optional<hint_board::batch> next(hint_board& b, std::size_t most = 20, int seconds = 0) {
  return b.take(at(seconds), most, &anybody);
}
rows sorted(rows r) {
  std::sort(r.begin(), r.end());
  return r;
}

}  // namespace

TEST_CASE("a record that is hinted at five times is read once, which settles all five", "[webhooks]") {
  hint_board b;
  for (hint_board::row r = 1; r <= 5; ++r) b.add(r, {of(companies, "a")});
  const auto batch = next(b);
  REQUIRE(batch);
  CHECK(batch->ids == ids{"a"});
  CHECK(batch->first == 1);
  CHECK_FALSE(next(b));
  CHECK(sorted(b.done(companies)) == rows{1, 2, 3, 4, 5});
  CHECK(b.empty());
  CHECK_FALSE(next(b));
}

TEST_CASE("a hint that comes while its record is being read causes one more read afterwards", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a")});
  REQUIRE(next(b));
  b.add(2, {of(companies, "a")});
  b.add(3, {of(companies, "a")});
  CHECK_FALSE(next(b));
  CHECK(b.done(companies) == rows{1});
  const auto again = next(b);
  REQUIRE(again);
  CHECK(again->ids == ids{"a"});
  CHECK(sorted(b.done(companies)) == rows{2, 3});
}

TEST_CASE("a row with several records is settled with the last of them", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a"), of(companies, "b"), of(contacts, "c")});
  const auto first = next(b, 1);
  REQUIRE(first);
  REQUIRE(first->of == companies);
  CHECK(b.done(companies).empty());
  REQUIRE(next(b, 1)->of == contacts);
  CHECK(b.done(contacts).empty());
  REQUIRE(next(b, 1)->ids == ids{"b"});
  CHECK(b.done(companies) == rows{1});
}

TEST_CASE("after each failure half as many records are read at once, until a read ends well", "[webhooks]") {
  hint_board b;
  for (int i = 0; i < 50; ++i) b.add(i + 1, {of(companies, std::to_string(i))});
  for (const std::size_t many : {20, 10, 5, 2, 1, 1}) {
    REQUIRE(next(b)->ids.size() == many);
    b.again(companies, at(0));
  }
  REQUIRE(next(b)->ids.size() == 1);
  CHECK(b.done(companies).size() == 1);
  CHECK(next(b)->ids.size() == 20);
}

TEST_CASE("whoever waits longest is next, and nobody twice at a time", "[webhooks]") {
  hint_board b;
  for (int i = 0; i < 50; ++i) b.add(i + 1, {of(companies, std::to_string(i))});
  b.add(60, {of(other, "x")});
  REQUIRE(next(b, 20)->of == companies);
  REQUIRE(next(b, 20)->of == other);
  CHECK_FALSE(next(b));
  b.add(61, {of(contacts, "y")});
  CHECK(b.done(companies).size() == 20);
  CHECK(next(b)->of == companies);
  CHECK(next(b)->of == contacts);
}

TEST_CASE("connections that may not be read wait", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a")});
  b.add(2, {of(other, "a")});
  const auto only_second = [](const std::string& c) { return c == "c2"; };
  CHECK(b.take(at(0), 20, only_second)->of == other);
  CHECK_FALSE(b.take(at(0), 20, only_second));
  CHECK_FALSE(b.next(at(0)));  // it is no pause that ends by itself
}

TEST_CASE("what was not read waits for its pause, in front of what came meanwhile", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a")});
  REQUIRE(next(b));
  b.add(2, {of(companies, "a"), of(companies, "b")});
  b.again(companies, at(60));
  CHECK(b.failures(companies) == 1);
  CHECK_FALSE(next(b, 20, 59));
  CHECK(b.next(at(59)) == at(60));
  const auto batch = next(b, 20, 60);
  REQUIRE(batch);
  CHECK(batch->ids == ids{"a", "b"});
  CHECK(batch->first == 1);
  CHECK(sorted(b.done(companies)) == rows{1, 2});
  CHECK(b.failures(companies) == 0);
}

TEST_CASE("a new grant ends the pauses of its connection", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a")});
  REQUIRE(next(b));
  b.again(companies, at(600));
  b.hurry("c1");
  CHECK(next(b, 20, 1));
}

TEST_CASE("a crowd becomes one wish for the whole stream, and one row that stands for it", "[webhooks]") {
  hint_board b;
  for (int i = 1; i <= 10; ++i) b.add(i, {of(companies, std::to_string(i % 4))});
  b.add(11, {of(companies, "z"), of(contacts, "z")});
  CHECK(b.crowded(companies, 10));
  CHECK_FALSE(b.crowded(companies, 11));
  const auto crowd = b.collapse(companies);
  CHECK(crowd.keeper == 11);
  CHECK(sorted(crowd.settled) == rows{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK_FALSE(b.crowded(companies, 10));
  b.add(12, {of(companies, "new")});  // it is in the whole stream too
  const auto batch = next(b);
  REQUIRE(batch);
  CHECK(batch->whole);
  CHECK(b.reads_whole(companies));
  CHECK(b.done(companies) == rows{12});
  CHECK(next(b)->of == contacts);
  CHECK(b.done(contacts) == rows{11});
  CHECK(b.empty());
}

TEST_CASE("records that cannot be read one by one become the whole stream", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a"), of(companies, "b")});
  REQUIRE(next(b));
  b.again_whole(companies, at(0));
  const auto batch = next(b);
  REQUIRE(batch);
  CHECK(batch->whole);
  CHECK(b.done(companies) == rows{1});
}

TEST_CASE("what was read beside a run is read once more when that is over, and holds up nobody", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a")});
  REQUIRE(next(b));
  b.park(companies);
  CHECK_FALSE(next(b));
  CHECK_FALSE(b.empty());
  b.add(2, {of(companies, "b")});
  REQUIRE(next(b)->ids == ids{"b"});
  b.unpark(companies);
  CHECK(b.done(companies) == rows{2});
  REQUIRE(next(b)->ids == ids{"a"});
  CHECK(b.done(companies) == rows{1});
  CHECK(b.empty());
}

TEST_CASE("what is parked counts for a crowd, and is part of what that becomes", "[webhooks]") {
  hint_board b;
  for (int i = 1; i <= 4; ++i) b.add(i, {of(companies, std::to_string(i))});
  REQUIRE(next(b, 3));
  b.park(companies);
  CHECK(b.crowded(companies, 3));
  CHECK(sorted(b.collapse(companies).settled) == rows{1, 2, 3});
  CHECK(next(b)->whole);
  CHECK(b.done(companies) == rows{4});
  CHECK(b.empty());
}

TEST_CASE("a connection that is gone is forgotten with its rows", "[webhooks]") {
  hint_board b;
  b.add(1, {of(companies, "a"), of(contacts, "b")});
  b.add(2, {of(other, "a")});
  REQUIRE(next(b));
  b.forget("c1");
  CHECK(b.done(companies).empty());
  CHECK(next(b)->of == other);
  CHECK(b.done(other) == rows{2});
  CHECK(b.empty());
}

TEST_CASE("whatever happens, each row is settled once and never before its records were read", "[webhooks]") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 dice(seed);
    const auto roll = [&dice](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
    hint_board b;
    std::map<hint_board::row, std::set<std::pair<lane, std::string>>> owed;  // by row: what is to be read after it
    std::map<lane, hint_board::batch> reading;
    std::map<lane, std::map<hint_board::row, std::set<std::pair<lane, std::string>>>> covered;
    std::set<hint_board::row> settled;
    hint_board::row number = 0;
    const auto settle = [&](const rows& some, bool read) {
      for (const auto r : some) {
        CHECK(settled.insert(r).second);
        if (read) CHECK(owed[r].empty());
      }
    };
    const lane lanes[] = {companies, contacts, other};
    for (int step = 0; step < 400; ++step) {
      const auto& l = lanes[roll(3)];
      const int what = step < 300 ? roll(10) : 5 + roll(3);
      if (what < 5) {
        std::vector<hint_board::hint> some{of(l, std::string(1, static_cast<char>('a' + roll(4))))};
        if (roll(3) == 0) some.push_back(of(lanes[roll(3)], "q"));
        b.add(++number, some);
        for (const auto& h : some) owed[number].insert({h.of, h.id});
      } else if (what < 8) {
        if (!reading.contains(l)) {
          if (auto batch = next(b, 2, step)) {
            covered[batch->of] = owed;
            reading[batch->of] = *batch;
          }
        } else {
          const auto batch = reading[l];
          reading.erase(l);
          for (auto& [r, before] : covered[l])
            for (const auto& one : before)
              if (one.first == l && (batch.whole || std::count(batch.ids.begin(), batch.ids.end(), one.second)))
                owed[r].erase(one);
          settle(b.done(l), true);
        }
      } else if (what == 8 && reading.contains(l)) {
        reading.erase(l);
        if (roll(2) == 0)
          b.again(l, at(step + roll(5)));
        else
          b.park(l);
        if (roll(2) == 0) b.unpark(l);
      } else if (b.crowded(l, 6)) {
        const auto crowd = b.collapse(l);
        for (auto& [r, some] : owed)  // the keeper's wish has all of the lane in it
          if (r != crowd.keeper) std::erase_if(some, [&](const auto& one) { return one.first == l; });
        settle(crowd.settled, true);
      }
    }
    for (int step = 0; step < 200 && !b.empty(); ++step) {
      for (const auto& l : lanes) b.unpark(l);
      for (const auto& [l, batch] : std::exchange(reading, {})) settle(b.done(l), false);
      while (auto batch = next(b, 20, 10'000)) reading[batch->of] = *batch;
    }
    CHECK(settled.size() == static_cast<std::size_t>(number));
  }
}
