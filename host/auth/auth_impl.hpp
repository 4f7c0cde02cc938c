// SPDX-License-Identifier: Apache-2.0
// The inside of auth_service: auth_service.cpp finds out what came back and for whom, code_exchange.cpp acts on it,
// account_probe.cpp asks whose account a token opens, grants_in_question.cpp asks about what is stored and unproven,
// refused_credentials.cpp about what a provider refused, token_renewal.cpp keeps the tokens fresh,
// key_by_webhook.cpp takes keys that nobody pasted, connect_links.cpp has the links that customers begin attempts with.
// Flows switch their cancellation off: a code that was sent has to find its way to a status, though the browser went
// away.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "host/auth/auth_service.hpp"
#include "host/auth/connection_gate.hpp"
#include "host/auth/landing_page.hpp"
#include "host/auth/request_limits.hpp"
#include "host/core/connection_auth.hpp"
#include "host/core/coupling.hpp"
#include "host/core/fingerprint.hpp"
#include "host/core/oauth.hpp"
#include "host/core/token_refresh.hpp"
#include "host/runtime/random.hpp"
#include "host/runtime/shielded.hpp"
#include "host/runtime/steady_clock.hpp"

namespace koppel::auth {

/// What comes of a grant that is stored, and of which nobody could say yet whose account it opens.
inline bool is_in_question(const core::auth_state& outcome) {
  return outcome.status == core::auth_status::waiting && outcome.reason == core::auth_reason::none;
}

class auth_service::impl {
 public:
  impl(auth_service& self, runtime::supervisor& supervisor, ledger::ledger& l, net::http_transport& http,
       plugins::plugin_host& p, provider_client& provider, const runtime::clock& clock, options o);
  ~impl() {
    provider_.renew = nullptr;
    provider_.app_key_refused = nullptr;
  }

  std::string own_callback(const std::string& provider) const;
  /// Where an attempt comes from, if from a connect link.
  struct origin {
    std::string link;     ///< its id
    std::string browser;  ///< digest of the word that the browser keeps
  };
  runtime::awaitable<result<started_attempt>> begin(std::string connection_id, confirmation c, std::string redirect_uri,
                                                    origin from);
  runtime::awaitable<result<ledger::connection>> paste(std::string connection_id, core::secret pasted, confirmation c,
                                                       trial t, std::string region);
  std::optional<started_attempt> open_link(const std::string& connection_id) const;
  runtime::awaitable<landing> callback(std::string provider, core::query_list query, std::string accept_language,
                                       std::string cookies);
  runtime::awaitable<result<made_link>> make_link(std::string connection_id, confirmation c, std::chrono::days life,
                                                  std::string made_by);
  runtime::awaitable<landing> show_link(std::string secret, language l);
  runtime::awaitable<landing> follow_link(std::string secret, click how, language l);
  runtime::awaitable<landing> activated(std::string provider, core::query_list query, language l);
  runtime::awaitable<webhook_outcome> take_webhook(ledger::webhook w, core::secret body);
  runtime::awaitable<result<ledger::connection>> confirm(std::string connection_id, bool accept,
                                                         std::string account_id);
  runtime::awaitable<void> credentials_refused(std::string connection_id, int http_status, std::string detail);
  runtime::awaitable<void> resume();
  runtime::awaitable<void> app_changed(std::string app_id);
  runtime::awaitable<void> keep_tokens_fresh();
  runtime::awaitable<void> warn_of_secrets_that_end();
  void stop_renewing();
  bool asking() const { return asking_.use_count() > 1; }
  runtime::awaitable<renewal> renew(std::string connection_id, std::uint64_t generation, renewal_cause cause);

