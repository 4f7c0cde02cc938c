// SPDX-License-Identifier: Apache-2.0
// Runs from their request to what the ledger and the bus keep of them.

#include "host/sync/sync_service.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <sstream>
#include <utility>

#include "tests/support/read_file.hpp"
#include "tests/unit/sync/sync_world.hpp"

namespace koppel::test {

/// A world has to begin before the process has threads: one a case.
static void remove_in_the_middle_of_a_run(bool purge) {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1")")});
  w.at("1", {page(R"("rows":["b"],"next":"2")")});
  w.at("2", {page(R"("rows":["c"],"next":"3","last":true)")});
  w.server->hold();
  w.ask(true);
  run_until(w.io, [&] { return w.server->held() == 1; });

  w.remove(purge);
  w.server->release();
  run_until(w.io, [&] { return w.idle(); });

  CHECK(w.told() == texts{"sync.started full", "connection.removed"});
  CHECK(w.requests_to("GET /things/") == 1);
  CHECK(w.service->live_runs().empty());
  w.write([&](ledger::transaction& tx) {
    CHECK(tx.known_records(w.c.id, "company") == 0);
    CHECK(tx.open_runs().empty());
  });
  CHECK_FALSE(w.service->request(w.c.id, "", true));
}

TEST_CASE("a run under way when its connection is removed leaves nothing behind the removal", "[sync][service]") {
  remove_in_the_middle_of_a_run(false);
}

TEST_CASE("a run under way when its connection is purged leaves nothing behind the removal", "[sync][service]") {
  remove_in_the_middle_of_a_run(true);
}

TEST_CASE("with a connection its cached access token is forgotten", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1","last":true)")});
  w.read(true);
  w.remove(false);

  auth::provider_client::context context;
  context.manifest = w.host->find("nameplate");
  context.connection_id = w.c.id;
  messages::http request;
  request.method = "GET";
  request.url = "https://api.nameplate.test/things/list";
  const auto reply = w.run(w.provider->send(context, request));

  CHECK(reply.error == messages::job_error::authorise_again);
  CHECK(reply.detail == "this connection has no credentials");
}

TEST_CASE("after a crash a full read goes on at its cursor, and concludes nothing", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1")")});
  w.at("1", {page(R"("crash":true)"), page(R"("rows":["b"],"next":"2","last":true)")});

  w.read(true);

  CHECK(w.reads_at("") == 1);
  CHECK(w.reads_at("1") == 2);
  const auto r = w.newest_run();
  CHECK(r.state == "completed");
  CHECK(r.resumed);
  CHECK_FALSE(r.complete);
}

TEST_CASE("a record that is gone is found behind any number of others", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a","z"],"next":"1","last":true)"), page(R"("rows":["a"],"next":"2","last":true)")});
  w.says["GET /things/one?id=z"] = {http_answer(404, "{}")};
  w.read(true);
  // More than one search of the ledger looks at.
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open((w.root / "data" / "ledger.db").c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db,
                     "INSERT INTO records(set_number, id, body, deleted, seen_run, seq, digests) "
                     "WITH RECURSIVE n(i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n WHERE i < 29999) "
                     "SELECT set_number, 'm' || i, 0, 1, 0, 1, x'' FROM n, records WHERE id = 'a'",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);

  w.read(true);

  CHECK(w.newest_run().complete);
  CHECK(w.newest_run().deleted == 1);
  CHECK(w.told().at(5) == "sync.company.deleted z");
}

TEST_CASE("what a run learned is told to the next one", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1","last":true,"learn":"north")")});
  w.at("1", {page(R"("rows":[],"next":"1","last":true)")});
  w.read(true);
  w.read(false);
  CHECK(w.requests_to("GET /things/list?at=1&learned=north") == 1);
  CHECK(w.now(w.c).learned.at("domain") == "north");
}

TEST_CASE("a full read that was asked for comes after the interrupted incremental one, and each run is told once",
          "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1","last":true)")});
  w.at("1", {page(R"("busy":1)"), page(R"("rows":["b"],"next":"2","last":true)")});
  w.read(true);
  w.read(false);
  REQUIRE(w.newest_run().state == "interrupted");

  w.at("", {page(R"("rows":["a","b"],"next":"3","last":true)")});
  w.read(true);

  CHECK(w.told() == texts{"sync.started full", "sync.company.upserted a", "sync.completed full",
                          "sync.started incremental", "sync.company.upserted b", "sync.completed incremental",
                          "sync.started full", "sync.completed full"});
}

