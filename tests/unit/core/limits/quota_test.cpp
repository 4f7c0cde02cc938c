// SPDX-License-Identifier: Apache-2.0
// How fast a provider is asked: by its own headers where it sends them, by our own count where it does not.

#include "host/core/quota.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "host/core/retry.hpp"

namespace koppel::core {
namespace {

using namespace std::chrono_literals;
using headers = std::vector<std::pair<std::string, std::string>>;

const instant start = *from_iso8601("2026-01-31T12:00:00Z");

limit_rule silent_rule() {
  limit_rule rule;
  rule.name = "requests";
  rule.bucket = {"client", "account"};
  rule.requests = 200;
  rule.window = 60s;
  return rule;
}

limit_rule teamleader_rule() {
  limit_rule rule = silent_rule();
  rule.header_limit = "x-ratelimit-limit";
  rule.header_remaining = "x-ratelimit-remaining";
  rule.header_reset = "x-ratelimit-reset";
  rule.reset = limit_rule::reset_format::iso8601;
  return rule;
}

headers announce(const std::string& remaining, const std::string& reset, const std::string& limit = "200") {
  return {{"X-RateLimit-Limit", limit}, {"X-RateLimit-Remaining", remaining}, {"X-RateLimit-Reset", reset}};
}

/// Sends and is answered at once.
void exchange(quota& q, instant at, int status = 200, const headers& h = {}) {
  q.sent(at);
  q.observe(at, status, h);
}

/// How long the bucket makes us wait; 0: not at all.
std::chrono::milliseconds wait(quota& q, instant now) {
  const auto until = q.ask(now);
  return until ? *until - now : 0ms;
}

}  // namespace

TEST_CASE("no more are under way at once than may be, and each answer or loss makes room for one", "[core][quota]") {
  auto rule = silent_rule();
  rule.at_once = 2;
  quota q(rule);
  CHECK(wait(q, start) == 0ms);
  q.sent(start);
  q.sent(start);
  CHECK(wait(q, start) > 0ms);
  CHECK(wait(q, start + 30s) > 0ms);  // however long they take
  q.observe(start + 31s, 200, {});
  CHECK(wait(q, start + 31s) == 0ms);
  q.sent(start + 31s);
  CHECK(wait(q, start + 31s) > 0ms);
  q.unanswered(start + 32s);
  CHECK(wait(q, start + 32s) == 0ms);
  // It is one bound of several.
  q.observe(start + 33s, 429, {{"Retry-After", "9"}});
  CHECK(wait(q, start + 33s) == 9s);
}

TEST_CASE("without headers the window slides over what we sent", "[core][quota]") {
  quota q(silent_rule());
  for (int i = 0; i < 200; ++i) {
    REQUIRE(wait(q, start + i * 100ms) == 0ms);
    exchange(q, start + i * 100ms);
  }

  CHECK(wait(q, start + 20s) == 40s);
  CHECK(wait(q, start + 59'999ms) == 1ms);
  CHECK(wait(q, start + 60s) == 0ms);
  exchange(q, start + 60s);
  CHECK(wait(q, start + 60s) == 100ms);
}

TEST_CASE("a rule without a number never waits", "[core][quota]") {
  limit_rule rule = silent_rule();
  rule.requests = 0;
  quota q(rule);
  for (int i = 0; i < 10'000; ++i) exchange(q, start);
  CHECK(wait(q, start) == 0ms);
}

TEST_CASE("the provider's count wins over ours, both ways", "[core][quota]") {
  quota q(teamleader_rule());

  SECTION("others used the bucket: it is empty though we sent little") {
    exchange(q, start, 200, announce("0", "2026-01-31T13:00:23.035+0100"));
    CHECK(wait(q, start) == 23'035ms);
  }
  SECTION("a larger plan lifts the manifest's limit") {
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(wait(q, start) == 0ms);
      exchange(q, start, 200, announce(std::to_string(4999 - i), "2026-01-31T12:01:00+00:00", "5000"));
    }
    CHECK(q.limit() == 5000);
    CHECK(wait(q, start) == 0ms);
  }
  SECTION("so does what is left of one, where the provider does not name its limit") {
    limit_rule rule = teamleader_rule();
    rule.header_limit.clear();
    quota nameless(rule);
    exchange(nameless, start, 200, announce("4999", "2026-01-31T12:01:00Z"));
    CHECK(nameless.limit() == 4999);
  }
  SECTION("a smaller one lowers it") {
    exchange(q, start, 200, {{"x-ratelimit-limit", "2"}});
    exchange(q, start);
    CHECK(wait(q, start) == 60s);
  }
}

TEST_CASE("what is under way counts against what was announced", "[core][quota]") {
  quota q(teamleader_rule());
  q.sent(start);
  q.sent(start);
  q.sent(start);
  q.observe(start, 200, announce("3", "2026-01-31T12:00:30Z"));

  // Of three left, two may have been meant for those under way.
  CHECK(wait(q, start) == 0ms);
  q.sent(start);
  CHECK(wait(q, start) == 30s);
}

TEST_CASE("an answer that was overtaken does not bring back what is spent", "[core][quota]") {
  quota q(teamleader_rule());
  exchange(q, start, 200, announce("4", "2026-01-31T12:00:30Z"));
  for (int i = 0; i < 4; ++i) q.sent(start);
  q.observe(start + 1s, 200, announce("0", "2026-01-31T12:00:30Z"));
  q.observe(start + 1s, 200, announce("3", "2026-01-31T12:00:30Z"));
  q.observe(start + 1s, 200, announce("2", "2026-01-31T12:00:30Z"));
  q.observe(start + 1s, 200, announce("1", "2026-01-31T12:00:30Z"));

  CHECK(wait(q, start + 1s) == 29s);
}

TEST_CASE("after an empty bucket requests go on one by one until an answer says more", "[core][quota]") {
  quota q(teamleader_rule());
  exchange(q, start, 200, announce("0", "2026-01-31T12:00:10Z"));
  const instant later = start + 10s;

  REQUIRE(wait(q, later) == 0ms);
  q.sent(later);
  CHECK(wait(q, later) == 300ms);
  q.observe(later + 100ms, 200, announce("150", "2026-01-31T12:00:40Z"));

  int allowed = 0;
  for (; allowed < 1000 && wait(q, later + 100ms) == 0ms; ++allowed) q.sent(later + 100ms);
  CHECK(allowed == 150);
}

TEST_CASE("a refusal is obeyed: Retry-After, else the reset, else a growing pause", "[core][quota]") {
  quota q(teamleader_rule());

  SECTION("seconds") {
    exchange(q, start, 429, {{"Retry-After", "7"}});
    CHECK(wait(q, start) == 7s);
  }
  SECTION("a date, by the provider's own clock") {
    exchange(q, start, 429,
             {{"Retry-After", "Sat, 31 Jan 2026 13:00:09 GMT"}, {"Date", "Sat, 31 Jan 2026 13:00:00 GMT"}});
    CHECK(wait(q, start) == 9s);
  }
  SECTION("the reset") {
    exchange(q, start, 429, announce("0", "2026-01-31T12:00:12Z"));
    CHECK(wait(q, start) == 12s);
  }
  SECTION("nothing: one second, two, four, at most a minute, and one again after a success") {
    instant now = start;
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
      exchange(q, now, 429);
      CHECK(wait(q, now) == expected);
      now += expected;
    }
    exchange(q, now, 200);
    exchange(q, now, 429);
    CHECK(wait(q, now) == 1s);
  }
  SECTION("503 only where it says when") {
    exchange(q, start, 503);
    CHECK(wait(q, start) == 0ms);
    exchange(q, start, 503, {{"retry-after", "5"}});
    CHECK(wait(q, start) == 5s);
  }
  SECTION("a provider without headers is asked one by one after it, then freely again") {
    exchange(q, start, 429);
    CHECK(wait(q, start + 1s) == 0ms);
    q.sent(start + 1s);
    CHECK(wait(q, start + 1s) == 300ms);
    q.observe(start + 1s, 200, {});
    CHECK(wait(q, start + 1s) == 0ms);
  }
}

TEST_CASE("absurd values are bounded", "[core][quota]") {
  quota q(teamleader_rule());
  struct row {
    const char* name;
    int status;
    headers given;
    std::chrono::milliseconds wait;
  };
  const std::vector<row> rows{
      {"Retry-After of 0", 429, {{"retry-after", "0"}}, 1s},
      {"of -1", 429, {{"retry-after", "-1"}}, 1s},
      {"of 10^9", 429, {{"retry-after", "1000000000"}}, 1h},
      {"of junk", 429, {{"retry-after", "soon"}}, 1s},
      {"in the past", 429, {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 1s},
      {"a year ahead", 429, {{"retry-after", "Sun, 31 Jan 2027 12:00:00 GMT"}}, 1h},
      {"a reset in the past", 200, announce("0", "2020-01-01T00:00:00Z"), 300ms},
      {"a reset in ten years", 200, announce("0", "2036-01-01T00:00:00Z"), 1h},
      {"a reset of junk", 200, announce("0", "1769860860"), 300ms},
      {"a remaining of -1", 200, announce("-1", "2026-01-31T12:00:30Z"), 0ms},
      {"a remaining of 2^70", 200, announce("1180591620717411303424", "2026-01-31T12:00:30Z"), 0ms},
      {"a limit of 0", 200, {{"x-ratelimit-limit", "0"}}, 0ms},
      {"a clock that is off by a day",
       200,
       {{"x-ratelimit-remaining", "0"},
        {"x-ratelimit-reset", "2026-02-01T12:00:20Z"},
        {"date", "Sun, 01 Feb 2026 12:00:00 GMT"}},
       20s},
  };
  for (const row& r : rows) {
    DYNAMIC_SECTION(r.name) {
      exchange(q, start, r.status, r.given);
      CHECK(wait(q, start) == r.wait);
      CHECK(q.limit() == 200);
    }
  }
}

TEST_CASE("each format of a reset is read", "[core][quota]") {
  limit_rule rule = teamleader_rule();
  const auto wait_for = [&rule](limit_rule::reset_format format, const std::string& text) {
    rule.reset = format;
    quota q(rule);
    exchange(q, start, 200, announce("0", text));
    return wait(q, start);
  };
  using format = limit_rule::reset_format;
  CHECK(wait_for(format::delta_s, "17") == 17s);
  CHECK(wait_for(format::delta_s, "99999999999999999") == 1h);
  CHECK(wait_for(format::epoch_s, "1769860830") == 30s);
  CHECK(wait_for(format::epoch_s, "1769860830000") == 1h);
  CHECK(wait_for(format::epoch_s, "9223372036854775807") == 1h);
  CHECK(wait_for(format::iso8601, "2026-01-31T12:00:30+00:00") == 30s);
}

TEST_CASE("a clock that is set back blocks nobody for longer than its bound", "[core][quota]") {
  quota q(teamleader_rule());

  SECTION("by our own count") {
    for (int i = 0; i < 200; ++i) exchange(q, start);
    const instant past = start - std::chrono::hours{24 * 3650};
    CHECK(wait(q, past) == 60s);
    CHECK(wait(q, past + 60s) == 0ms);
  }
  SECTION("by the provider's word") {
    exchange(q, start, 429, announce("0", "2026-01-31T12:30:00Z"));
    const instant past = start - std::chrono::hours{24 * 3650};
    CHECK(wait(q, past) == 1h);
    CHECK(wait(q, past + 1h) == 0ms);
  }
}

TEST_CASE("a provider with a sliding window is used well and hardly ever answers 429", "[core][quota][simulation]") {
  const bool shared = GENERATE(false, true);
  const auto seed = GENERATE(range(1, 21));
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto dice = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  quota q(teamleader_rule());
  std::deque<instant> theirs;  // the provider's window
  struct flight {
    instant arrives, returns;
    int status = 0;
    headers answer;
  };
  std::vector<flight> flights;
  int served = 0, refused = 0;
  for (instant now = start; now < start + 300s; now += 10ms) {
    // Another integration of the same account takes its share.
    const auto serve = [&] {
      while (!theirs.empty() && theirs.front() + 60s <= now) theirs.pop_front();
      if (theirs.size() >= 200) return false;
      theirs.push_back(now);
      return true;
    };
    if (dice(200) == 0 && shared) serve();
    for (flight& f : flights) {
      if (f.status != 0 || f.arrives > now) continue;
      f.status = serve() ? 200 : 429;
      (f.status == 200 ? served : refused) += 1;
      f.answer = announce(std::to_string(200 - theirs.size()), to_rfc3339(theirs.front() + 60s));
    }
    for (auto f = flights.begin(); f != flights.end();) {
      if (f->status == 0 || f->returns > now) {
        ++f;
        continue;
      }
      q.observe(now, f->status, f->answer);
      f = flights.erase(f);
    }
    while (flights.size() < 8 && !q.ask(now)) {
      q.sent(now);
      const auto there = std::chrono::milliseconds{10 + dice(40)};
      flights.push_back({now + there, now + there + std::chrono::milliseconds{10 + dice(200)}, 0, {}});
    }
  }
  INFO("seed " << seed << ": " << served << " served, " << refused << " refused");
  // Alone we never ask for too much. Another one may take the last place while our request is on its way.
  CHECK(refused <= (shared ? 15 : 0));
  CHECK(served >= (shared ? 900 : 950));
}

TEST_CASE("buckets are kept apart by what the rule names, and by nothing else", "[core][quota][buckets]") {
  bucket_table table;
  limit_rule rule = silent_rule();
  const bucket_scope one{"teamleader", "client", "account", "c1"};
  quota& first = table.of(rule, one);

  CHECK(&first == &table.of(rule, {"teamleader", "client", "account", "c2"}));
  CHECK(&first != &table.of(rule, {"teamleader", "client", "other", "c1"}));
  CHECK(&first != &table.of(rule, {"workfront", "client", "account", "c1"}));
  CHECK(&first != &table.of(rule, {"teamleader", "clienta", "ccount", "c1"}));
  CHECK(&table.of(rule, {"teamleader", "client", "", "c1"}) != &table.of(rule, {"teamleader", "client", "", "c2"}));
  rule.bucket = {"connection"};
  CHECK(&table.of(rule, one) != &table.of(rule, {"teamleader", "client", "account", "c2"}));
}

TEST_CASE("a changed rule begins anew, an idle bucket is forgotten", "[core][quota][buckets]") {
  bucket_table table;
  limit_rule rule = silent_rule();
  rule.requests = 1;
  const bucket_scope scope{"p", "c", "a", "x"};
  exchange(table.of(rule, scope), start);
  CHECK(table.of(rule, scope).ask(start));
  table.forget_idle(start + 59s);
  CHECK(table.size() == 1);

  rule.requests = 2;
  CHECK_FALSE(table.of(rule, scope).ask(start));
  table.forget_idle(start);
  CHECK(table.size() == 0);
}

}  // namespace koppel::core
