// SPDX-License-Identifier: Apache-2.0
// What a provider's API may answer, byte by byte, and what a plugin then hears: of the list "E4 Provider answers" (21
// to 40) of the project's reliability notes the rows that are about the wire. What a read makes of such answers is in
// tests/unit/sync/api_answers_test.cpp, what the SDK makes of their content in
// tests/unit/declarative/api_answers_test.cpp.

#include "tests/support/peak_memory.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using std::chrono::seconds;
using test::act;
using test::http_answer;
using test::nameplate_of;
using test::world;

constexpr std::size_t most_memory = 48;  ///< MiB, of provider and host together; an answer has 8

/// A provider of its own beside the world's: it says these bytes, and ends like this.
struct teller {
  explicit teller(world& of)
      : w(of),
        server(w.io, test::authority().issue({"api.nameplate.test", {"api.nameplate.test"}, false}),
               [this](const std::string&) {
                 auto now = what.front();
                 if (what.size() > 1) what.erase(what.begin());
                 return now;
               }) {
    net::client_options options;
    options.routes = {{"api.nameplate.test", server.address(), (w.root / "ca.pem").string()}};
    http = std::move(*net::http_client::make(w.io.get_executor(), options));
    client.emplace(*http, *w.book, w.clock, [] { return 0.0; });
  }
  messages::reply ask(const ledger::connection& c, std::chrono::milliseconds limit = seconds{30}) {
    provider_client::context context;
    context.manifest = w.host->find("nameplate");
    context.connection_id = c.id;
    context.client_id = "client";
    context.account_id = "42";
    context.deadline = w.clock.now() + limit;
    messages::http request;
    request.method = "GET";
    request.url = "https://api.nameplate.test/me";
    return w.run(client->send(context, std::move(request)));
  }

  world& w;
  std::vector<act> what;
  test::tls_server server;
  std::unique_ptr<net::http_client> http;
  std::optional<provider_client> client;
};

struct row {
  std::string name, bytes, error;
  act::then after = act::then::keep;
};

