// SPDX-License-Identifier: Apache-2.0
// Renewing a pair, step by step.

#include <catch2/catch.hpp>

#include "host/core/token_refresh.hpp"

using namespace koppel::core;
using kind = token_refresh::step::kind;
using probe = token_refresh::probe_outcome;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const instant noon = *from_iso8601("2026-01-05T12:00:00Z");

/// Obtained at noon, good for an hour.
token_age hourly() { return {7, noon, noon + std::chrono::hours{1}}; }

token_refresh machine(std::optional<refresh_intent> left = {}, bool access_refused = false, int failures = 0) {
  return {hourly(), left, {access_refused, failures, 0}, 0.5};
}

refusal answer(int status, auth_reason reason = auth_reason::unclear) {
  refusal r;
  r.reason = reason;
  r.http_status = status;
  return r;
}

/// As far as the request that is about to be sent.
token_refresh asking(instant now, std::optional<refresh_intent> left = {}, bool access_refused = false) {
  auto m = machine(left, access_refused);
  const auto first = m.begin(now);
  REQUIRE(first.what == kind::store_intent);
  CHECK(first.intent == refresh_intent{7, now, left ? left->presented + 1 : 1});
  REQUIRE(m.intent_stored(now).what == kind::send);
  return m;
}

}  // namespace

TEST_CASE("a pair is renewed between one and two margins before its end", "[auth][refresh]") {
  auth_rules rules;
  CHECK(renewal_due(hourly(), rules, 0.0) == noon + minutes{55});
  CHECK(renewal_due(hourly(), rules, 1.0) == noon + minutes{50});
  const token_age short_lived{1, noon, noon + seconds{600}};
  CHECK(renewal_due(short_lived, rules, 0.0) == noon + seconds{540});
  const token_age endless{1, noon, std::nullopt};
  CHECK_FALSE(renewal_due(endless, rules, 0.5));
  const token_age already_over{1, noon, noon - minutes{1}};
  CHECK(renewal_due(already_over, rules, 0.5) == noon + seconds{30});
  const token_age seconds_only{1, noon, noon + seconds{2}};
  CHECK(renewal_due(seconds_only, rules, 0.5) == noon + seconds{30});
}

TEST_CASE("a provider's own times are kept: not too early, and before disuse ends the grant", "[auth][refresh]") {
  auth_rules rules;
  rules.earliest_refresh = seconds{570};
  const token_age exact{1, noon, noon + seconds{600}};
  CHECK(renewal_due(exact, rules, 0.9) == noon + seconds{570});
  rules = {};
  rules.unused_lifetime = std::chrono::hours{24 * 30};
  const token_age endless{1, noon, std::nullopt};
  CHECK(renewal_due(endless, rules, 0.0) == noon + std::chrono::hours{24 * 15});
  CHECK(renewal_due(hourly(), rules, 0.0) == noon + minutes{55});
}

TEST_CASE("a grant of new tokens is stored", "[auth][refresh]") {
  auto m = asking(noon);
  token_pair pair;
  pair.access = secret("new");
  auto step = m.answered(std::move(pair), {}, noon + seconds{1});
  CHECK(step.what == kind::store_pair);
  CHECK(step.pair.access.reveal() == "new");
}

TEST_CASE("a definite refusal ends it at once, whatever its kind", "[auth][refresh]") {
  for (const auto reason : {auth_reason::revoked, auth_reason::secret_wrong, auth_reason::client_unknown}) {
    auto m = asking(noon);
    const auto step = m.answered(answer(400, reason), {}, noon + seconds{1});
    CHECK(step.what == kind::dead);
    CHECK(step.why.reason == reason);
    CHECK(step.why.http_status == 400);
  }
}

TEST_CASE("a request that was not sent, or was turned away by a limit, uses nothing up", "[auth][refresh]") {
  for (const auto fault : {exchange_fault::resolve, exchange_fault::connect, exchange_fault::tls}) {
    auto m = asking(noon);
    const auto step = m.not_answered(fault, noon + seconds{1});
    CHECK(step.what == kind::wait);
    CHECK(step.intent_settled);
    CHECK_FALSE(step.access_token_works);
    CHECK(step.not_before == noon + seconds{1} + milliseconds{1500});
  }
  auto m = asking(noon);
  const auto step = m.answered(answer(429), seconds{40}, noon + seconds{1});
  CHECK(step.what == kind::wait);
  CHECK(step.intent_settled);
  CHECK(step.not_before == noon + seconds{41});
}

TEST_CASE("pauses grow with failures, to five minutes, and Retry-After to an hour", "[auth][refresh]") {
  const std::vector<std::pair<int, milliseconds>> pauses{
      {0, seconds{2}}, {1, seconds{4}}, {5, seconds{64}}, {9, minutes{5}}, {1'000'000, minutes{5}}};
  for (const auto& [failures, longest] : pauses) {
    token_refresh m(hourly(), {}, {false, failures, 0}, 0.999999);
    m.begin(noon);
    m.intent_stored(noon);
    const auto step = m.not_answered(exchange_fault::connect, noon);
    CHECK(step.not_before > noon + longest - milliseconds{10});
    CHECK(step.not_before <= noon + longest);
  }
  auto m = asking(noon);
  CHECK(m.answered(answer(429), std::chrono::hours{50}, noon).not_before == noon + std::chrono::hours{1});
}

TEST_CASE("a lost answer: the old access token is tried first, and serves to its end if it works", "[auth][refresh]") {
  for (const auto fault : {exchange_fault::cut, exchange_fault::timeout, exchange_fault::malformed}) {
    auto m = asking(noon);
    CHECK(m.not_answered(fault, noon + seconds{1}).what == kind::try_access_token);
    const auto step = m.probed(probe::works, noon + seconds{2});
    CHECK(step.what == kind::wait);
    CHECK(step.access_token_works);
    CHECK_FALSE(step.intent_settled);
    CHECK(step.not_before == noon + std::chrono::hours{1});
  }
}

