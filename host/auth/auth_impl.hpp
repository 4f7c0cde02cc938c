// SPDX-License-Identifier: Apache-2.0
// The inside of auth_service: auth_service.cpp finds out what came back and for whom, code_exchange.cpp acts on it.
// Flows switch their cancellation off: a code that was sent has to find its way to a status, though the browser went
// away.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>

#include "host/auth/auth_service.hpp"
#include "host/auth/connection_gate.hpp"
#include "host/auth/landing_page.hpp"
#include "host/core/connection_auth.hpp"
#include "host/core/oauth.hpp"

namespace koppel::auth {

class auth_service::impl {
 public:
  impl(auth_service& self, ledger::ledger& l, net::http_client& http, plugins::plugin_host& p,
       provider_client& provider, const runtime::clock& clock, options o)
      : self_(self), ledger_(l), http_(http), plugins_(p), provider_(provider), clock_(clock), options_(std::move(o)) {}

  std::string own_callback(const std::string& provider) const;
  runtime::awaitable<result<started_attempt>> begin(std::string connection_id, confirmation c,
                                                    std::string redirect_uri);
  runtime::awaitable<result<ledger::connection>> paste(std::string connection_id, core::secret pasted, confirmation c);
  runtime::awaitable<landing> callback(std::string provider, core::query_list query, std::string accept_language);
  runtime::awaitable<result<ledger::connection>> confirm(std::string connection_id, bool accept);
  runtime::awaitable<void> credentials_refused(std::string connection_id, int http_status, std::string detail);
  runtime::awaitable<void> resume();

 private:
  /// A connection with what is needed to speak for it.
  struct subject {
    ledger::connection connection;
    ledger::app app;
    const core::manifest* manifest = nullptr;
  };
  /// What came back for a connection.
  struct arrival {
    subject about;
    core::authorization_answer answer;
    std::string redirect_uri;
    core::secret verifier;
    confirmation how;
    std::optional<ledger::attempt> attempt;  ///< of the link; put back where it turns out to be unused
  };
  /// A grant on its way to be stored.
  struct grant {
    ledger::credentials credentials;
    core::scope_gap gap;
    bool stored = false;  ///< it is in the ledger already; else something older that may work is
  };
  class probe_effects;
  struct probe_outcome {
    messages::done done;
    std::map<std::string, std::string> learned;
  };
  using decider = std::function<core::auth_decision(const core::auth_subject&, ledger::transaction&, core::instant)>;

  runtime::awaitable<result<subject>> load(std::string connection_id);
  /// Takes the attempt that belongs to what was pasted; none is needed for a bare code.
  runtime::awaitable<result<void>> find_attempt(arrival& a);
  runtime::awaitable<landing> answer_callback(std::string provider, core::query_list query, language l);

  runtime::awaitable<result<ledger::connection>> act_on(arrival& a);
  runtime::awaitable<result<ledger::connection>> exchange(arrival& a);
  runtime::awaitable<result<ledger::connection>> unreachable(arrival& a, failure why);
  runtime::awaitable<result<void>> store_if_first(const std::string& connection_id, grant& g);
  runtime::awaitable<result<ledger::connection>> verify(const subject& about, grant& g, const confirmation& how);
  runtime::awaitable<probe_outcome> probe(const subject& about, const core::secret& access);
  runtime::awaitable<probe_outcome> probe_patiently(const subject& about, const core::secret& access);
  runtime::awaitable<void> put_back(arrival& a);

  /// The one place where a status changes: decision, account, credentials and event in one transaction; then on_change.
  /// The connection that is returned has the outcome as its state.
  runtime::awaitable<result<ledger::connection>> settle(const subject& about, decider decide, grant* g,
                                                        std::map<std::string, std::string> learned = {});

  /// A code is sent once; true the first time.
  bool first_use(const core::secret& code);
  void forget_use(const core::secret& code);

  auth_service& self_;
  ledger::ledger& ledger_;
  net::http_client& http_;
  plugins::plugin_host& plugins_;
  provider_client& provider_;
  const runtime::clock& clock_;
  const options options_;

  connection_gate gate_;
  std::set<std::string> used_codes_;  ///< hashes of the latest codes that were sent
  std::deque<std::string> used_in_order_;
};

/// BLAKE2b-256 in hex: how states are kept.
std::string fingerprint(std::string_view text);

std::string text_of(const confirmation& c);
confirmation confirmation_from(const std::string& text);

}  // namespace koppel::auth
