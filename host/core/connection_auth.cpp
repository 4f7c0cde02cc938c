// SPDX-License-Identifier: Apache-2.0

#include "host/core/connection_auth.hpp"

#include <algorithm>

#include "host/core/auth_texts.hpp"

namespace koppel::core {
namespace {

bool has_live_grant(const auth_subject& c) {
  return c.state.status == auth_status::authorized || c.state.status == auth_status::awaiting_confirmation;
}

bool says_the_same(const auth_state& a, const auth_state& b) {
  return a.status == b.status && a.reason == b.reason && a.http_status == b.http_status &&
         a.provider_error == b.provider_error && a.who == b.who && a.scopes_missing == b.scopes_missing &&
         a.streams_affected == b.streams_affected && a.code == b.code && a.throttled == b.throttled;
}

/// The state of a reason's row, keeping what is known of the account.
auth_state failed(const auth_subject& c, auth_reason reason, std::optional<int> http_status,
                  std::string provider_error) {
  // That reason is of a grant that works; where there is none, nobody is authorized.
  if (reason == auth_reason::scope_missing) reason = auth_reason::access_denied;
  const auto* row = find_row(reason);
  auth_state s;
  s.status = row && row->status ? *row->status : auth_status::needs_reauth;
  s.reason = reason;
  s.http_status = http_status;
  s.provider_error = std::move(provider_error);
  s.who = c.pinned;
  return s;
}

/// Gives `next` its time and generation: a new status has a new `since`; whatever is published has a new generation.
auth_decision become(const auth_subject& c, auth_state next, instant now) {
  auth_decision d;
  d.changed = !says_the_same(c.state, next);
  next.since = next.status == c.state.status ? c.state.since : now;
  next.generation = c.state.generation + (d.changed ? 1 : 0);
  d.next = next;
  d.outcome = std::move(next);
  d.pinned = c.pinned;
  return d;
}

/// Nothing changes but that somebody is told.
auth_decision leave(const auth_subject& c, auth_state outcome, instant now) {
  auth_decision d;
  d.next = c.state;
  d.pinned = c.pinned;
  outcome.since = now;
  outcome.generation = c.state.generation;
  d.outcome = std::move(outcome);
  return d;
}

auth_decision fail(const auth_subject& c, auth_state failure, instant now) {
  auto d = has_live_grant(c) ? leave(c, std::move(failure), now) : become(c, std::move(failure), now);
  d.credentials = credentials_fate::discard;
  return d;
}

/// An account that is not welcome. A live grant stays what it is; the one who brought this is told that it failed.
auth_decision unwelcome(const auth_subject& c, auth_reason reason, const account& who, instant now) {
  auto state = failed(c, reason, std::nullopt, "");
  state.who = who;
  return fail(c, std::move(state), now);
}

constexpr std::size_t longest_name = 255;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string fit_name(std::string text) {
  std::erase_if(text, is_control);
  if (text.size() <= longest_name) return text;
  auto end = longest_name;
  // Not within a UTF-8 character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

std::optional<account> fit_account(account named) {
  const bool fit = !named.id.empty() && named.id.size() <= longest_name &&
                   std::none_of(named.id.begin(), named.id.end(), is_control);
  if (!fit) return std::nullopt;
  named.name = fit_name(std::move(named.name));
  named.environment = fit_name(std::move(named.environment));
  return named;
}

std::string attempt_refusal(const auth_subject& c) {
  if (c.state.status == auth_status::disabled) return "This connection is disabled: enable it first.";
  if (c.state.status == auth_status::removed) return "This connection was removed: add a new one.";
  return "";
}

auth_decision attempt_started(const auth_subject& c, instant now) {
  if (has_live_grant(c)) return leave(c, c.state, now);
  auth_state next;
  next.status = auth_status::waiting;
  next.who = c.pinned;
  return become(c, std::move(next), now);
}

auth_decision exchange_refused(const auth_subject& c, const refusal& why, instant now) {
  auto state = failed(c, why.throttled ? auth_reason::throttled : why.reason, why.http_status, why.provider_error);
  if (why.throttled) state.throttled = throttling{*why.throttled, why.code_outlives};
  if (why.reason == auth_reason::code_refused || why.reason == auth_reason::code_expired) state.code = why.code;
  return fail(c, std::move(state), now);
}

auth_decision grant_verified(const auth_subject& c, const verified_grant& g, instant now) {
  if (g.taken) return unwelcome(c, auth_reason::account_in_use, g.who, now);
  const bool other = (c.pinned && c.pinned->id != g.who.id) || (!g.expected.empty() && g.expected != g.who.id);
  if (other) return unwelcome(c, auth_reason::account_mismatch, g.who, now);

  auth_state next;
  next.who = g.who;
  next.scopes_missing = g.scopes_missing;
  next.streams_affected = g.streams_affected;
  // The account this connection is bound to needs no second confirmation: whoever finished the flow gained nothing.
  const bool known = c.pinned || (!g.elsewhere && (!g.expected.empty() || !g.needs_answer));
  next.status = known ? auth_status::authorized : auth_status::awaiting_confirmation;
  const bool gap = !g.scopes_missing.empty() || !g.streams_affected.empty();
  if (known && gap) next.reason = auth_reason::scope_missing;
  auto d = become(c, std::move(next), now);
  if (!d.changed) {
    // The same words about a new grant: whoever waits for it waits for a newer generation.
    d.changed = true;
    d.outcome.generation = ++d.next.generation;
  }
  d.credentials = credentials_fate::keep;
  if (known) d.pinned = g.who;
  return d;
}

auth_decision grant_unproven(const auth_subject& c, instant now) {
  if (has_live_grant(c)) {
    auto d = leave(c, failed(c, auth_reason::unclear, std::nullopt, ""), now);
    d.credentials = credentials_fate::discard;
    return d;
  }
  auth_state next;
  next.status = auth_status::waiting;
  next.who = c.pinned;
  auto d = become(c, std::move(next), now);
  d.credentials = credentials_fate::keep;
  return d;
}

auth_decision grant_unverified(const auth_subject& c, int http_status, instant now) {
  const auto status = http_status > 0 ? std::optional<int>(http_status) : std::nullopt;
  auto d = fail(c, failed(c, auth_reason::unclear, status, ""), now);
  d.credentials = credentials_fate::spare;
  return d;
}

auth_decision app_key_refused(const auth_subject& c, int http_status, instant now) {
  using st = auth_status;
  const auto was = c.state.status;
  if (was == st::disabled || was == st::removed || was == st::awaiting_confirmation) return leave(c, c.state, now);
  const auto status = http_status > 0 ? std::optional<int>(http_status) : std::nullopt;
  auto state = failed(c, auth_reason::partner_key_invalid, status, "");
  state.who = was == st::authorized ? c.state.who : c.pinned;
  auto d = become(c, std::move(state), now);
  d.credentials = credentials_fate::spare;
  return d;
}

auth_decision account_confirmed(const auth_subject& c, bool accept, bool taken, instant now) {
  if (c.state.status != auth_status::awaiting_confirmation || !c.state.who) return leave(c, c.state, now);
  if (!accept || taken) {
    const auto reason = accept ? auth_reason::account_in_use : auth_reason::account_mismatch;
    auto state = failed(c, reason, std::nullopt, "");
    state.who = c.state.who;
    auto d = become(c, std::move(state), now);
    d.credentials = credentials_fate::discard;
    return d;
  }
  auth_state next = c.state;
  next.status = auth_status::authorized;
  if (!next.scopes_missing.empty() || !next.streams_affected.empty()) next.reason = auth_reason::scope_missing;
  auto d = become(c, std::move(next), now);
  d.credentials = credentials_fate::keep;
  d.pinned = c.state.who;
  return d;
}

auth_decision renewal_refused(const auth_subject& c, const refusal& why, bool superseded, instant now) {
  using st = auth_status;
  const auto was = c.state.status;
  const bool over = was == st::disabled || was == st::removed || was == st::awaiting_confirmation;
  if (superseded || over) return leave(c, c.state, now);
  auto state = failed(c, why.reason, why.http_status, why.provider_error);
  state.who = c.state.who;
  // The ciphertext stays: it costs nothing, and a provider's refusal has been wrong before.
  auto d = become(c, std::move(state), now);
  d.credentials = credentials_fate::keep;
  return d;
}

auth_decision credentials_dead(const auth_subject& c, int http_status, bool expired, instant now) {
  if (c.state.status != auth_status::authorized) return leave(c, c.state, now);
  const auto status = http_status > 0 ? std::optional<int>(http_status) : std::nullopt;
  auto state = failed(c, expired ? auth_reason::unclear : auth_reason::revoked, status, "");
  state.who = c.state.who;
  auto d = become(c, std::move(state), now);
  d.credentials = credentials_fate::keep;
  return d;
}

}  // namespace koppel::core