TEST_CASE("an interrupted run goes on when the provider's own word is over", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("busy":3600000)"), page(R"("rows":["a"],"next":"1","last":true)")});
  w.read(true);
  REQUIRE(w.newest_run().state == "interrupted");
  const auto look = [&] {
    w.service->connection_changed(w.now(w.c));
    w.io.restart();
    w.io.poll();
  };

  w.clock.advance(59min);
  look();
  CHECK(w.idle());
  w.clock.advance(1min);
  look();
  CHECK_FALSE(w.idle());
  w.settle();
  CHECK(w.newest_run().state == "completed");
}

TEST_CASE("what a webhook asks for waits until the provider's own word is over, what a person asks for does not",
          "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("busy":3600000)"), page(R"("busy":3600000)"), page(R"("rows":["a"],"next":"1","last":true)")});
  w.read(true);
  REQUIRE(w.newest_run().state == "interrupted");
  const auto look = [&] {
    w.io.restart();
    w.io.poll();
  };

  w.clock.advance(30min);
  REQUIRE(w.service->request_for_webhook(w.c.id, "companies"));
  look();
  CHECK(w.idle());
  CHECK(w.service->queued().size() == 1);
  w.ask(false);
  w.settle();
  CHECK(w.newest_run().state == "interrupted");

  w.clock.advance(59min);
  REQUIRE(w.service->request_for_webhook(w.c.id, "companies"));
  look();
  CHECK(w.idle());
  w.clock.advance(1min);
  w.service->connection_changed(w.now(w.c));
  look();
  CHECK_FALSE(w.idle());
  w.settle();
  CHECK(w.newest_run().state == "completed");
}

TEST_CASE("a full disk interrupts a run, which goes on when there is room, without a pause for failures",
          "[sync][service][full]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1")")});
  w.at("1", {page(R"("rows":["b"],"next":"2","last":true)")});
  bool full = false;
  w.on_request = [&w, &full](const std::string& request) {
    if (request.find("at=1") != std::string::npos && !std::exchange(full, true)) w.free_bytes = 0;
  };

  w.read(true);
  CHECK(w.newest_run().state == "running");
  for (int i = 0; i < 3; ++i) {
    w.clock.advance(10s);
    w.read(true);
  }
  CHECK(w.reads_at("1") == 1);

  w.free_bytes = 1 << 30;
  w.clock.advance(10s);
  w.service->connection_changed(w.now(w.c));  // it looks what is due
  run_until(w.io, [&] { return w.newest_run().state == "completed"; });
  w.settle();
  CHECK(w.newest_run().resumed);
  CHECK(w.told() ==
        texts{"sync.started full", "sync.company.upserted a", "sync.company.upserted b", "sync.completed full"});
}

TEST_CASE("a full read that was interrupted concludes nothing, unless nothing was read by then", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("busy":1)"), page(R"("rows":["a"],"next":"1","last":true)"), page(R"("rows":[],"next":"2")")});
  w.read(true);
  REQUIRE(w.newest_run().state == "interrupted");
  w.read(true);
  CHECK(w.newest_run().resumed);
  CHECK(w.newest_run().complete);

  w.at("2", {page(R"("busy":1)"), page(R"("rows":["a"],"next":"3","last":true)")});
  w.read(true);
  REQUIRE(w.newest_run().state == "interrupted");
  w.read(true);
  CHECK(w.newest_run().state == "completed");
  CHECK_FALSE(w.newest_run().complete);
}

TEST_CASE("a run whose plugin is replaced goes on at once by the new one's manifest, and nobody failed",
          "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1")")});
  w.at("1", {page(R"("rows":["b"],"next":"2","last":true)")});
  w.ask(true);
  run_until(w.io, [&] { return w.reads_at("") == 1; });
  w.server->hold();
  run_until(w.io, [&] { return w.server->held() == 1; });

  w.upgrade_plugin();
  w.server->release();
  w.service->plugins_changed();
  run_until(w.io, [&] { return w.newest_run().state == "completed"; });
  w.settle();

  CHECK(w.newest_run().resumed);
  CHECK(w.told() ==
        texts{"sync.started full", "sync.company.upserted a", "sync.company.upserted b", "sync.completed full"});
  w.write([&](ledger::transaction& tx) { CHECK(tx.find_stream(w.c.id, "companies")->failures == 0); });
}

