// SPDX-License-Identifier: Apache-2.0
// How a connection's authorisation moves: each function takes what is known and what happened, and says what becomes of
// the state, the account and the credentials. Pure; the shell stores it and the event in one transaction.
//
// A grant that works is never harmed by one that does not: while a connection is authorized (or waits for a
// confirmation), a refused code or another account changes nothing; whoever brought it is told by `outcome`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/core/auth_state.hpp"
#include "host/core/oauth.hpp"

namespace koppel::core {

/// What is to be done with the credentials that the event brought.
enum class credentials_fate {
  none,
  keep,
  spare,    ///< what is stored stays, what is not does not become so
  discard,  ///< also what is stored
};

struct auth_decision {
  auth_state next;     ///< of the connection
  auth_state outcome;  ///< of this event, for whoever caused it; mostly the same
  std::optional<account> pinned;
  credentials_fate credentials = credentials_fate::none;
  bool changed = false;  ///< to be stored and published
};

/// A connection as the decisions see it.
struct auth_subject {
  auth_state state;
  std::optional<account> pinned;
};

/// Whether a link may be made or a code taken; else a sentence.
std::string attempt_refusal(const auth_subject& c);

auth_decision attempt_started(const auth_subject& c, instant now);

/// The provider, or whoever was asked for access, refused.
auth_decision exchange_refused(const auth_subject& c, const refusal& why, instant now);

/// The account a probe named, fit to be stored and shown: nothing where its id is empty, longer than 255 bytes or holds
/// control characters; name and environment are cut to 255 bytes, control characters left out.
std::optional<account> fit_account(account named);

/// A grant was verified: the probe named the account.
struct verified_grant {
  account who;
  bool taken = false;        ///< another live connection of this provider is bound to the account
  bool needs_answer = true;  ///< an unknown account has to be confirmed by somebody
  bool elsewhere = false;    ///< it came back to another browser than the one that began: an expected one has to, too
  std::string expected;      ///< the only account that is welcome; empty: any
  std::vector<std::string> scopes_missing, streams_affected;
};
auth_decision grant_verified(const auth_subject& c, const verified_grant& g, instant now);

/// A grant was given, but nobody could ask whose account it opens: the provider or the plugin is in trouble. It is kept
/// and asked again later, unless there is a live one to lose.
auth_decision grant_unproven(const auth_subject& c, instant now);

/// A grant was given, and the probe will not name its account. `http_status` of the refusal, 0 where none came. What is
/// stored of it stays: an error deletes no credentials.
auth_decision grant_unverified(const auth_subject& c, int http_status, instant now);

/// What the app adds to every request is refused: no fault of the grant, which stays, and works again when the app
/// does.
auth_decision app_key_refused(const auth_subject& c, int http_status, instant now);

/// The answer to awaiting_confirmation. Anything but that status is left alone. `taken`: another connection was faster.
auth_decision account_confirmed(const auth_subject& c, bool accept, bool taken, instant now);

/// The provider refuses to renew the tokens, for good: those of a connection that works, or of one whose grant was
/// still in question. The sealed pair stays. `superseded`: a newer pair was stored meanwhile; the refusal of the old
/// one says nothing about it.
auth_decision renewal_refused(const auth_subject& c, const refusal& why, bool superseded, instant now);

/// The provider refuses the credentials, and a second look agreed. `expired`: they were past their time.
auth_decision credentials_dead(const auth_subject& c, int http_status, bool expired, instant now);

}  // namespace koppel::core
