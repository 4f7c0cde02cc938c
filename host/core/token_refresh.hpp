// SPDX-License-Identifier: Apache-2.0
// Renewing a token pair, as a machine without I/O: what to do next, given what happened. One machine serves one
// presentation of a refresh token, from the durable intent to the durable pair; what it leaves behind (an intent whose
// outcome is unknown) begins the next one, also after a restart. The sequence is docs/auth.md's.
#pragma once

#include <chrono>
#include <optional>
#include <variant>

#include "host/core/manifest.hpp"
#include "host/core/oauth.hpp"
#include "host/core/retry.hpp"
#include "host/core/time.hpp"
#include "host/core/token_age.hpp"

namespace koppel::core {

/// When to renew ahead of need; nothing: only when the provider refuses the token. `spread` in [0, 1) tells connections
/// apart that were made at the same time.
std::optional<instant> renewal_due(const token_age& age, const auth_rules& rules, double spread);

class token_refresh {
 public:
  struct step {
    enum class kind {
      store_intent,      ///< `intent`, durable; then `intent_stored`
      send,              ///< present the refresh token once, deadline 30 s; then `answered` or `not_answered`
      try_access_token,  ///< one harmless question with the old access token; then `probed`
      store_pair,        ///< `pair` as the next generation, and the intent gone, durable; then this is over
      wait,              ///< this is over for now: not again before `not_before`
      dead,              ///< the provider refuses for good, because of `why`; this is over
    } what = kind::wait;
    refresh_intent intent;
    token_pair pair;
    instant not_before{};
    bool intent_settled = false;      ///< wait: the token was certainly not used; the intent may go
    bool access_token_works = false;  ///< wait: the old access token serves until then
    bool not_understood = false;      ///< wait: the provider refused, in words that nobody understands
    refusal why;                      ///< dead; and wait, where the provider answered
  };

  enum class probe_outcome { works, refused, unclear };

  /// What is known of this pair from before.
  struct history {
    bool access_refused = false;  ///< the provider answered 401 to the access token
    int failures = 0;             ///< fruitless tries in a row, for the pause after the next
    int not_understood = 0;       ///< refusals that nobody understood
  };

  /// `left`: the intent that was found with the pair. `random` in [0, 1).
  token_refresh(const token_age& age, std::optional<refresh_intent> left, const history& before, double random);

  step begin(instant now);
  /// Where storing took long, the intent is stored once more: its time has to be that of the request.
  step intent_stored(instant now);
  /// The request leaves only now: it had to wait for its connection.
  void sent(instant now);
  step answered(std::variant<token_pair, refusal> answer, std::optional<std::chrono::milliseconds> retry_after,
                instant now);
  step not_answered(exchange_fault fault, instant now);
  step probed(probe_outcome outcome, instant now);

 private:
  step present(instant now);
  step look_into(instant now);
  step resolve(instant now);
  step pause(instant now, std::optional<std::chrono::milliseconds> retry_after, bool settled) const;

  token_age age_;
  refresh_intent intent_;  ///< `presented` 0: none is open
  history before_;
  bool presented_now_ = false;
  int stored_again_ = 0;
  double random_;
  refusal heard_;  ///< what the provider said last, where it was no decision
};

}  // namespace koppel::core
