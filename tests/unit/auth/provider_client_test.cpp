// SPDX-License-Identifier: Apache-2.0
// What goes out with a connection's credentials, and what comes back to a plugin.

#include "host/core/connection_manifest.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using test::http_answer;
using test::world;

messages::http get(const std::string& path, messages::header_list headers = {}) {
  messages::http h;
  h.method = "GET";
  h.url = "https://api.nameplate.test" + path;
  h.headers = std::move(headers);
  return h;
}

messages::reply sent(world& w, const ledger::connection& c, messages::http request,
                     std::chrono::seconds limit = std::chrono::seconds{30}) {
  provider_client::context context;
  context.manifest = w.host->find("nameplate");
  context.connection_id = c.id;
  context.client_id = "client";
  context.account_id = "42";
  context.deadline = w.clock.now() + limit;
  return w.run(w.provider->send(context, std::move(request)));
}

TEST_CASE("only what the manifest declares goes out", "[auth][provider]") {
  world w;
  const auto c = w.connected("acme");
  std::vector<messages::http> refused{get("/other"), get("/me/../other"), get("/me"), get("/me"), get("/me")};
  refused[2].url = "http://api.nameplate.test/me";
  refused[3].url = "https://login.nameplate.test/token";
  refused[4].method = "DELETE";
  for (const auto* header :
       {"Authorization", "cookie", "HOST", "Content-Length", "Transfer-Encoding", "Proxy-Authorization"})
    refused.push_back(get("/me", {{header, "x"}}));
  for (const auto& request : refused) {
    INFO(request.url);
    const auto reply = sent(w, c, request);
    CHECK(reply.error == "bug");
    CHECK_FALSE(reply.detail.empty());
  }
  CHECK(w.server->requests().empty());
}

TEST_CASE("the token goes out in its header, and nothing secret comes back", "[auth][provider]") {
  world w;
  w.says = {{"GET /me",
             {http_answer(200, R"({"echo":"Bearer old-token"})",
                          "Set-Cookie: a=b\r\nWWW-Authenticate: x\r\nX-Echo: old-token\r\nX-Kept: y\r\n")}}};
  const auto reply = sent(w, w.connected("acme"), get("/me", {{"X-Api-Version", "7"}}));
  CHECK(reply.error.empty());
  CHECK(reply.status == 200);
  CHECK(reply.body == R"({"echo":"Bearer *********"})");
  for (const auto& [name, value] : reply.headers) {
    CHECK(name != "set-cookie");
    CHECK(name != "www-authenticate");
    CHECK(value.find("old-token") == std::string::npos);
  }
  REQUIRE(w.server->requests().size() == 1);
  const auto& out = w.server->requests()[0];
  CHECK(out.find("Authorization: Bearer old-token\r\n") != std::string::npos);
  CHECK(out.find("X-Api-Version: 7\r\n") != std::string::npos);
}

TEST_CASE("a token goes where the settings lead that it belongs to, and nowhere else", "[auth][provider]") {
  world w;
  w.says = {{"GET /me", {http_answer(200, "{}")}}};
  const std::map<std::string, std::string> here{{"host", "acme.my.atlas.test"}}, there{{"host", "evil.my.atlas.test"}};
  const auto c = w.add("acme", "atlas", here);
  w.store(c, "old-token");
  const auto asked = [&](const std::map<std::string, std::string>& made_with) {
    provider_client::context context;
    context.manifest = core::manifest_for(w.host->find("atlas"), made_with, {});
    context.connection_id = c.id;
    context.deadline = w.clock.now() + std::chrono::seconds{30};
    return w.run(w.provider->send(std::move(context), get("/me"))).error;
  };
  const auto now_has = [&](const std::map<std::string, std::string>& settings) {
    w.write([&](ledger::transaction& tx) {
      auto changed = *tx.find_connection(c.id);
      changed.settings = settings;
      if (!tx.update_connection(changed)) FAIL("not updated");
    });
  };
  CHECK(asked(here).empty());
  // A request of settings that were undone before it came to be sent.
  CHECK(asked(there) == "try_again");
  {
    // A trial: the ledger says where it leads, and the token belongs to what was there before.
    const auto trial = w.provider->keep_to(c.id, here);
    now_has(there);
    CHECK(asked(there) == "try_again");
    CHECK(asked(here).empty());
  }
  CHECK(asked(there).empty());
  CHECK(asked(here) == "try_again");
  CHECK(w.requests_to("GET /me") == 3);
}

TEST_CASE("a 401 is handed back at once, with what to do", "[auth][provider]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, "{}")}}};
  const auto reply = sent(w, w.connected("acme"), get("/me?token=canary"));
  CHECK(reply.status == 401);
  CHECK(reply.error == "authorise_again");
  CHECK(reply.detail == "Nameplate answered 401 to GET api.nameplate.test/me");
  CHECK(w.server->requests().size() == 1);
}

TEST_CASE("what passes is tried again, what does not is the plugin's to understand", "[auth][provider]") {
  world w;
  w.says = {{"GET /me", {http_answer(503, ""), http_answer(502, ""), http_answer(200, "{}")}},
            {"GET /things/1", {http_answer(404, "{}")}}};
  const auto c = w.connected("acme");
  CHECK(sent(w, c, get("/me")).status == 200);
  CHECK(w.requests_to("GET /me") == 3);
  const auto missing = sent(w, c, get("/things/1"));
  CHECK(missing.status == 404);
  CHECK(missing.error.empty());
  CHECK(w.requests_to("GET /things/1") == 1);
}

TEST_CASE("a cached token is used until it is forgotten", "[auth][provider]") {
  world w;
  w.says = {{"GET /me", {http_answer(200, "{}")}}};
  const auto c = w.connected("acme");
  sent(w, c, get("/me"));
  w.store(c, "new-token");
  sent(w, c, get("/me"));
  w.provider->forget(c.id);
  sent(w, c, get("/me"));
  REQUIRE(w.server->requests().size() == 3);
  CHECK(w.server->requests()[1].find("Bearer old-token") != std::string::npos);
  CHECK(w.server->requests()[2].find("Bearer new-token") != std::string::npos);
}

TEST_CASE("a limit that is used up beyond the job's time ends the job until later", "[auth][provider]") {
  world w;
  w.says = {{"GET /me", {http_answer(200, "{}")}}};
  const auto c = w.connected("acme");
  for (int i = 0; i < 100; ++i) REQUIRE(sent(w, c, get("/me")).status == 200);
  const auto reply = sent(w, c, get("/me"));
  CHECK(reply.error == "try_again");
  CHECK(reply.detail.find("limit of Nameplate") != std::string::npos);
  CHECK(w.server->requests().size() == 100);
  w.clock.advance(std::chrono::seconds{61});
  CHECK(sent(w, c, get("/me")).status == 200);
}

}  // namespace
}  // namespace koppel::auth
