// SPDX-License-Identifier: Apache-2.0
// One authenticated request over the route: what leaves, what comes back, and what is refused.

#include <catch2/catch.hpp>

#include "tests/unit/api/api_world.hpp"

using namespace koppel;
using namespace koppel::test;

namespace {

api::answer fetch(api_world& w, const std::string& url, const std::string& more = "") {
  return w.ask("POST", "/v1/connections/nameplate/acme/fetch", R"({"url":")" + url + "\"" + more + "}");
}

bool says(const api::answer& a, const std::string& what) {
  INFO(a.status << ' ' << a.body);
  const bool found = a.body.find(what) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a fetch bears the connection's token, and shows the part that was wanted", "[api][fetch]") {
  api_world w;
  w.connected("acme");
  w.says["GET /things/a%20b?q=%26 "] = {http_answer(200, R"({"data":[{"name":"Zoë","echo":"old-token"}]})")};
  std::string seen;
  w.on_request = [&](const std::string& request) { seen = request; };

  const auto got = fetch(w, "https://api.nameplate.test/things/{{id}}?q={{q}}",
                         R"(,"variables":{"id":"a b","q":"&"},"select":"data.0.name")");

  CHECK(got.status == 200);
  CHECK(got.body == "{\"status\":200,\"selected\":\"Zoë\"}\n");
  CHECK(seen.find("Authorization: Bearer old-token") != std::string::npos);
  // The provider's echo of the token is blotted out.
  const auto whole =
      fetch(w, "https://api.nameplate.test/things/{{id}}?q={{q}}", R"(,"variables":{"id":"a b","q":"&"})");
  CHECK(whole.body.find("old-token") == std::string::npos);
  says(whole, "*********");
}

TEST_CASE("a fetch of a connection that is not authorized asks nobody", "[api][fetch]") {
  api_world w;
  w.add("acme");

  const auto got = fetch(w, "https://api.nameplate.test/me");

  CHECK(got.status == 409);
  says(got, "nameplate/acme is not authorized (unconfigured)");
  says(got, "koppelctl connection connect nameplate/acme");
  CHECK(w.server->requests().empty());
}

TEST_CASE("a fetch goes where the manifest allows, and follows nobody", "[api][fetch]") {
  api_world w;
  w.connected("acme");
  w.says["GET /me "] = {http_answer(302, "", "Location: http://127.0.0.1/latest\r\n")};

  for (const auto* url : {"https://api.nameplate.test/other", "https://login.nameplate.test/token",
                          "https://elsewhere.test/me", "http://api.nameplate.test/me", "https://127.0.0.1/me",
                          "https://api.nameplate.test/things/%2e%2e/me", "https://u:p@api.nameplate.test/me"}) {
    INFO(url);
    const auto got = fetch(w, url);
    CHECK(got.status == 422);
    says(got, "This request may not leave: ");
  }
  CHECK(w.server->requests().empty());
  const auto moved = fetch(w, "https://api.nameplate.test/me");
  CHECK(moved.status == 502);
  says(moved, "The provider answered 302, a redirect, which is not followed.");
  CHECK(w.server->requests().size() == 1);
}

TEST_CASE("what a provider refuses is told with its status and how it begins", "[api][fetch]") {
  api_world w;
  w.connected("acme");
  w.says["GET /me "] = {http_answer(404, "{\"error\":\"no\\u001b such\"}")};
  w.says["POST /things/1 "] = {http_answer(503, "busy"), http_answer(200, "{}")};

  const auto missing = fetch(w, "https://api.nameplate.test/me");
  CHECK(missing.status == 502);
  says(missing, "The provider answered 404. It says: ");
  // What changes something is sent once.
  const auto busy = fetch(w, "https://api.nameplate.test/things/1", R"(,"method":"POST","body":"{\"a\":\n1}")");
  CHECK(busy.status == 502);
  CHECK(w.requests_to("POST /things/1 ") == 1);
  CHECK(fetch(w, "https://api.nameplate.test/me?x={{y}}").status == 422);
  CHECK(fetch(w, "https://api.nameplate.test/me", R"(,"nonsense":1)").status == 400);
  CHECK(w.ask("POST", "/v1/connections/nameplate/nobody/fetch", R"({"url":"https://api.nameplate.test/me"})").status ==
        404);
}

TEST_CASE("connections are listed by their status", "[api][fetch]") {
  api_world w;
  w.add("idle");
  w.connected("acme");

  const auto listed = [&w](const std::string& status) {
    net::inbound_request r;
    r.method = "GET";
    r.path = "/v1/connections";
    r.query = {{"status", status}};
    return w.run(w.router(std::move(r)));
  };
  const auto usable = listed("authorized");

  CHECK(usable.status == 200);
  CHECK(usable.body.find("\"name\":\"acme\"") != std::string::npos);
  CHECK(usable.body.find("\"name\":\"idle\"") == std::string::npos);
  CHECK(listed("wonderful").status == 400);
}