 private:
  /// A connection with what is needed to speak for it.
  struct subject {
    ledger::connection connection;
    ledger::app app;
    std::shared_ptr<const core::manifest> of_provider;
    std::shared_ptr<const core::manifest> manifest;  ///< as it holds for this connection (core/connection_manifest)
  };
  /// What came back for a connection.
  struct arrival {
    subject about;
    core::authorization_answer answer;
    std::string redirect_uri;
    core::secret verifier;
    confirmation how;
    std::optional<ledger::attempt> attempt;  ///< of the link; put back where it turns out to be unused
    std::string reference;                   ///< digest of the webhook's that brought it
    std::string region;                      ///< where the account lives, by the word of whoever brought it
    core::instant seen_at{};                 ///< when it came, before it waited for anything
    std::optional<core::instant> link_made;  ///< of the link whose state came with it
    std::string link;                        ///< id of the connect link whose flow it ends
    bool elsewhere = false;                  ///< that flow came back to another browser than the one that began it
  };
  /// A grant on its way to be stored.
  struct grant {
    ledger::credentials credentials;
    core::scope_gap gap;
    core::account_place lives;  ///< without a region: as before
    bool stored = false;        ///< it is in the ledger already; else something older that may work is
    std::string reference;      ///< digest of the webhook's that brought the key; empty: it came otherwise
    std::string link;           ///< id of the connect link whose flow it ends; empty: none
  };
  /// What the ledger holds of a connection's secrets.
  struct stored_secrets {
    std::optional<ledger::credentials> pair;
    core::secret client_secret;
  };
  class probe_effects;
  struct probe_outcome {
    messages::done done;
    std::map<std::string, std::string> learned;
    bool asked = false;  ///< a request was sent: one that asks nobody says nothing of the token
  };
  using decider = std::function<core::auth_decision(const core::auth_subject&, ledger::transaction&, core::instant)>;

  runtime::awaitable<result<subject>> load(std::string connection_id);
  /// Takes the attempt that belongs to what was pasted; none is needed for a bare code.
  runtime::awaitable<result<void>> find_attempt(arrival& a);
  runtime::awaitable<landing> answer_callback(std::string provider, core::query_list query, language l,
                                              std::string cookies);

  /// Whose addresses the `iss` of this answer may name: those of the connection that its state belongs to.
  runtime::awaitable<std::vector<std::string>> servers_asked(std::shared_ptr<const core::manifest> m,
                                                             core::query_list query);

  // connect_links.cpp
  struct found_link;
  std::string public_base() const;
  runtime::awaitable<result<found_link>> find_link(std::string secret);
  landing link_page(const found_link& found, language l, bool no_key = false) const;
  static landing trouble_with_link(const failure& why, language l);
  /// A key that was typed on a link's page: proven as one that is pasted is, and the flow of the link.
  runtime::awaitable<landing> take_key_of_link(std::string secret, core::secret key, language l);
  /// The address of the link that the browser came from, if it is of use still; `link_id` empty: whichever it was.
  runtime::awaitable<std::string> link_to_try_again(std::string cookies, std::string link_id);
  static bool is_same_browser(const ledger::attempt& a, const std::string& cookies);
  runtime::awaitable<void> note_outcome(std::string link_id, core::auth_state outcome);

  // key_by_webhook.cpp
  struct coupled;
  std::string own_activated(const std::string& provider) const;
  runtime::awaitable<result<started_attempt>> begin_activation(const subject& about, confirmation c,
                                                               std::string success_url, origin from);
  static result<coupled> find_coupled(ledger::transaction& tx, const ledger::webhook& w,
                                      const core::coupling_message& m);
  runtime::awaitable<void> take_key(webhook_outcome& out, core::coupling_message& m, const coupled& found,
                                    bool replace);
  runtime::awaitable<void> ask_about_key(webhook_outcome& out);

  runtime::awaitable<result<ledger::connection>> act_on_pasted(std::string connection_id, const core::secret& pasted,
                                                               confirmation c, core::instant seen_at, bool may_offer,
                                                               std::string region, std::string link = {});

