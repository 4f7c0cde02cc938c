// SPDX-License-Identifier: Apache-2.0
// A host in small for the tests of host/auth: everything is real but the provider, whose answers a test writes, and the
// clock, which stands still until told.
#pragma once

#include <stdlib.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <koppel/bus/event.hpp>

#include <boost/json/serialize.hpp>

#include "host/auth/auth_service.hpp"
#include "host/auth/error.hpp"
#include "host/net/http_client.hpp"
#include "host/plugins/spawner.hpp"
#include "tests/support/show_result.hpp"
#include "tests/unit/net/run.hpp"
#include "tests/unit/net/tls_server.hpp"

namespace koppel::test {

inline std::string http_answer(int status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

inline std::string grant(const std::string& access, const std::string& more = "") {
  return http_answer(200, R"({"token_type":"Bearer","access_token":")" + access + "\"" + more + "}");
}

inline std::string nameplate_of(const std::string& id, const std::string& name) {
  return http_answer(200, R"({"id":")" + id + R"(","name":")" + name + "\"}");
}

/// One root for all cases: keys take time to make.
inline const test_ca& authority() {
  static const test_ca made;
  return made;
}

class world {
 public:
  explicit world(bool reachable = true) {
    char name[] = "/tmp/koppel-auth-XXXXXX";
    root = ::mkdtemp(name);
    std::ofstream{root / "key"} << std::string(64, 'a');
    std::filesystem::permissions(root / "key", std::filesystem::perms::owner_read);
    std::ofstream{root / "ca.pem"} << authority().root_pem();
    // First of all: it has to be born before there are threads.
    auto forked = plugins::spawner::fork_before_threads(KOPPEL_RUNNER);
    if (!forked) FAIL(forked.error().detail);
    children = std::move(*forked);
    const certificate_request names{"login.nameplate.test",
                                    {"login.nameplate.test", "api.nameplate.test", "login.eu.nameplate.test",
                                     "api.eu.nameplate.test", "sandbox.eu.nameplate.test"},
                                    false};
    server.emplace(io, authority().issue(names), [this](const std::string& request) { return answer(request); });
    net::client_options options;
    const auto ca = (root / "ca.pem").string();
    options.routes.push_back({"login.nameplate.test", reachable ? server->address() : "127.0.0.1:1", ca});
    for (const auto* served :
         {"api.nameplate.test", "login.eu.nameplate.test", "api.eu.nameplate.test", "sandbox.eu.nameplate.test"})
      options.routes.push_back({served, server->address(), ca});
    http = std::move(*net::http_client::make(io.get_executor(), options));
    ledger::options options_of_book{(root / "data").string(), (root / "key").string()};
    options_of_book.free_bytes = [this] { return free_bytes.load(); };
    auto opened = ledger::ledger::open(
        std::move(options_of_book), clock, [](failure) {}, [](std::uint64_t) {});
    if (!opened) FAIL(opened.error().detail);
    book = std::move(*opened);
    plugins::plugin_host_options folder;
    folder.folder = (root / "plugins").string();
    std::filesystem::copy(KOPPEL_AUTH_PLUGINS, folder.folder);
    host.emplace(supervisor, clock, *children, folder);
    if (auto started = host->start(); !started) FAIL(started.error().detail);
    run_void(host->settled());
    provider.emplace(*http, *book, clock, [] { return 0.0; });
    start_auth();
  }
  /// A second time: as after a restart, with nothing known but what the ledger holds.
  void start_auth() {
    auth.reset();
    auth.emplace(supervisor, *book, *http, *host, *provider, clock,
                 auth::auth_service::options{"https://koppel.example"});
    auth->on_change = [this](const ledger::connection& c) {
      changes.push_back(std::string(core::to_string(c.auth.status)));
    };
  }
  ~world() {
    run_void(host->stop(std::chrono::seconds{2}));
    run_void(stop_all());
    auth.reset();
    host.reset();
    std::filesystem::remove_all(root);
  }

