// SPDX-License-Identifier: Apache-2.0
// The small host of the auth tests with a registrar, and a connection whose plugin registers webhooks (plugin/).
#pragma once

#include "host/hooks/registrar.hpp"
#include "tests/unit/auth/world.hpp"

namespace koppel::test {

using address_state = ledger::webhook_address::state;

inline constexpr const char *here = "https://koppel.example", *before = "https://old.example";
inline const std::string done = http_answer(200, "{}"), busy = http_answer(200, R"({"busy":true})");

struct hooks_world : world {
  hooks_world() {
    says["POST /hooks/add"] = says["POST /hooks/drop"] = {done};
    sync.emplace(sync::sync_surroundings{supervisor, clock, *book, *host, *provider,
                                         [](const ledger::connection&, const std::string&, boost::json::object) {},
                                         [](std::string, int, std::string) {}},
                 sync::sync_options{});
    hints.emplace(supervisor, *book, *host, *sync, clock);
    if (const auto started = run(hints->start()); !started) FAIL(started.error().detail);
  }
  ~hooks_world() { end(); }

  void begin(const std::string& public_url = here, hooks::registrar::limits limits = {}) {
    registrar.emplace(supervisor, *book, *host, *provider, *hints, clock, public_url, limits);
    if (const auto started = run(registrar->start()); !started) FAIL(started.error().detail);
    supervisor.run("the registrar", registrar->keep_registered());
  }
  void end() {
    if (!registrar) return;
    registrar->stop();
    run_until(io, [&] { return idle() && supervisor.names().find("the registrar") == std::string::npos; });
    registrar.reset();
  }
  /// As a restart of the host.
  void begin_again(const std::string& public_url = here) {
    end();
    begin(public_url);
  }
  bool idle() const {
    return supervisor.names().find("webhook address") == std::string::npos &&
           supervisor.names().find("removal of webhooks") == std::string::npos;
  }
  /// What has become due is done.
  void advance(std::chrono::milliseconds time) {
    clock.advance(time);
    registrar->plugins_changed();
  }

  ledger::webhook_address kept() {
    std::optional<ledger::webhook_address> found;
    write([&](ledger::transaction& tx) { found = tx.find_webhook_state(c.id); });
    return found ? std::move(*found) : ledger::webhook_address{};
  }
  void until(address_state wanted) {
    run_until(io, [&] { return idle() && kept().now == wanted; });
  }
  void registered_at(const std::string& public_url) {
    begin(public_url);
    until(address_state::registered);
  }

  void withdraw() {
    left.reset();
    boost::asio::co_spawn(io, registrar->withdraw(c.id),
                          [this](std::exception_ptr, std::string what) { left = std::move(what); });
  }
  std::string withdrawn() {
    withdraw();
    run_until(io, [&] { return left.has_value(); });
    return *left;
  }
  /// Another status, or other settings, as the rest of the host tells it.
  void change(const std::function<void(ledger::connection&)>& how) {
    auto changed = now(c);
    how(changed);
    write([&](ledger::transaction& tx) { REQUIRE(tx.update_connection(changed)); });
    registrar->connection_changed(changed);
  }
  void set_status(core::auth_status status) {
    change([&](auto& changed) { changed.auth.status = status; });
  }

  /// In the order in which they came: "add https://koppel.example".
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const auto& r : server->requests()) {
      const std::string start = "POST /hooks/", url = R"("url":")";
      const auto from = r.find(url) + url.size();
      all.push_back(r.substr(start.size(), r.find('?') - start.size()) + " " +
                    r.substr(from, r.find("/webhook/", from) - from));
    }
    return all;
  }

  ledger::connection c = connected("acme");
  std::optional<sync::sync_service> sync;
  std::optional<hooks::hint_service> hints;
  std::optional<hooks::registrar> registrar;
  std::optional<std::string> left;  ///< what a withdrawal said
};

}  // namespace koppel::test
