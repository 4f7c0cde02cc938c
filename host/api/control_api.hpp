// SPDX-License-Identifier: Apache-2.0
// The routes of the control socket (docs/control-api.md): what koppelctl speaks, and what REST will have later. Every
// door checks its input and says in a sentence what is wrong. Main strand only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/api/router.hpp"
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
};

/// A failure as the API says it: 404, 409, 422, or 503 where the ledger itself is in trouble.
answer failure_answer(const failure& f);

class control_api {
 public:
  explicit control_api(api_surroundings around);

  /// Adds all routes; they refer to this object.
  void add_routes(router& r);
  /// A connection's status changed: wakes whoever waits for that.
  void connection_changed(const ledger::connection& c);
  /// An attempt failed and the status stayed; `c.auth` is the outcome: tells whoever waits for it.
  void attempt_refused(const ledger::connection& c);

 private:
  using reply = runtime::awaitable<answer>;
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
  reply delete_connection(call c);
  reply post_attempt(call c);
  reply post_code(call c);
  reply post_confirmation(call c);
  reply get_syncs(call c);
  reply post_sync(call c);

  /// Everything that is known of the connections that `wanted` accepts, as the API shows it.
  runtime::awaitable<result<boost::json::array>> show(std::function<bool(const ledger::connection&)> wanted);
  runtime::awaitable<result<ledger::connection>> find(std::string provider, std::string name);
  runtime::awaitable<answer> show_one(int status, std::string id);
  boost::json::array shown_plugins() const;
  boost::json::array shown_consumers(ledger::transaction& tx) const;

  api_surroundings around_;
  core::instant started_at_;
  struct refusal {
    std::uint64_t number = 0;  ///< how many there were since the start
    boost::json::object outcome;
  };
  std::map<std::string, refusal> refusals_;  ///< the latest attempt in vain, by connection
  runtime::condition changed_;               ///< notified of every change: long polls look again
};

}  // namespace koppel::api
