// SPDX-License-Identifier: Apache-2.0
// Transitions of a connection's authorisation.

#include <catch2/catch.hpp>

#include "host/core/auth_texts.hpp"
#include "host/core/connection_auth.hpp"

using namespace koppel::core;
using s = auth_status;
using r = auth_reason;
using fate = credentials_fate;

namespace {

const instant monday = *from_iso8601("2026-01-05T08:00:00Z");
const instant tuesday = *from_iso8601("2026-01-06T08:00:00Z");
const account acme{"42", "Acme BVBA", ""};
const account other{"43", "Other NV", ""};
constexpr s all_statuses[] = {s::unconfigured, s::waiting,      s::awaiting_confirmation,
                              s::authorized,   s::needs_reauth, s::misconfigured,
                              s::disabled,     s::removed};

auth_subject at(s status, std::optional<account> pinned = std::nullopt) {
  auth_subject c;
  c.state.status = status;
  c.state.since = monday;
  c.state.generation = 5;
  c.state.who = pinned;
  c.pinned = pinned;
  return c;
}

verified_grant grant_of(const account& who, bool needs_answer = false) {
  verified_grant g;
  g.who = who;
  g.needs_answer = needs_answer;
  return g;
}

refusal bad_code() {
  refusal why;
  why.reason = r::code_refused;
  why.http_status = 400;
  why.provider_error = "invalid_grant";
  return why;
}

void unharmed(const auth_decision& d, const auth_subject& c) {
  CHECK(d.next == c.state);
  CHECK(d.pinned == c.pinned);
  CHECK_FALSE(d.changed);
  CHECK(d.credentials != fate::keep);
}

}  // namespace

TEST_CASE("a refusal that speaks of scopes authorizes nobody", "[auth][connection]") {
  refusal why;
  why.reason = r::scope_missing;
  const auto d = exchange_refused(at(s::waiting), why, tuesday);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::access_denied);
  CHECK(renewal_refused(at(s::authorized, acme), why, false, tuesday).next.status == s::needs_reauth);
}

TEST_CASE("a link makes a connection wait, unless a grant lives", "[auth][connection]") {
  for (const auto status : all_statuses) {
    if (status == s::disabled || status == s::removed) {
      CHECK_FALSE(attempt_refusal(at(status)).empty());
      continue;
    }
    CHECK(attempt_refusal(at(status)).empty());
    const auto c = at(status);
    const auto d = attempt_started(c, tuesday);
    if (status == s::authorized || status == s::awaiting_confirmation) {
      unharmed(d, c);
    } else {
      CHECK(d.next.status == s::waiting);
      CHECK(d.changed == (status != s::waiting));
      CHECK(d.next.since == (status == s::waiting ? monday : tuesday));
      CHECK(d.next.generation == (status == s::waiting ? 5 : 6));
    }
  }
}

TEST_CASE("a new link takes the old failure from the display", "[auth][connection]") {
  auto c = at(s::needs_reauth);
  c.state.reason = r::code_refused;
  c.state.http_status = 400;
  const auto d = attempt_started(c, tuesday);
  CHECK(display_of(d.next).empty());
  CHECK(d.next.reason == r::none);
}

TEST_CASE("a refused code is said, with status, reason and the provider's word", "[auth][connection]") {
  const auto d = exchange_refused(at(s::waiting), bad_code(), tuesday);
  CHECK(d.changed);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::code_refused);
  CHECK(d.next.provider_error == "invalid_grant");
  CHECK(d.next.since == tuesday);
  CHECK(d.next.generation == 6);
  CHECK(d.outcome == d.next);
  CHECK(display_of(d.outcome) == "Failed, Status code: BadRequest");
  CHECK(d.credentials == fate::discard);
}

TEST_CASE("the same refusal twice is published once, another one again, since keeps its day", "[auth][connection]") {
  const auto first = exchange_refused(at(s::waiting), bad_code(), monday);
  auth_subject c{first.next, std::nullopt};
  CHECK_FALSE(exchange_refused(c, bad_code(), tuesday).changed);

  auto why = bad_code();
  why.http_status = 503;
  const auto again = exchange_refused(c, why, tuesday);
  CHECK(again.changed);
  CHECK(again.next.since == monday);
  CHECK(again.next.generation == c.state.generation + 1);
}

TEST_CASE("a wrong secret is a matter of settings", "[auth][connection]") {
  refusal why;
  why.reason = r::secret_wrong;
  why.http_status = 401;
  CHECK(exchange_refused(at(s::waiting), why, tuesday).next.status == s::misconfigured);
}

