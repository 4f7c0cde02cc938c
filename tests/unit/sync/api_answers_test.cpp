// SPDX-License-Identifier: Apache-2.0
// A read whose answers are bombs or garbage: of the list "E4 Provider answers" (21 to 40) of the project's reliability
// notes the rows in which records could be lost. Whatever comes, what is known stays known, nobody's memory grows, and
// the next good answer is read.

#include "host/sync/sync_service.hpp"

#include "tests/support/peak_memory.hpp"
#include "tests/unit/auth/world.hpp"

namespace koppel::test {
namespace {

using sync::sync_service;

constexpr std::size_t most_memory = 64;  ///< MiB, of provider and host together; the plugin has a process of its own

std::string page(const std::string& more) { return http_answer(200, "{" + more + "}"); }
const std::string good = page(R"("rows":["a","b"],"next":"1","last":true)");

struct reader : world {
  reader() {
    sync::sync_options options;
    options.schedule = false;
    sync::sync_surroundings around{supervisor,
                                   clock,
                                   *book,
                                   *host,
                                   *provider,
                                   [](const ledger::connection&, const std::string&, boost::json::object) {},
                                   [](std::string, int, std::string) {}};
    service = std::make_unique<sync_service>(std::move(around), options);
    if (auto started = run(service->start()); !started) FAIL(started.error().detail);
  }
  ~reader() {
    run_void(service->stop(std::chrono::seconds{2}));
    run_until(io, [&] { return supervisor.names().find("sync") == std::string::npos; });
  }
  /// A complete read in which the list has these answers, the last one again and again.
  ledger::run read(const ledger::connection& c, std::vector<std::string> answers) {
    says["GET /things/list"] = std::move(answers);
    service->connection_changed(c);
    const auto taken = service->request(c.id, "companies", true);
    if (!taken) FAIL(taken.error().detail);
    run_until(io, [&] {
      return service->queued().empty() && supervisor.names().find("sync nameplate/") == std::string::npos;
    });
    ledger::run newest;
    write([&](ledger::transaction& tx) { newest = tx.runs(1).at(0); });
    return newest;
  }
  std::uint64_t known(const ledger::connection& c) {
    std::uint64_t count = 0;
    write([&](ledger::transaction& tx) { count = tx.known_records(c.id, "company"); });
    return count;
  }

  std::unique_ptr<sync_service> service;
};

struct row {
  std::string name, answer;
};

std::vector<row> garbage() {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  std::string many = head;
  for (int i = 0; i < 10'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  std::string hints;
  for (int i = 0; i < 100; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  return {{"21 8 MiB and a byte", http_answer(200, std::string((std::size_t{8} << 20) + 1, ' '))},
          {"22 two Content-Lengths", head + "Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"},
          {"23 a gzip that nobody asked for", http_answer(200, "\x1f\x8b\x08", "Content-Encoding: gzip\r\n")},
          {"25 100 informational answers", hints},
          {"26 10,000 headers", many + "\r\n"},
          {"32 depth 10,000", page(R"("rows":["a"],"x":)" + deep)},
          {"35 304 without having been asked for", "HTTP/1.1 304 Not Modified\r\n\r\n"},
          {"40 bytes that are no UTF-8", page("\"rows\":[\"caf\xe9\"],\"last\":true")}};
}

TEST_CASE("a read whose list is a bomb or garbage loses no record, E4 21-23 25 26 32 35 40", "[sync][E4]") {
  reader w;
  int number = 0;
  for (const auto& r : garbage()) {
    INFO(r.name);
    const auto id = std::to_string(++number);
    const auto c = w.connected("c" + id, id);
    REQUIRE(w.read(c, {good}).complete);
    const peak_memory memory;
    const auto bad = w.read(c, {r.answer});
    CHECK_FALSE(bad.complete);
    CHECK(bad.deleted == 0);
    CHECK_FALSE(bad.error.empty());
    CHECK(w.known(c) == 2);
    CHECK(memory.grown_by() < most_memory);
    CHECK(w.read(c, {good}).state == "completed");
    CHECK(w.now(c).auth.status == core::auth_status::authorized);
    w.clock.advance(std::chrono::minutes{2});
  }
  CHECK(w.changes.empty());
}

TEST_CASE("one record on two pages is one record, E4 29", "[sync][E4]") {
  reader w;
  const auto c = w.connected("acme");
  const auto twice =
      w.read(c, {page(R"("rows":["a","b"],"next":"1")"), page(R"("rows":["b","c"],"next":"2","last":true)")});
  CHECK(twice.complete);
  CHECK(twice.upserted == 3);
  CHECK(w.known(c) == 3);
}

TEST_CASE("a record without an id is refused by itself, E4 30", "[sync][E4]") {
  reader w;
  const auto c = w.connected("acme");
  const auto some =
      w.read(c, {page(R"("rows":[{"id":null,"name":"x"},{"id":7,"name":"x"},"b"],"next":"1","last":true)")});
  CHECK(some.complete);
  CHECK(some.set_aside == 2);
  CHECK(w.known(c) == 1);
}

TEST_CASE("an item of 5 MiB holds up no other and fills nothing, E4 33", "[sync][E4]") {
  reader w;
  const auto c = w.connected("acme");
  const std::string big = std::string(1024, 'x');
  const peak_memory memory;
  const auto read = w.read(
      c, {page(R"("rows":["a",{"id":"big","name":")" + big + R"(","repeat":5120},"b"],"next":"1","last":true)")});
  CHECK(read.state == "completed");
  CHECK(read.set_aside == 1);
  CHECK(w.known(c) == 2);
  CHECK(memory.grown_by() < most_memory);
}

TEST_CASE("a list that is empty all at once deletes only what reads by id say is gone, E4 34", "[sync][E4]") {
  reader w;
  const auto c = w.connected("acme");
  REQUIRE(w.read(c, {good}).complete);
  w.says["GET /things/one?id=a"] = {http_answer(200, R"({"name":"a"})")};
  w.says["GET /things/one?id=b"] = {http_answer(404, "{}")};
  const auto empty = w.read(c, {page(R"("rows":[],"next":"1","last":true)")});
  CHECK(empty.deleted == 1);
  CHECK(w.known(c) == 1);
}

}  // namespace
}  // namespace koppel::test
