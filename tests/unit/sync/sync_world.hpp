// SPDX-License-Identifier: Apache-2.0
// A connection of the plugin scribe, whose reads the provider's answers lead, and the service that runs them.
#pragma once

#include <utility>

#include "host/sync/sync_service.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/auth/world.hpp"

namespace koppel::test {

using namespace std::chrono_literals;
using sync::sync_service;
using texts = std::vector<std::string>;

inline std::string page(const std::string& more) { return http_answer(200, "{" + more + "}"); }

struct sync_world : world {
  ledger::connection c = connected("acme");
  std::unique_ptr<sync_service> service;
  std::vector<int> refusals;  ///< the status of each refusal of credentials
  const core::deletion_limits limits;

  explicit sync_world(core::deletion_limits may_delete = {}) : limits(may_delete) {
    service = make(supervisor);
    if (auto started = run(service->start()); !started) FAIL(started.error().detail);
  }
  ~sync_world() {
    run_void(service->stop(2s));
    run_until(io, [&] { return supervisor.names().find("sync") == std::string::npos; });
  }

  std::unique_ptr<sync_service> make(runtime::supervisor& s, std::size_t max_jobs = 16) {
    sync::sync_options options;
    options.max_jobs = max_jobs;
    options.schedule = false;
    options.deletions = limits;
    sync::sync_surroundings around{s,
                                   clock,
                                   *book,
                                   *host,
                                   *provider,
                                   [](const ledger::connection&, const std::string&, boost::json::object) {},
                                   [this](std::string, int status, std::string) { refusals.push_back(status); }};
    return std::make_unique<sync_service>(std::move(around), options);
  }

  /// What the provider says to a read at this cursor, the last answer again and again.
  void at(const std::string& cursor, texts answers) {
    says["GET /things/list?at=" + cursor + "&"] = std::move(answers);
  }
  std::size_t reads_at(const std::string& cursor) const { return requests_to("GET /things/list?at=" + cursor + "&"); }

  void ask(bool full) {
    const auto taken = service->request(c.id, "companies", full);
    if (!taken) FAIL(taken.error().detail);
  }
  bool idle() const { return supervisor.names().find("sync nameplate/") == std::string::npos; }
  /// Until nothing runs or waits for its turn.
  void settle() {
    run_until(io, [&] { return service->queued().empty() && idle(); });
  }
  void read(bool full) {
    ask(full);
    settle();
  }

  /// Every event, short: "sync.started full", "company.upserted a".
  texts told() {
    texts all;
    const auto source = book->make_event_source();
    for (std::uint64_t after = 0;;) {
      const auto batches = source->read(after, 1 << 20);
      if (!batches || batches->empty()) return all;
      for (const auto& batch : *batches) {
        std::string_view rest = batch.bytes;
        while (!rest.empty()) {
          const auto view = bus::peek(rest);
          all.push_back(in_short(bus::copy_of(*view)));
          rest.remove_prefix(view->raw.size());
        }
        after = batch.last_seq;
      }
    }
  }
  static std::string in_short(const bus::event& e) {
    const auto data = *bus::data_as_json(e);
    auto text = e.type.substr(std::string("eu.koppel.").size());
    text.resize(text.size() - std::string(".v1").size());
    if (const auto* mode = data.if_contains("mode")) return text + " " + std::string(mode->as_string());
    return e.subject.empty() ? text : text + " " + e.subject;
  }

  void remove(bool purge) {
    write([&](ledger::transaction& tx) {
      if (!tx.remove_connection(c.id, purge)) FAIL("not removed");
      c = *tx.find_connection(c.id);
      ledger::event_draft draft;
      draft.type = "connection.removed";
      draft.about = &c;
      if (!tx.append(draft)) FAIL("not told");
    });
    service->connection_changed(c);
  }
  /// Another version of the plugin, and a rescan.
  void upgrade_plugin() {
    const auto file = root / "plugins" / "scribe.so";
    auto bytes = read_file(file);
    const std::string before = "\nversion = \"";
    const auto at = bytes.find(before);
    if (at == std::string::npos) FAIL("the plugin has no version");
    bytes[at + before.size()] = '7';
    std::filesystem::remove(file);
    std::ofstream(file, std::ios::binary) << bytes;
    const auto made = run(host->rescan());
    REQUIRE(made.has_value());
    REQUIRE(made->at(0).what == plugins::plugin_change::kind::replaced);
  }
  ledger::run newest_run() {
    ledger::run r;
    write([&](ledger::transaction& tx) { r = tx.runs(1).at(0); });
    return r;
  }
};

}  // namespace koppel::test
