// SPDX-License-Identifier: Apache-2.0
// Gives connections their webhook addresses and has them registered at the provider, by a job of the plugin: when the
// connection is authorized, ahead of the registration's end, and anew where the public URL changed. Where something may
// be registered is durable before the provider is asked, and forgotten when it has said that it removed it: how a check
// ended says nothing about that. A plugin is told no address (registration_job.hpp). Main strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/auth/provider_client.hpp"
#include "host/hooks/hint_service.hpp"

namespace koppel::hooks {

class registrar {
 public:
  struct limits {
    std::chrono::milliseconds withdrawal{10'000};  ///< whoever withdraws waits for so long in all
    std::chrono::milliseconds patience{4'000};     ///< of it, for a registration under way; then that one is ended
    std::chrono::milliseconds rest{60'000};        ///< after a withdrawal: the connection is about to be removed
  };

  /// `public_url` empty: nobody outside can reach us, nothing is registered, and what was is removed.
  registrar(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
            auth::provider_client& provider, hint_service& hints, const runtime::clock& clock, std::string public_url,
            limits l);
  registrar(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
            auth::provider_client& provider, hint_service& hints, const runtime::clock& clock, std::string public_url)
      : registrar(supervisor, ledger, plugins, provider, hints, clock, std::move(public_url), limits{}) {}

  runtime::awaitable<result<>> start();
  /// Until cancelled or told to stop.
  runtime::awaitable<void> keep_registered();
  void stop();
  void connection_changed(const ledger::connection& c);
  void plugins_changed() { wake(); }

  /// Has the provider stop, as far as it can be asked now, within some seconds. A registration that is under way is
  /// waited for, or ended, first: it could be done after the removal. Returns what was not removed, a sentence; empty
  /// where nothing is left.
  runtime::awaitable<std::string> withdraw(std::string connection_id);

  /// Called where a job's credentials were refused.
  std::function<void(std::string connection_id, int http_status, std::string detail)> credentials_refused;

 private:
  struct entry {
    ledger::connection connection;
    std::shared_ptr<ledger::webhook_address> address;  ///< null: there is none yet
    bool busy = false;                   ///< one job of a connection at a time; whoever has it may write `address`
    std::uint64_t check = 0;             ///< what the supervisor knows its check by; 0: none is under way
    bool hurry = false;                  ///< to be checked at once, whatever the plan says
    runtime::steady_time rests_until{};  ///< withdrawn: nothing is registered before
  };
  void wake();
  core::instant start_what_is_due();
  bool rests(const std::string& connection_id) const;
  void release(const std::string& connection_id);

  runtime::awaitable<void> look_after(std::string connection_id);
  runtime::awaitable<result<>> make_address(std::string connection_id);
  runtime::awaitable<void> check(std::string connection_id);
  runtime::awaitable<result<>> note_place(ledger::webhook_address& a);
  runtime::awaitable<void> settle(std::string connection_id, messages::done outcome, std::string left);
  runtime::awaitable<messages::done> ask(std::string connection_id, const char* kind, std::string public_url);
  /// Returns what was not removed, and why, a sentence each; empty where nothing is left.
  runtime::awaitable<std::string> remove_at(std::string connection_id, std::vector<std::string> public_urls);
  runtime::awaitable<bool> idle_by(std::string connection_id, runtime::steady_time limit);
  runtime::awaitable<void> withdraw_into(std::string connection_id, std::vector<std::string> public_urls,
                                         std::shared_ptr<std::string> left);
  runtime::awaitable<result<>> remember(std::string connection_id, std::map<std::string, std::string> learned);
  runtime::awaitable<result<>> store(const ledger::webhook_address& a);

  runtime::supervisor& supervisor_;
  ledger::ledger& ledger_;
  plugins::plugin_host& plugins_;
  auth::provider_client& provider_;
  hint_service& hints_;
  const runtime::clock& clock_;
  const std::string public_url_;
  const limits limits_;
  runtime::condition changed_;
  bool news_ = false, stopping_ = false;
  std::map<std::string, entry> known_;
  std::size_t busy_ = 0;
};

}  // namespace koppel::hooks