  template <class T>
  T run(runtime::awaitable<T> work) {
    return test::run(io, std::move(work));
  }
  void run_void(runtime::awaitable<void> work) {
    bool done = false;
    boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
      done = true;
      if (e) std::rethrow_exception(e);
    });
    run_until(io, [&] { return done; });
  }

  template <class Work>
  void write(Work work) {
    const auto done = book->write_blocking([&](ledger::transaction& tx) -> result<> { return work(tx), result<>{}; });
    if (!done) FAIL(done.error().detail);
  }

  ledger::connection add(const std::string& name, const std::string& of = "nameplate",
                         std::map<std::string, std::string> settings = {}) {
    ledger::connection c;
    write([&](ledger::transaction& tx) {
      ledger::app a;
      a.provider = of;
      a.name = name;
      a.client_id = "client-" + name;
      a.created_at = tx.now();
      auto app = tx.insert_app(a, core::secret("secret-canary"));
      c.provider = of;
      c.name = name;
      c.settings = std::move(settings);
      c.app_id = app->id;
      c.created_at = c.auth.since = tx.now();
      c = *tx.insert_connection(c);
    });
    return c;
  }
  ledger::connection now(const ledger::connection& c) {
    ledger::connection found;
    write([&](ledger::transaction& tx) { found = *tx.find_connection(c.id); });
    return found;
  }
  /// "" where there is none.
  std::string stored_token(const ledger::connection& c) {
    std::string token;
    write([&](ledger::transaction& tx) {
      auto found = tx.find_credentials(c.id);
      if (found && *found) token = (*found)->access_token.reveal();
    });
    return token;
  }
  void store(const ledger::connection& c, const std::string& token, std::optional<core::instant> expires_at = {},
             const std::string& refresh_token = "", const std::string& unproven = "") {
    write([&](ledger::transaction& tx) {
      ledger::credentials pair;
      pair.access_token = core::secret(token);
      pair.refresh_token = core::secret(refresh_token);
      pair.obtained_at = tx.now();
      pair.expires_at = expires_at;
      pair.unproven = unproven;
      const auto known = tx.find_credentials(c.id);
      if (!tx.store_credentials(c.id, pair, *known ? (*known)->generation : 0)) FAIL("not stored");
    });
  }
  /// A connection that works: account "42", token "old-token".
  ledger::connection connected(const std::string& name, const std::string& account = "42",
                               const std::string& of = "nameplate") {
    auto c = add(name, of);
    store(c, "old-token");
    write([&](ledger::transaction& tx) {
      c = *tx.find_connection(c.id);
      c.auth.status = core::auth_status::authorized;
      c.auth.generation = 3;
      c.pinned = core::account{account, "Acme", ""};
      c.auth.who = c.pinned;
      if (!tx.update_connection(c)) FAIL("not updated");
    });
    return c;
  }

  /// As at the start of a host: until the connection has this status.
  void resume_until(const ledger::connection& c, core::auth_status status) {
    run_void(auth->resume());
    run_until(io, [&] { return now(c).auth.status == status; });
  }

  /// Every auth.status event, as JSON text.
  std::vector<std::string> events() {
    std::vector<std::string> all;
    const auto source = book->make_event_source();
    for (std::uint64_t after = 0;;) {
      const auto batches = source->read(after, 1 << 20);
      if (!batches || batches->empty()) return all;
      for (const auto& batch : *batches) {
        std::string_view rest = batch.bytes;
        while (!rest.empty()) {
          const auto view = bus::peek(rest);
          all.push_back(boost::json::serialize(*bus::data_as_json(bus::copy_of(*view))));
          rest.remove_prefix(view->raw.size());
        }
        after = batch.last_seq;
      }
    }
  }
  std::size_t requests_to(const std::string& start) const {
    std::size_t count = 0;
    for (const auto& r : server->requests()) count += r.starts_with(start);
    return count;
  }

  std::filesystem::path root;
  std::unique_ptr<plugins::spawner> children;
  boost::asio::io_context io;
  runtime::manual_clock clock{*core::from_iso8601("2026-01-31T12:00:00Z")};
  std::optional<tls_server> server;
  runtime::supervisor supervisor{io.get_executor()};
  std::unique_ptr<net::http_client> http;
  std::unique_ptr<ledger::ledger> book;
  std::optional<plugins::plugin_host> host;
  std::optional<auth::provider_client> provider;
  std::optional<auth::auth_service> auth;
  std::vector<std::string> changes;
  std::atomic<std::uint64_t> free_bytes = std::numeric_limits<std::uint64_t>::max();  ///< on the disk

  /// What the provider says, by the request's first words; the last one of a list goes on being said. An empty answer
  /// cuts the connection.
  std::map<std::string, std::vector<std::string>> says;
  /// Called before it is answered.
  std::function<void(const std::string& request)> on_request = [](const std::string&) {};

 private:
  act answer(const std::string& request) {
    on_request(request);
    for (auto& [start, answers] : says) {
      if (!request.starts_with(start) || answers.empty()) continue;
      const auto bytes = answers.front();
      if (answers.size() > 1) answers.erase(answers.begin());
      return {bytes, bytes.empty() ? act::then::cut : act::then::keep};
    }
    return {http_answer(404, "{}"), act::then::keep};
  }
  runtime::awaitable<void> stop_all() { co_await supervisor.stop(std::chrono::seconds{2}); }
};

}  // namespace koppel::test