TEST_CASE("a server in trouble has answered nothing", "[auth][refresh]") {
  for (const int status : {200, 302, 408, 500, 503}) {
    auto m = asking(noon);
    CHECK(m.answered(answer(status), {}, noon + seconds{1}).what == kind::try_access_token);
  }
}

TEST_CASE("a lost answer and a dead access token: one resolving presentation, half a minute later", "[auth][refresh]") {
  auto m = asking(noon);
  m.not_answered(exchange_fault::cut, noon + seconds{1});
  const auto waits = m.probed(probe::refused, noon + seconds{2});
  CHECK(waits.what == kind::wait);
  CHECK(waits.not_before == noon + seconds{35});
  CHECK_FALSE(waits.intent_settled);

  // The next machine finds the intent; so does the one after a restart.
  const refresh_intent left{7, noon, 1};
  auto again = asking(noon + seconds{35}, left, true);
  const auto step = again.answered(answer(400, auth_reason::revoked), {}, noon + seconds{36});
  CHECK(step.what == kind::dead);
  CHECK(step.why.reason == auth_reason::refresh_outcome_unknown);
  CHECK(step.why.http_status == 400);
}

TEST_CASE("found after a crash, an intent is looked into before anything is presented", "[auth][refresh]") {
  const refresh_intent left{7, noon, 1};
  auto m = machine(left);
  CHECK(m.begin(noon + seconds{5}).what == kind::try_access_token);
  CHECK(m.probed(probe::refused, noon + seconds{6}).not_before == noon + seconds{35});

  auto expired = machine(left);
  CHECK(expired.begin(noon + std::chrono::hours{1}).what == kind::store_intent);

  auto unclear = machine(left);
  unclear.begin(noon + seconds{5});
  const auto step = unclear.probed(probe::unclear, noon + seconds{6});
  CHECK(step.what == kind::wait);
  CHECK_FALSE(step.access_token_works);
  CHECK_FALSE(step.intent_settled);
}

TEST_CASE("an intent of an older pair says nothing", "[auth][refresh]") {
  const refresh_intent older{6, noon - minutes{5}, 3};
  auto m = machine(older);
  const auto step = m.begin(noon);
  CHECK(step.what == kind::store_intent);
  CHECK(step.intent == refresh_intent{7, noon, 1});
}

TEST_CASE("an outage decides nothing, however long: one presentation at a time, with pauses", "[auth][refresh]") {
  refresh_intent left{7, noon, 1};
  auto now = noon + std::chrono::hours{2};
  for (int failures = 1; failures <= 20; ++failures) {
    token_refresh m(hourly(), left, {true, failures, 0}, 0.5);
    const auto begun = m.begin(now);
    REQUIRE(begun.what == kind::store_intent);
    m.intent_stored(now);
    left = begun.intent;
    const auto step = failures % 2 ? m.answered(answer(503), {}, now + seconds{1})
                                   : m.not_answered(exchange_fault::timeout, now + seconds{30});
    REQUIRE(step.what == kind::wait);
    CHECK_FALSE(step.intent_settled);
    CHECK(step.not_before >= now + seconds{30});
    CHECK(step.not_before <= now + seconds{30} + minutes{5});
    now = step.not_before;
  }
  CHECK(left.presented == 21);
}

TEST_CASE("a refusal that nobody understands is believed the third time, and not within seconds", "[auth][refresh]") {
  for (int before = 0; before < 3; ++before) {
    token_refresh m(hourly(), refresh_intent{7, noon - minutes{5}, 1}, {true, 0, before}, 0.5);
    m.begin(noon);
    m.intent_stored(noon);
    const auto step = m.answered(answer(403), {}, noon + seconds{1});
    CHECK(step.what == (before < 2 ? kind::wait : kind::dead));
    CHECK(step.not_understood == (before < 2));
    if (step.what == kind::wait) CHECK(step.not_before >= noon + minutes{2});
    if (step.what == kind::dead) CHECK(step.why.reason == auth_reason::unclear);
  }
}

TEST_CASE("presentations without an answer are no refusals, however many", "[auth][refresh]") {
  auto m = asking(noon, refresh_intent{7, noon - minutes{5}, 9}, true);
  CHECK(m.answered(answer(403), {}, noon + seconds{1}).what == kind::wait);
}

TEST_CASE("an intent that took long to store is stored again, so that its time is the request's", "[auth][refresh]") {
  auto m = machine();
  m.begin(noon);
  const auto again = m.intent_stored(noon + seconds{60});
  REQUIRE(again.what == kind::store_intent);
  CHECK(again.intent == refresh_intent{7, noon + seconds{60}, 1});
  CHECK(m.intent_stored(noon + seconds{61}).what == kind::send);

  auto slow = machine();
  slow.begin(noon);
  int stored = 1;
  for (auto now = noon; slow.intent_stored(now += seconds{10}).what == kind::store_intent;) ++stored;
  CHECK(stored == 4);
}

TEST_CASE("patience with a lost request counts from its sending", "[auth][refresh]") {
  auto m = asking(noon, {}, true);
  m.sent(noon + seconds{14});
  const auto waits = m.not_answered(exchange_fault::cut, noon + seconds{16});
  CHECK(waits.what == kind::wait);
  CHECK(waits.not_before == noon + seconds{14 + 35});
}

TEST_CASE("a clock that was set back does not hold up the resolving presentation", "[auth][refresh]") {
  const refresh_intent left{7, noon + std::chrono::hours{24}, 1};
  auto m = machine(left, true);
  CHECK(m.begin(noon).what == kind::store_intent);
}