TEST_CASE("a refused code harms no grant that works, but its bringer is told", "[auth][connection]") {
  for (const auto status : {s::authorized, s::awaiting_confirmation}) {
    const auto c = at(status, acme);
    const auto d = exchange_refused(c, bad_code(), tuesday);
    unharmed(d, c);
    CHECK(d.outcome.status == s::needs_reauth);
    CHECK(display_of(d.outcome) == "Failed, Status code: BadRequest");
  }
}

TEST_CASE("the first account is pinned at once, or after somebody says so", "[auth][connection]") {
  const auto at_once = grant_verified(at(s::waiting), grant_of(acme), tuesday);
  CHECK(at_once.next.status == s::authorized);
  CHECK(at_once.next.who == acme);
  CHECK(at_once.pinned == acme);
  CHECK(at_once.credentials == fate::keep);
  CHECK(display_of(at_once.next) == "Success");

  const auto asked = grant_verified(at(s::waiting), grant_of(acme, true), tuesday);
  CHECK(asked.next.status == s::awaiting_confirmation);
  CHECK(asked.next.who == acme);
  CHECK_FALSE(asked.pinned);
  CHECK(asked.credentials == fate::keep);

  auth_subject c{asked.next, std::nullopt};
  const auto yes = account_confirmed(c, true, false, tuesday);
  CHECK(yes.next.status == s::authorized);
  CHECK(yes.pinned == acme);
  CHECK(yes.credentials == fate::keep);
  const auto no = account_confirmed(c, false, false, tuesday);
  CHECK(no.next.status == s::needs_reauth);
  CHECK(no.next.reason == r::account_mismatch);
  CHECK(no.credentials == fate::discard);
  CHECK_FALSE(no.pinned);
  const auto late = account_confirmed(c, true, true, tuesday);
  CHECK(late.next.reason == r::account_in_use);
  CHECK(late.credentials == fate::discard);
}

TEST_CASE("only a connection that waits for a confirmation takes one", "[auth][connection]") {
  for (const auto status : all_statuses) {
    if (status == s::awaiting_confirmation) continue;
    const auto c = at(status, acme);
    unharmed(account_confirmed(c, true, false, tuesday), c);
    unharmed(account_confirmed(c, false, false, tuesday), c);
  }
}

TEST_CASE("the account that was expected needs no answer, and no other is taken", "[auth][connection]") {
  auto g = grant_of(acme, true);
  g.expected = "42";
  CHECK(grant_verified(at(s::waiting), g, tuesday).next.status == s::authorized);
  g.expected = "43";
  const auto d = grant_verified(at(s::waiting), g, tuesday);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::account_mismatch);
  CHECK(d.credentials == fate::discard);
}

TEST_CASE("the pinned account comes back without a question, another one is refused and the old tokens stay",
          "[auth][connection]") {
  const auto back = grant_verified(at(s::needs_reauth, acme), grant_of(acme, true), tuesday);
  CHECK(back.next.status == s::authorized);
  CHECK(back.credentials == fate::keep);

  const auto working = at(s::authorized, acme);
  const auto d = grant_verified(working, grant_of(other), tuesday);
  unharmed(d, working);
  CHECK(d.credentials == fate::discard);
  CHECK(d.outcome.status == s::needs_reauth);
  CHECK(d.outcome.reason == r::account_mismatch);
  CHECK(d.outcome.who == other);
  CHECK(display_of(d.outcome) == "Failed, other account");

  const auto broken = grant_verified(at(s::waiting, acme), grant_of(other), tuesday);
  CHECK(broken.next.status == s::needs_reauth);
  CHECK(broken.next.reason == r::account_mismatch);
  CHECK(broken.pinned == acme);
}

TEST_CASE("an account that another connection has is refused, pinned or not", "[auth][connection]") {
  auto g = grant_of(acme);
  g.taken = true;
  const auto d = grant_verified(at(s::waiting), g, tuesday);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::account_in_use);
  CHECK(display_of(d.next) == "Failed, account already connected");
  CHECK(d.credentials == fate::discard);
  CHECK_FALSE(d.pinned);
  const auto working = at(s::authorized, acme);
  unharmed(grant_verified(working, g, tuesday), working);
}