std::vector<row> unusable() {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  const std::string whole(std::size_t{8} << 20, 'x');
  std::string many = head;
  for (int i = 0; i < 10'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  std::string hints;
  for (int i = 0; i < 100; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string zipped = std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + std::string(64 << 10, '\0');
  const auto coded = [&](const std::string& coding, const std::string& body) {
    return head + "Content-Encoding: " + coding + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  };
  return {{"21 8 MiB and a byte, announced", http_answer(200, whole + "x"), "too_large"},
          {"21 8 MiB and a byte, in chunks",
           head + "Transfer-Encoding: chunked\r\n\r\n800001\r\n" + whole + "x\r\n0\r\n\r\n", "too_large"},
          {"22 a longer Content-Length than body", head + "Content-Length: 9\r\n\r\n{}", "try_again", act::then::close},
          {"22 a Content-Length beyond all bounds", head + "Content-Length: 99999999999\r\n\r\n{}", "too_large"},
          {"22 two Content-Lengths", head + "Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}", "try_again"},
          {"23 a gzip that nobody asked for, and nobody inflates", coded("gzip", zipped), "try_again"},
          {"23 a gzip that is cut", coded("gzip", zipped.substr(0, 12)), "try_again"},
          {"23 an unknown coding", coded("zstd", "{}"), "try_again"},
          {"25 100 informational answers", hints, "try_again"},
          {"26 10,000 headers", many + "\r\n", "too_large"}};
}

TEST_CASE("an answer that is too large, lies, is packed or never begins is none, E4 21 22 23 25 26", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  for (const auto& r : unusable()) {
    INFO(r.name);
    teller t(w);
    t.what = {{r.bytes, r.after}};
    const test::peak_memory memory;
    const auto reply = t.ask(c);
    CHECK(reply.error == r.error);
    CHECK(reply.body.empty());
    CHECK(reply.detail.find("api.nameplate.test") != std::string::npos);
    CHECK(memory.grown_by() < most_memory);
  }
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
}

TEST_CASE("an answer of 8 MiB is taken, E4 21", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  teller t(w);
  t.what = {{http_answer(200, std::string(std::size_t{8} << 20, 'x')), act::then::keep}};
  CHECK(t.ask(c).body.size() == std::size_t{8} << 20);
}

TEST_CASE("what is longer than it says never becomes the next answer, E4 22 39", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  teller t(w);
  // The second request would find the rest of the first answer on its connection.
  t.what = {{http_answer(200, R"({"n":1})") + http_answer(200, R"({"n":"of the previous request"})"), act::then::keep},
            {http_answer(200, R"({"n":2})"), act::then::keep}};
  CHECK(t.ask(c).body == R"({"n":1})");
  CHECK(t.ask(c).body == R"({"n":2})");
  CHECK(t.server.connections() == 2);
}

TEST_CASE("bytes that only drip end with the job's time, E4 24", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  CHECK(net::limits::provider_deadline == seconds{60});
  teller t(w);
  t.what = {{"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", act::then::drip}};
  const auto began = std::chrono::steady_clock::now();
  // Each try has what is left of the job's time; the world's clock stands still.
  provider_client::context once;
  once.manifest = w.host->find("nameplate");
  once.connection_id = c.id;
  once.client_id = "client";
  once.account_id = "42";
  once.attempts = 1;
  once.deadline = w.clock.now() + std::chrono::milliseconds{200};
  messages::http request;
  request.method = "GET";
  request.url = "https://api.nameplate.test/me";
  CHECK(w.run(t.client->send(once, std::move(request))).error == "try_again");
  CHECK(std::chrono::steady_clock::now() - began < seconds{10});
}

TEST_CASE("an error in an answer with 200 is the plugin's to read, and a dead session is renewed, E4 27",
          "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  w.says = {{"GET /me", {http_answer(200, R"({"error":{"message":"An error occurred"}})")}}};
  provider_client::context context;
  context.manifest = w.host->find("nameplate");
  context.connection_id = c.id;
  context.client_id = "client";
  context.deadline = w.clock.now() + seconds{30};
  messages::http request;
  request.method = "GET";
  request.url = "https://api.nameplate.test/me";
  const auto reply = w.run(w.provider->send(context, request));
  CHECK(reply.status == 200);
  CHECK(reply.error.empty());
  CHECK(reply.body.find("An error occurred") != std::string::npos);
  // The manifest of "keyring" knows one such answer as the end of its session: customs_test.cpp has that.
}

TEST_CASE("304 is handed over as what it is, and nothing is taken from a memory of ours, E4 35", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  teller t(w);
  t.what = {{"HTTP/1.1 304 Not Modified\r\n\r\n", act::then::keep}};
  const auto reply = t.ask(c);
  CHECK(reply.status == 304);
  CHECK(reply.body.empty());
  // It was not asked for: no request of ours is conditional.
  for (const auto& asked : t.server.requests()) CHECK(asked.find("If-None-Match") == std::string::npos);
}

TEST_CASE("a pause until a moment is measured by the provider's own clock, E4 36", "[auth][E4]") {
  world w;  // it is noon on the 31st of January
  const auto c = w.connected("acme");
  for (const std::string day : {"Sun, 01 Feb 2026", "Fri, 30 Jan 2026"}) {
    INFO(day);
    teller t(w);
    t.what = {{http_answer(429, "{}", "Date: " + day + " 12:00:00 GMT\r\nRetry-After: " + day + " 12:00:00 GMT\r\n"),
               act::then::keep},
              {http_answer(200, "{}"), act::then::keep}};
    // It said "now": the limit is used up for a second, and not until tomorrow.
    const auto reply = t.ask(c, std::chrono::milliseconds{900});
    CHECK(reply.error == "try_again");
    CHECK(reply.detail.find("is used up until 2026-01-31T12:00:0") != std::string::npos);
  }
}

TEST_CASE("data of another account than the bound one is refused when it shows itself, E4 37", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme", "42");
  // Only a probe says whose answers these are; a row says nothing of its account, and none is looked for there.
  w.says = {{"POST /token", {test::grant("new-token")}}, {"GET /me", {nameplate_of("43", "Globex")}}};
  const auto after = w.run(w.auth->paste(c.id, core::secret("c0de"), {confirmation::mode::yes, ""}));
  REQUIRE(after);
  CHECK(after->auth.reason == core::auth_reason::account_mismatch);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("a connection that was kept and is closed when it is used again costs nothing, E4 38", "[auth][E4]") {
  world w;
  const auto c = w.connected("acme");
  teller t(w);
  // The second request is swallowed by a connection that ends: reads are repeated.
  t.what = {{http_answer(200, R"({"n":1})"), act::then::keep},
            {"", act::then::cut},
            {http_answer(200, R"({"n":2})"), act::then::keep}};
  CHECK(t.ask(c).body == R"({"n":1})");
  CHECK(t.ask(c).body == R"({"n":2})");
  CHECK(t.server.connections() == 2);
}

}  // namespace
}  // namespace koppel::auth
