// SPDX-License-Identifier: Apache-2.0
// The routes of the control socket (docs/control-api.md) and of REST (docs/rest-api.md): one table says which door has
// which. Every route checks its input, says in a sentence what is wrong, and shows a caller that is bound to a customer
// nothing of another. Main strand only.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/api/route_table.hpp"
#include "host/api/router.hpp"
#include "host/api/tokens.hpp"
#include "host/api/views.hpp"
#include "host/auth/auth_service.hpp"
#include "host/runtime/condition.hpp"
#include "host/sync/sync_service.hpp"

namespace koppel::api {

/// What the routes act on.
struct api_surroundings {
  runtime::supervisor& supervisor;
  const runtime::clock& clock;
  ledger::ledger& ledger;
  plugins::plugin_host& plugins;
  auth::auth_service& auth;
  sync::sync_service& sync;
  /// Names of the consumers that follow the bus now.
  std::function<std::vector<std::string>()> connected_consumers;
  std::string version;
  std::string ingress_address, public_url, bus_folder;
  auth::provider_client* provider = nullptr;  ///< for requests that are asked for one by one
  /// Asks the provider to send no more webhooks for the connection; returns what was not removed, a sentence or empty.
  std::function<runtime::awaitable<std::string>(std::string connection_id)> withdraw_webhooks = nullptr;
  /// A connection was removed, or has other settings: for whoever keeps a copy of it, besides `sync` and `auth`.
  std::function<void(const ledger::connection&)> changed = nullptr;
  /// Plugins came, went or were replaced.
  std::function<void()> plugins_changed = nullptr;
  /// Until when the ingress's own certificate is valid; nothing where it has none.
  std::function<std::optional<core::instant>()> certificate_until = nullptr;
};

/// The answer to no token, an unknown, a malformed and a revoked one: the same.
answer unknown_token();

/// A failure as the API says it: 404, 409, 422, or 503 where the ledger itself is in trouble.
answer failure_answer(const failure& f);

/// By the name that people know; nothing where there is none, or it was removed.
std::optional<ledger::connection> find_named(ledger::transaction& tx, const std::string& provider,
                                             const std::string& name);

class control_api {
 public:
  explicit control_api(api_surroundings around);

  /// Adds the control socket's routes; they refer to this object.
  void add_routes(router& r);
  /// Adds those of REST, each behind the scope that it needs.
  void add_rest_routes(router& r);
  /// Every route there is.
  static const std::vector<route>& routes();
  token_keeper& tokens() { return tokens_; }
  /// REST has an address, which the status shows.
  void rest_is_at(std::string address) { rest_address_ = std::move(address); }
  /// A connection's status changed: wakes whoever waits for that.
  void connection_changed(const ledger::connection& c);
  /// An attempt failed and the status stayed; `c.auth` is the outcome: tells whoever waits for it.
  void attempt_refused(const ledger::connection& c);

 private:
  using reply = runtime::awaitable<answer>;
  static std::vector<route> make_routes();
  static runtime::awaitable<answer> serve_within_scope(control_api& self, const route& which, call c);
  reply get_status(call c);
  reply get_plugins(call c);
  reply post_rescan(call c);
  reply get_consumers(call c);
  reply get_apps(call c);
  reply post_app(call c);
  reply post_secret(call c);
  reply get_connections(call c);
  reply post_connection(call c);
  reply get_connection(call c);
  reply patch_connection(call c);
  reply delete_connection(call c);
  reply post_attempt(call c);
  reply post_code(call c);
  reply post_confirmation(call c);
  reply post_fetch(call c);
  reply post_link(call c);
  reply get_links(call c);
  reply delete_link(call c);
  reply get_held(call c);
  reply get_held_stream(call c);
  reply post_held_stream(call c);
  reply get_syncs(call c);
  reply post_sync(call c);
  reply get_tokens(call c);
  reply post_token(call c);
  reply delete_token(call c);
  reply get_providers(call c);
  reply get_provider(call c);
  reply get_webhooks(call c);
  reply get_webhook_address(call c);
  reply get_customer_provider(call c);
  reply put_customer_provider(call c);
  reply get_openapi(call c);

  /// Everything that is known of the connections that `wanted` accepts, as the API shows it to this caller.
  runtime::awaitable<result<boost::json::array>> show(std::function<bool(const ledger::connection&)> wanted,
                                                      caller who);
  /// not_found also for one that this caller does not see: in the same words.
  runtime::awaitable<result<ledger::connection>> find(std::string provider, std::string name, caller who);
  /// With the link that is open, for whoever may ask for one.
  runtime::awaitable<answer> show_one(int status, std::string id, caller who);
  boost::json::value shown_link(const std::string& connection_id, const caller& who) const;
  boost::json::array shown_plugins() const;
  boost::json::array shown_consumers(ledger::transaction& tx) const;

  // control_customers.cpp and saving.cpp
  struct saving;
  runtime::awaitable<answer> save_alone(saving& s);
  runtime::awaitable<answer> save(saving& s);
  runtime::awaitable<void> tell_changed(ledger::connection known);
  runtime::awaitable<answer> show_saved(int status, std::string id, const core::auth_state* outcome, caller who);

  api_surroundings around_;
  token_keeper tokens_;
  std::string rest_address_;
  std::set<std::string> being_saved_;  ///< "<provider>/<customer>", or its id for a connection of nobody's
  core::instant started_at_;
  struct refusal {
    std::uint64_t number = 0;  ///< how many there were since the start
    boost::json::object outcome;
  };
  /// Connections of the listener are few, and one token must not hold them all.
  static constexpr std::size_t polls_of_a_token = 16;
  std::map<std::string, std::size_t> polls_;  ///< long polls that wait, by token
  std::map<std::string, refusal> refusals_;   ///< the latest attempt in vain, by connection
  runtime::condition changed_;                ///< notified of every change: long polls look again
};

}  // namespace koppel::api