TEST_CASE("a missing scope is the stream's fault, not the connection's", "[auth][connection]") {
  auto g = grant_of(acme);
  g.scopes_missing = {"contacts"};
  g.streams_affected = {"contacts"};
  const auto d = grant_verified(at(s::waiting), g, tuesday);
  CHECK(d.next.status == s::authorized);
  CHECK(d.next.reason == r::scope_missing);
  CHECK(display_of(d.next) == "Success");

  g.needs_answer = true;
  const auto asked = grant_verified(at(s::waiting), g, tuesday);
  CHECK(asked.next.reason == r::none);
  CHECK(account_confirmed({asked.next, std::nullopt}, true, false, tuesday).next.reason == r::scope_missing);
}

TEST_CASE("a grant whose account nobody can name is unclear", "[auth][connection]") {
  const auto d = grant_unverified(at(s::waiting), 403, tuesday);
  CHECK(d.next.reason == r::unclear);
  CHECK(display_of(d.next) == "Failed, Status code: Forbidden");
  CHECK(display_of(grant_unverified(at(s::waiting), 0, tuesday).next) == "Failed, reason unclear");
  CHECK(d.credentials == fate::spare);
  const auto working = at(s::authorized, acme);
  unharmed(grant_unverified(working, 0, tuesday), working);
}

TEST_CASE("dead credentials are kept, and only an authorized connection can lose them", "[auth][connection]") {
  const auto d = credentials_dead(at(s::authorized, acme), 401, false, tuesday);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::revoked);
  CHECK(d.next.who == acme);
  CHECK(display_of(d.next) == "Failed, Status code: Unauthorized");
  CHECK(d.credentials == fate::keep);
  CHECK(d.pinned == acme);
  CHECK(credentials_dead(at(s::authorized, acme), 401, true, tuesday).next.reason == r::unclear);
  for (const auto status : all_statuses) {
    if (status == s::authorized) continue;
    const auto c = at(status, acme);
    unharmed(credentials_dead(c, 401, false, tuesday), c);
  }
}

TEST_CASE("a new grant for the same account is told, though nothing else changed", "[auth][connection]") {
  auto working = at(s::authorized, acme);
  const auto d = grant_verified(working, grant_of(acme), tuesday);
  CHECK(d.changed);
  CHECK(d.next.generation == 6);
  CHECK(d.outcome.generation == 6);
  CHECK(d.next.since == monday);
  CHECK(d.credentials == fate::keep);
}

TEST_CASE("a grant whose account nobody can be asked for is kept and waits, unless a live one is there",
          "[auth][connection]") {
  for (const auto status : {s::unconfigured, s::waiting, s::needs_reauth}) {
    const auto d = grant_unproven(at(status), tuesday);
    CHECK(d.next.status == s::waiting);
    CHECK(d.credentials == fate::keep);
  }
  const auto working = at(s::authorized, acme);
  const auto d = grant_unproven(working, tuesday);
  unharmed(d, working);
  CHECK(d.credentials == fate::discard);
  CHECK(d.outcome.status == s::needs_reauth);
}

TEST_CASE("a renewal that is refused ends a grant that works or that is still in question, and only that",
          "[auth][connection]") {
  refusal why = bad_code();
  why.reason = r::revoked;
  const auto d = renewal_refused(at(s::authorized, acme), why, false, tuesday);
  CHECK(d.next.status == s::needs_reauth);
  CHECK(d.next.reason == r::revoked);
  CHECK(d.next.who == acme);
  CHECK(d.credentials == fate::keep);
  CHECK(d.changed);
  unharmed(renewal_refused(at(s::authorized, acme), why, true, tuesday), at(s::authorized, acme));
  for (const auto status : {s::waiting, s::unconfigured, s::misconfigured})
    CHECK(renewal_refused(at(status), why, false, tuesday).next.reason == r::revoked);
  for (const auto status : {s::disabled, s::removed, s::awaiting_confirmation})
    CHECK_FALSE(renewal_refused(at(status), why, false, tuesday).changed);
}

TEST_CASE("an account's id and name are fit to be stored and shown", "[auth][connection]") {
  CHECK_FALSE(fit_account({"", "Acme", ""}));
  CHECK_FALSE(fit_account({"4\n2", "Acme", ""}));
  CHECK_FALSE(fit_account({std::string(256, '4'), "Acme", ""}));
  CHECK(fit_account({std::string(255, '4'), "", ""}));
  CHECK(fit_account({"42", "Ac\x1b[31mme\n", ""})->name == "Ac[31mme");
  std::string long_name(254, 'a');
  long_name += "\xc3\xa9";
  CHECK(fit_account({"42", long_name, ""})->name == std::string(254, 'a'));
}
