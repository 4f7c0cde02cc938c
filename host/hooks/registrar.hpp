// SPDX-License-Identifier: Apache-2.0
// Gives connections their webhook addresses and has them registered at the provider, by a job of the plugin: when the
// connection is authorized, ahead of the registration's end, and anew where the public URL changed. A plugin is told no
// address: texts that stand for it are replaced in that job's requests alone. Main strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/auth/provider_client.hpp"
#include "host/hooks/hint_service.hpp"

namespace koppel::hooks {

class registrar {
 public:
  /// `public_url` empty: nobody outside can reach us, and nothing is registered.
  registrar(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
            auth::provider_client& provider, hint_service& hints, const runtime::clock& clock, std::string public_url);

  runtime::awaitable<result<>> start();
  /// Until cancelled or told to stop.
  runtime::awaitable<void> keep_registered();
  void stop();
  void connection_changed(const ledger::connection& c);
  void plugins_changed() { wake(); }

  /// Has the provider stop, as far as it can be asked now, within some seconds. Returns what was not removed, a
  /// sentence; empty where nothing is left.
  runtime::awaitable<std::string> withdraw(std::string connection_id);

  /// Called where a job's credentials were refused.
  std::function<void(std::string connection_id, int http_status, std::string detail)> credentials_refused;

 private:
  class job;
  struct entry {
    ledger::connection connection;
    std::shared_ptr<ledger::webhook_address> address;  ///< null: there is none yet
    bool busy = false;
  };
  void wake();
  core::instant start_what_is_due();
  runtime::awaitable<void> look_after(std::string connection_id);
  runtime::awaitable<result<>> make_address(std::string connection_id);
  runtime::awaitable<messages::done> ask(entry of, const char* kind, std::string base_url);
  runtime::awaitable<void> withdraw_into(entry of, std::shared_ptr<std::optional<messages::done>> out);
  runtime::awaitable<void> settle(std::string connection_id, messages::done outcome);
  runtime::awaitable<result<>> store(const ledger::webhook_address& a);

  runtime::supervisor& supervisor_;
  ledger::ledger& ledger_;
  plugins::plugin_host& plugins_;
  auth::provider_client& provider_;
  hint_service& hints_;
  const runtime::clock& clock_;
  const std::string public_url_;
  runtime::condition changed_;
  bool news_ = false, stopping_ = false;
  std::map<std::string, entry> known_;
  std::size_t busy_ = 0;
};

}  // namespace koppel::hooks