TEST_CASE("streams are known from the start, though their plugin comes later", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1","last":true)")});
  w.at("1", {page(R"("rows":["b"],"next":"2","last":true)")});
  w.read(true);
  const auto file = w.root / "plugins" / "scribe.so";
  std::filesystem::rename(file, w.root / "scribe.so");
  REQUIRE(w.run(w.host->rescan()).has_value());
  const auto later = w.make(w.supervisor);
  REQUIRE(w.run(later->start()).has_value());
  CHECK(later->request(w.c.id, "companies", false).error().detail == "no plugin of provider nameplate is running");

  std::filesystem::rename(w.root / "scribe.so", file);
  REQUIRE(w.run(w.host->rescan()).has_value());
  REQUIRE(later->request(w.c.id, "companies", false).has_value());
  run_until(w.io, [&] { return later->queued().empty() && w.idle(); });

  CHECK(w.newest_run().mode == ledger::run_mode::incremental);
  w.run_void(later->stop(2s));
}

TEST_CASE("runs of one provider that hang leave places for another's", "[sync][service]") {
  sync_world w;
  const auto file = w.root / "plugins" / "scribe.so";
  auto bytes = test::read_file(file);
  const std::string name = "name = \"nameplate\"";
  const auto at = bytes.find(name);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, name.size(), "name = \"namesakes\"");
  std::ofstream(w.root / "plugins" / "second.so", std::ios::binary) << bytes;
  REQUIRE(w.run(w.host->rescan()).has_value());
  std::vector<ledger::connection> all;
  for (const std::string of : {"nameplate", "namesakes"})
    for (int i = 1; i <= 4; ++i) all.push_back(w.connected("many-" + std::to_string(i), std::to_string(i), of));
  w.server->hold();
  const auto service = w.make(w.supervisor, 4);
  REQUIRE(w.run(service->start()).has_value());

  for (std::size_t i = 0; i < 4; ++i) REQUIRE(service->request(all[i].id, "companies", true).has_value());
  run_until(w.io, [&] { return w.server->held() == 3; });
  CHECK(service->live_runs().size() == 3);
  CHECK(service->queued().size() == 1);

  for (std::size_t i = 4; i < 8; ++i) REQUIRE(service->request(all[i].id, "companies", true).has_value());
  run_until(w.io, [&] { return service->live_runs().size() == 4; });
  w.server->release();
  w.run_void(service->stop(2s));
}

TEST_CASE("a refusal of the credentials is passed on with its status, or with none", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("refused":true)")});
  w.read(true);
  w.at("", {http_answer(401, "{}")});
  w.read(true);
  CHECK(w.refusals == std::vector<int>{0, 401});
}

TEST_CASE("what a plugin says of a row that it set aside is one bounded line in the log", "[sync][service]") {
  sync_world w;
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  w.at("", {page(R"("odd":"first\nsecond \u001b[31m)" + std::string(5000, 'x') + R"(","next":"1","last":true)")});
  w.read(true);
  spdlog::set_default_logger(before);

  CHECK(text.str().find("first\\nsecond") != std::string::npos);
  CHECK(text.str().find('\x1b') == std::string::npos);
  CHECK(text.str().find(std::string(400, 'x')) == std::string::npos);
}

TEST_CASE("a run's coroutine may outlive the service", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"next":"1","nap":true)")});
  {
    // Destroyed as the host's members are: the service first, the context with the coroutines last.
    boost::asio::io_context io;
    runtime::supervisor supervisor(io.get_executor());
    auto service = w.make(supervisor);
    run(io, service->start());
    REQUIRE(service->request(w.c.id, "companies", true));
    const auto read = [&] {
      const auto runs = service->live_runs();
      return !runs.empty() && runs.front().read == 1;
    };
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!read() && std::chrono::steady_clock::now() < limit) {
      for (auto* context : {&io, &w.io}) {
        context->restart();
        context->run_one_for(1ms);
      }
    }
    REQUIRE(read());
    service.reset();
    // The world's ledger outlives this context, as the host's does not: it has answered all writes before the context
    // goes.
    w.write([](ledger::transaction&) {});
  }
  w.write([&](ledger::transaction& tx) { CHECK(tx.open_runs().size() == 1); });
}

TEST_CASE("what was asked for has no turn while its connection does not work, and is kept", "[sync][service]") {
  sync_world w;
  w.at("", {page(R"("rows":["a"],"last":true)")});
  w.ask(true);
  CHECK(w.service->queued().size() == 1);

  const auto became = [&](core::auth_status status) {
    w.c.auth.status = status;
    w.write([&](ledger::transaction& tx) {
      if (!tx.update_connection(w.c)) FAIL("not updated");
    });
    w.service->connection_changed(w.c);
  };
  became(core::auth_status::needs_reauth);
  CHECK(w.service->queued().empty());
  became(core::auth_status::authorized);
  CHECK(w.service->queued().size() == 1);
  w.settle();
  CHECK(w.newest_run().state == "completed");
}

}  // namespace koppel::test
