// SPDX-License-Identifier: Apache-2.0
// Where webhook addresses lead: this machine, or nowhere.
#include "webhook_route.hpp"

#include <catch2/catch.hpp>

using namespace koppel::provider_sim;

TEST_CASE("an address on the loopback is called, over TLS or without", "[provider_sim][webhooks]") {
  const auto plain = resolve_webhook("http://127.0.0.1:8080/hooks/a?b=c#d", {});
  CHECK(plain.problem.empty());
  CHECK_FALSE(plain.target.tls);
  CHECK(plain.target.at.port == 8080);
  CHECK(plain.target.path == "/hooks/a?b=c");
  CHECK(plain.target.authority == "127.0.0.1:8080");

  const auto secure = resolve_webhook("https://localhost", {});
  CHECK(secure.problem.empty());
  CHECK(secure.target.tls);
  CHECK(secure.target.at.address == "127.0.0.1");
  CHECK(secure.target.at.port == 443);
  CHECK(secure.target.path == "/");
}

TEST_CASE("a stranger is not called, however he is written", "[provider_sim][webhooks]") {
  for (const auto* url : {"https://koppel.example/hook", "http://10.0.0.1/", "http://127.0.0.1.example/",
                          "http://127.x/", "ftp://127.0.0.1/", "127.0.0.1/hook", "", "http://[2001:db8::1]/"}) {
    INFO(url);
    CHECK_FALSE(resolve_webhook(url, {}).problem.empty());
  }
}

TEST_CASE("a route leads a name to this machine, and keeps the name", "[provider_sim][webhooks]") {
  const webhook_routes routes{{"koppel.example", {"127.0.0.1", 8443, "/tmp/ca.pem"}}};
  const auto there = resolve_webhook("https://koppel.example/hook", routes);
  CHECK(there.problem.empty());
  CHECK(there.target.host == "koppel.example");
  CHECK(there.target.authority == "koppel.example");
  CHECK(there.target.at.port == 8443);
  CHECK(there.target.at.ca_file == "/tmp/ca.pem");
}

TEST_CASE("a route ends on the loopback or is none", "[provider_sim][webhooks]") {
  CHECK(loopback_address("127.0.0.1:8443").port == 8443);
  CHECK(loopback_address("[::1]:8443").address == "::1");
  for (const auto* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "10.0.0.1:80", "example:80"})
    CHECK(loopback_address(text).address.empty());
}
