// SPDX-License-Identifier: Apache-2.0

#include "host/core/token_refresh.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace koppel::core {
namespace {

using std::chrono::milliseconds;
using step = token_refresh::step;

/// A request whose answer was lost may still be carried out while its own deadline of 30 s runs at the provider. It
/// counts from the sending, or after a restart from the intent, which is a little older.
constexpr std::chrono::seconds patience{35};
/// So much older than the request may a stored intent be; a disk that stays slow is not waited for for ever.
constexpr std::chrono::seconds slow_disk{3};
constexpr int stored_again_at_most = 3;
constexpr std::chrono::seconds shortest_interval{30};
constexpr milliseconds first_pause{2'000}, longest_pause{std::chrono::minutes{5}};
constexpr milliseconds longest_asked{std::chrono::hours{1}};
/// A provider that refuses the same request so often, in words that nobody understands, means it. Not within seconds:
/// what comes back after an outage may say strange things for a while.
constexpr int unclear_refusals = 3;
constexpr std::chrono::minutes between_unclear_refusals{2};

milliseconds scaled(milliseconds whole, double part) {
  return milliseconds(std::llround(static_cast<double>(whole.count()) * part));
}

/// What a server in trouble answers: it may have carried out the request, or not.
bool in_trouble(const refusal& r) {
  const int status = r.http_status.value_or(0);
  return status < 400 || status >= 500 || status == 408;
}

}  // namespace

std::optional<instant> renewal_due(const token_age& age, const auth_rules& rules, double spread) {
  std::optional<instant> due;
  if (age.expires_at) {
    const auto life = std::max(*age.expires_at - age.obtained_at, milliseconds{0});
    const auto margin = std::min<milliseconds>(life / 10, std::chrono::minutes{5});
    // Between one and two margins ahead: pairs that were made together are not renewed together.
    due = *age.expires_at - margin - scaled(margin, spread);
  }
  if (rules.unused_lifetime.count() > 0) {
    // Used by nobody, a refresh token dies as well: half of its time is the latest.
    const auto idle = age.obtained_at + scaled(rules.unused_lifetime, 0.5 - 0.1 * spread);
    due = due ? std::min(*due, idle) : idle;
  }
  // A life of seconds is no reason to ask each second: such a token is renewed when somebody needs it.
  if (due) due = std::max(*due, age.obtained_at + std::max(rules.earliest_refresh, shortest_interval));
  return due;
}

token_refresh::token_refresh(const token_age& age, std::optional<refresh_intent> left, const history& before,
                             double random)
    : age_(age), before_(before), random_(random) {
  // One of an older pair was settled by the pair that followed it.
  if (left && left->generation == age.generation) intent_ = *left;
}

step token_refresh::begin(instant now) { return intent_.presented == 0 ? present(now) : look_into(now); }

step token_refresh::present(instant now) {
  intent_ = {age_.generation, now, intent_.presented + 1};
  step s;
  s.what = step::kind::store_intent;
  s.intent = intent_;
  return s;
}

step token_refresh::intent_stored(instant now) {
  step s;
  if (now - intent_.began_at > slow_disk && stored_again_++ < stored_again_at_most) {
    intent_.began_at = now;
    s.what = step::kind::store_intent;
    s.intent = intent_;
    return s;
  }
  presented_now_ = true;
  s.what = step::kind::send;
  return s;
}

void token_refresh::sent(instant now) { intent_.began_at = now; }

step token_refresh::answered(std::variant<token_pair, refusal> answer, std::optional<milliseconds> retry_after,
                             instant now) {
  if (auto* pair = std::get_if<token_pair>(&answer)) {
    step s;
    s.what = step::kind::store_pair;
    s.pair = std::move(*pair);
    return s;
  }
  heard_ = std::get<refusal>(answer);
  if (heard_.throttled) return pause(now, heard_.throttled, intent_.presented == 1);
  if (heard_.http_status == 429) return pause(now, retry_after, intent_.presented == 1);
  if (heard_.reason == auth_reason::unclear) {
    if (in_trouble(heard_)) return look_into(now);
    if (before_.not_understood + 1 < unclear_refusals) {
      auto s = pause(now, retry_after, false);
      s.not_before = std::max<instant>(s.not_before, now + between_unclear_refusals);
      s.not_understood = true;
      return s;
    }
  }
  step s;
  s.what = step::kind::dead;
  s.why = heard_;
  // The provider knows the token no more: it rotated when the answer was lost, or access was revoked. Nobody can tell.
  if (s.why.reason == auth_reason::revoked && intent_.presented > 1)
    s.why.reason = auth_reason::refresh_outcome_unknown;
  return s;
}

step token_refresh::not_answered(exchange_fault fault, instant now) {
  switch (fault) {
    case exchange_fault::resolve:
    case exchange_fault::connect:
    case exchange_fault::tls:
    case exchange_fault::bad_request:
    case exchange_fault::address_refused:
      return pause(now, std::nullopt, intent_.presented == 1);
    default:
      return look_into(now);
  }
}

/// The outcome of a presentation is unknown.
step token_refresh::look_into(instant now) {
  const bool lives = !before_.access_refused && (!age_.expires_at || *age_.expires_at > now);
  if (!lives) return resolve(now);
  step s;
  s.what = step::kind::try_access_token;
  return s;
}

step token_refresh::probed(probe_outcome outcome, instant now) {
  switch (outcome) {
    case probe_outcome::works: {
      auto s = pause(now, std::nullopt, false);
      s.access_token_works = true;
      s.not_before = std::max(age_.expires_at.value_or(now + std::chrono::hours{1}), now);
      return s;
    }
    case probe_outcome::refused:
      before_.access_refused = true;
      return resolve(now);
    case probe_outcome::unclear:
      break;
  }
  return pause(now, std::nullopt, false);
}

/// Presents the old token again, once the lost request can no longer be under way; and not twice in one go.
step token_refresh::resolve(instant now) {
  const auto earliest = intent_.began_at + patience;
  // A clock that was set back must not make this wait for longer than the patience itself.
  const bool under_way = now < earliest && now >= intent_.began_at;
  if (!under_way && !presented_now_) return present(now);
  auto s = pause(now, std::nullopt, false);
  s.not_before = std::max(std::min(earliest, now + patience), s.not_before);
  return s;
}

step token_refresh::pause(instant now, std::optional<milliseconds> retry_after, bool settled) const {
  step s;
  s.what = step::kind::wait;
  s.why = heard_;
  s.intent_settled = settled;
  const auto bound = std::min(longest_pause, first_pause * (1 << std::clamp(before_.failures, 0, 10)));
  // Half of it is certain, the rest is spread.
  const auto asked = std::min(retry_after.value_or(milliseconds{0}), longest_asked);
  s.not_before = now + std::max(scaled(bound, 0.5 + 0.5 * random_), asked);
  return s;
}

}  // namespace koppel::core