  // links.cpp
  /// A link with state, and the attempt behind it; nothing else changes.
  runtime::awaitable<result<started_attempt>> mint_link(const subject& about, confirmation c, std::string redirect_uri,
                                                        origin from);
  /// Where access has to be given again, the next link is there at once, unless the former one is still good.
  /// Returns it, or "".
  runtime::awaitable<std::string> offer_next_try(const arrival& a, const ledger::connection& after);
  runtime::awaitable<void> undo(const std::string& connection_id, const trial& t);
  runtime::awaitable<result<ledger::connection>> act_on(arrival& a);
  runtime::awaitable<result<ledger::connection>> exchange(arrival& a);
  /// The grant that came back has the state of a pair that was got at `sent_at`.
  grant grant_of(const arrival& a, core::token_pair pair, core::instant sent_at);
  runtime::awaitable<result<ledger::connection>> refuse(const subject& about, core::refusal why);
  /// From here on the account lives there.
  static void move_to(subject& about, const core::account_place& where);
  /// A pair that was given: stored where there is nothing to lose, asked about, and decided on.
  runtime::awaitable<result<ledger::connection>> take_pair(arrival& a, core::token_pair pair, core::instant sent_at);
  runtime::awaitable<result<ledger::connection>> unreachable(arrival& a, failure why);
  runtime::awaitable<result<void>> store_if_first(const std::string& connection_id, grant& g);
  /// What a probe of a grant means: the decision, and another try later where nobody could be asked.
  runtime::awaitable<result<ledger::connection>> conclude(const subject& about, grant& g, const confirmation& how,
                                                          probe_outcome probed);
  /// The access token was refused, it is old enough for that to be its age, and there is something to renew it with.
  bool may_be_over(const ledger::credentials& pair, const messages::done& done) const;
  runtime::awaitable<probe_outcome> probe(const subject& about, const core::secret& access);
  runtime::awaitable<probe_outcome> probe_patiently(const subject& about, const core::secret& access);
  runtime::awaitable<void> put_back(arrival& a);
  runtime::awaitable<void> ask_by_renewing(const subject& about, const stored_secrets& secrets,
                                           const std::string& detail);
  runtime::awaitable<std::optional<int>> refused_when_renewed(const subject& about, const stored_secrets& secrets,
                                                              const std::string& detail);
  void note_app_key_refused(const std::string& connection_id, int http_status);
  runtime::awaitable<void> tell_app_key_refused(std::string connection_id, int http_status);
  /// A stored pair of which nobody has said yet whose account it opens.
  struct unproven_pair {
    std::string connection_id;
    std::uint64_t generation = 0;
    auto operator<=>(const unproven_pair&) const = default;
  };
  /// Asks until somebody has said, or it is in question no longer: after `pause`, and then after growing ones.
  void prove(unproven_pair which, std::chrono::milliseconds pause);
  runtime::awaitable<void> prove_until_settled(unproven_pair which, std::chrono::milliseconds pause);
  /// One try. A pair whose access token is over is renewed, and the newer one is to be proven then. Returns when to try
  /// again, if that is of use.
  runtime::awaitable<std::optional<core::instant>> prove_once(unproven_pair which);

  /// The token endpoint is asked on a connection of its own, without redirect or retry. `sent_at` becomes the moment in
  /// which the request left, if it did.
  runtime::awaitable<result<net::response>> ask_for_tokens(const core::manifest& of, core::token_request prepared,
                                                           core::instant& sent_at);

  /// What is known of an authorized connection's tokens between two renewals.
  struct freshness {
    std::string provider;
    core::token_age age;
    core::instant not_before{};     ///< of the next try
    int failures = 0;               ///< in a row
    bool refused = false;           ///< the provider answered 401 to the access token
    bool old_token_serves = false;  ///< though a renewal's outcome is unknown
    bool renewable = true;          ///< as far as is known
    bool under_way = false;
    int not_understood = 0;  ///< refusals of a renewal of this pair that nobody understood
    std::string why;         ///< it has to wait
  };
  runtime::awaitable<result<stored_secrets>> read_secrets(const subject& about);
  /// Renews a pair whose turn it may be. The caller has the connection's gate.
  runtime::awaitable<renewal> renew_pair(const subject& about, const stored_secrets& secrets, renewal_cause cause);
  /// One renewal, from the intent to its outcome; not to be interrupted.
  runtime::awaitable<renewal> carry_out(const subject& about, const ledger::credentials& pair,
                                        const core::secret& client_secret, bool access_refused, counted_request& out);
  runtime::awaitable<renewal> store_renewed(const subject& about, const ledger::credentials& old, core::token_pair pair,
                                            core::instant sent_at);
  runtime::awaitable<renewal> put_off(const subject& about, std::uint64_t generation, core::token_refresh::step step);
  /// The provider refused a client secret that is not the app's any more.
  runtime::awaitable<bool> secret_was_replaced(const subject& about, const core::secret& used,
                                               const core::refusal& why);
  runtime::awaitable<renewal> give_up(const subject& about, std::uint64_t generation, core::refusal why);
  runtime::awaitable<void> renew_ahead(std::string connection_id, std::string provider, std::uint64_t generation);
  /// Starts what is due; returns when to look again.
  core::instant start_due_renewals();
  /// Starts what was found to be due, as many as may be under way at once.
  void start_next(const std::string& provider);
  void believe(freshness& f) const;
  std::optional<core::instant> due(const std::string& connection_id, const freshness& f) const;
  /// After each change of a connection: whether its tokens are to be kept fresh, and which they are.
  void watch(const ledger::connection& c, const std::optional<core::token_age>& age);

  /// The one place where a status changes: decision, account, credentials and event in one transaction; then on_change.
  /// The connection that is returned has the outcome as its state.
  runtime::awaitable<result<ledger::connection>> settle(const subject& about, decider decide, grant* g,
                                                        std::map<std::string, std::string> learned = {});

  /// A code is sent once; true the first time. It is as old as the first sight of it, also where it was not sent then.
  bool first_use(const core::secret& code, core::instant seen_at);
  void forget_use(const core::secret& code);
  core::instant first_seen(const core::secret& code, core::instant otherwise) const;

  auth_service& self_;
  runtime::supervisor& supervisor_;
  ledger::ledger& ledger_;
  net::http_transport& http_;
  plugins::plugin_host& plugins_;
  provider_client& provider_;
  const runtime::clock& clock_;
  const options options_;

  connection_gate gate_;
  /// Connect links of which a key is being tried; shared with those tries, which may outlive us.
  std::shared_ptr<std::set<std::string>> keys_tried_ = std::make_shared<std::set<std::string>>();
  std::map<std::string, freshness> fresh_;  ///< authorized connections with credentials
  /// By provider, so that one that hangs holds up no other: renewals ahead of need that are under way, and what is due
  /// besides, whose token ends first at the back.
  std::map<std::string, std::size_t> renewing_;
  std::map<std::string, std::vector<std::pair<core::instant, std::string>>> due_;
  std::shared_ptr<request_limits> token_limits_ = std::make_shared<request_limits>();
  runtime::steady_timer renewal_timer_;
  bool stopping_ = false;
  /// Held by exchanges and renewals, from their request to their outcome; a frame may be dropped after us.
  const std::shared_ptr<const bool> asking_ = std::make_shared<const bool>(true);
  std::mt19937_64 random_{runtime::random_seed()};
  std::map<std::string, int> app_key_refusals_;  ///< the HTTP status, by connection, until it is probed anew
  std::set<unproven_pair> proving_;              ///< those that `prove` is after
  struct seen_code {
    core::instant first{};
    bool sent = false;
  };
  std::map<std::string, seen_code> codes_;  ///< the latest ones, by their hash
  std::deque<std::string> codes_in_order_;
  struct open_link_entry {
    started_attempt link;
    std::string state_hash;
  };
  std::map<std::string, open_link_entry>
      open_links_;  ///< the newest, by connection; a link bears its state: not stored
};

using runtime::shielded;

/// A token that is refused within it is not refused for its age.
inline constexpr std::chrono::seconds fresh_for{30};

/// Nothing was decided: the provider, its limit or the plugin is in trouble.
bool is_passing(const messages::done& done);

/// Between an exchange whose grant nobody could be asked about and the next question, when nobody waits any more.
inline constexpr std::chrono::milliseconds first_proof_pause{10'000};

using core::fingerprint;

/// Another live connection of this provider is bound to the account. Where the provider is the connection's own to
/// name, ids are claims: they are compared within one registration and one token endpoint, so that nobody can keep
/// another customer from an account by claiming it.
bool taken_by_another(ledger::transaction& tx, const ledger::connection& c, const core::manifest& of_provider,
                      const std::string& account_id);

/// Whether the connect link that made this attempt, if one did, was neither withdrawn nor has served since.
bool link_serves(ledger::transaction& tx, const ledger::attempt& a);

/// For a state that no open link of the connection has.
failure unknown_link();

/// 256 random bits, fit for an address.
std::string random_word();

std::string text_of(const confirmation& c);
confirmation confirmation_from(const std::string& text);

}  // namespace koppel::auth
