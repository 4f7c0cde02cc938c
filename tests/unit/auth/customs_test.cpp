// SPDX-License-Identifier: Apache-2.0
// Providers with customs of their own: keys instead of codes, headers of their own, data centres, hosts per customer.

#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

result<ledger::connection> pasted(world& w, const ledger::connection& c, const std::string& text) {
  return w.run(w.auth->paste(c.id, core::secret(text), {confirmation::mode::yes, ""}));
}

/// What a sync of this connection would be answered.
messages::reply asked_who(world& w, const ledger::connection& c) {
  provider_client::context context;
  context.manifest = w.host->find("keyring");
  context.connection_id = c.id;
  messages::http request;
  request.method = "GET";
  request.url = "https://api.nameplate.test/me";
  return w.run(w.provider->send(context, request));
}

const std::string key = "dXNlcjpwYXNz+d29yZA/==";

TEST_CASE("a pasted key connects, and is presented again for each access token", "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant("first-token", R"(,"expires_in":100)"), grant("second-token")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "keyring");
  const auto after = pasted(w, c, " " + key + "\n");
  REQUIRE(after);
  CHECK(after->auth.status == core::auth_status::authorized);

  const auto& asked = w.server->requests();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].ends_with("\r\n\r\ngrant_type=clientkey&clientkey=dXNlcjpwYXNz%2Bd29yZA%2F%3D%3D"));
  CHECK(asked[1].find("x-session: first-token\r\n") != std::string::npos);
  CHECK(asked[1].find("x-subscription: secret-canary\r\n") != std::string::npos);
  CHECK(asked[1].find("Authorization") == std::string::npos);

  w.clock.advance(std::chrono::seconds{101});
  const auto reply = asked_who(w, c);
  CHECK(reply.error.empty());
  CHECK(w.requests_to("POST /token") == 2);
  CHECK(asked[2].ends_with("clientkey=dXNlcjpwYXNz%2Bd29yZA%2F%3D%3D"));
  CHECK(asked[3].find("x-session: second-token\r\n") != std::string::npos);
}

TEST_CASE("a key that is refused says so, and may be pasted again", "[auth][customs]") {
  world w;
  const auto refusal = R"({"error":"Parameter clientkey does not contain a valid value"})";
  w.says = {{"POST /token", {http_answer(400, refusal), grant("token")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "keyring");
  const auto refused = pasted(w, c, key);
  REQUIRE(refused);
  CHECK(refused->auth.reason == core::auth_reason::customer_key_invalid);
  CHECK(refused->auth.status == core::auth_status::needs_reauth);
  const auto accepted = pasted(w, c, key);
  REQUIRE(accepted);
  CHECK(accepted->auth.status == core::auth_status::authorized);
}

TEST_CASE("a provider in trouble says nothing about a key, and no link is made for one", "[auth][customs]") {
  world w;
  const auto c = w.add("acme", "keyring");
  for (const auto& answer : {http_answer(503, "{}"), http_answer(200, R"({"error":"Access Denied"})"), std::string()}) {
    w.says = {{"POST /token", {answer}}};
    const auto tried = pasted(w, c, key);
    REQUIRE_FALSE(tried);
    CHECK(tried.error().code == errc::provider_unreachable);
    CHECK(tried.error().detail.find("same key") != std::string::npos);
    CHECK(w.now(c).auth.status == core::auth_status::unconfigured);
  }
  const auto link = w.run(w.auth->begin(c.id, {}, ""));
  REQUIRE_FALSE(link);
  CHECK(link.error().detail.find("paste the key") != std::string::npos);
}

TEST_CASE("the app's own key that is refused is the operator's trouble, and harms no grant", "[auth][customs]") {
  world w;
  const auto denied =
      http_answer(401, R"({"statusCode":401,"message":"Access denied due to invalid subscription key."})");
  w.says = {{"POST /token", {grant("token")}}, {"GET /me", {denied}}};
  const auto c = w.add("acme", "keyring");
  const auto refused = pasted(w, c, key);
  REQUIRE(refused);
  CHECK(refused->auth.reason == core::auth_reason::partner_key_invalid);
  CHECK(refused->auth.status == core::auth_status::misconfigured);
  CHECK(w.requests_to("POST /token") == 1);  // a newer token would not help
  CHECK(w.stored_token(c) == "token");

  // The operator replaces the app's key.
  w.says["GET /me"] = {nameplate_of("42", "Acme")};
  w.write([&](ledger::transaction& tx) {
    auth_service::question_refused_grants(tx, c.app_id);
    if (!tx.update_app_secret(c.app_id, core::secret("new-key"))) FAIL("not updated");
  });
  w.run_void(w.auth->app_changed(c.app_id));
  test::run_until(w.io, [&] { return w.now(c).auth.status == core::auth_status::authorized; });
  CHECK(w.server->requests().back().find("x-subscription: new-key\r\n") != std::string::npos);
}

TEST_CASE("an app's key that dies later moves each of its connections once", "[auth][customs]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, R"({"message":"invalid subscription key"})")}}};
  const auto c = w.connected("acme", "42", "keyring");
  for (int time = 1; time <= 2; ++time) {
    const auto reply = asked_who(w, c);
    CHECK(reply.error == "bad_settings");
    CHECK(reply.detail.find("koppelctl app set-secret") != std::string::npos);
  }
  test::run_until(w.io, [&] { return !w.changes.empty(); });
  CHECK(w.now(c).auth.status == core::auth_status::misconfigured);
  CHECK(w.now(c).auth.reason == core::auth_reason::partner_key_invalid);
  CHECK(w.changes == std::vector<std::string>{"misconfigured"});
  CHECK(w.stored_token(c) == "old-token");
}

TEST_CASE("a 401 that the manifest knows as another trouble reaches the plugin, and renews nothing",
          "[auth][customs]") {
  world w;
  w.says = {{"GET /me", {http_answer(401, R"({"code":"SCOPE_MISMATCH"})")}}, {"POST /token", {grant("new")}}};
  const auto c = w.connected("acme", "42", "keyring");
  w.store(c, "token", {}, key);
  const auto reply = asked_who(w, c);
  CHECK(reply.error.empty());
  CHECK(reply.status == 401);
  CHECK(w.requests_to("POST /token") == 0);
}

TEST_CASE("a token that is over in the provider's own words is renewed, whatever the status", "[auth][customs]") {
  world w;
  w.says = {{"GET /me", {http_answer(200, R"({"error":"You are not logged in"})"), nameplate_of("42", "Acme")}},
            {"POST /token", {grant("newer")}}};
  const auto c = w.connected("acme", "42", "keyring");
  w.store(c, "token", {}, key);
  const auto reply = asked_who(w, c);
  CHECK(reply.error.empty());
  CHECK(reply.body.find("Acme") != std::string::npos);
  CHECK(w.requests_to("POST /token") == 1);
}

// ---- data centres, and hosts per customer

std::vector<std::pair<std::string, std::string>> redirect(const std::string& state, const std::string& location,
                                                          const std::string& server) {
  return {{"state", state}, {"code", "c0de"}, {"location", location}, {"accounts-server", server}};
}

std::string state_of(const std::string& link) {
  const auto at = link.find("state=") + 6;
  return link.substr(at, link.find('&', at) - at);
}

TEST_CASE("the redirect chooses the data centre, for the exchange, the probe and every renewal", "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant("token", R"(,"expires_in":100,"refresh_token":"r")"), grant("newer")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto started = w.run(w.auth->begin(c.id, {confirmation::mode::yes, ""}, ""));
  REQUIRE(started);
  CHECK(started->link.starts_with("https://acme.my.atlas.test/authorize?"));
  const auto page = w.run(
      w.auth->callback("atlas", redirect(state_of(started->link), "eu", "https://login.eu.nameplate.test"), "en"));
  CHECK(page.status == 200);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  const auto& asked = w.server->requests();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].find("Host: login.eu.nameplate.test\r\n") != std::string::npos);
  CHECK(asked[1].find("Host: api.eu.nameplate.test\r\n") != std::string::npos);

  w.clock.advance(std::chrono::seconds{101});
  w.start_auth();
  const auto became = w.run(w.provider->renew(c.id, 1, renewal_cause::expired));
  CHECK(became.what == renewal::outcome::renewed);
  CHECK(asked.back().find("Host: login.eu.nameplate.test\r\n") != std::string::npos);
}

TEST_CASE("each data centre is shown its own secret, where the app has one for it", "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant("token", R"(,"expires_in":100,"refresh_token":"r")"), grant("newer")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  w.write([&](ledger::transaction& tx) {
    if (!tx.update_regional_secret(c.app_id, "eu", core::secret("secret-of-eu"))) FAIL("not stored");
    CHECK(tx.find_app(c.app_id)->secret_regions == std::vector<std::string>{"eu"});
    CHECK(tx.client_secret(c.app_id, "us")->reveal() == "secret-canary");
    // They are of this client id: another one has none, and finds them again when it is put back.
    auto app = *tx.find_app(c.app_id);
    const auto own = std::exchange(app.client_id, "another");
    if (!tx.update_app(app)) FAIL("not stored");
    CHECK(tx.client_secret(c.app_id, "eu")->reveal() == "secret-canary");
    app.client_id = own;
    if (!tx.update_app(app)) FAIL("not stored");
    CHECK(tx.client_secret(c.app_id, "eu")->reveal() == "secret-of-eu");
  });
  REQUIRE(pasted(w, c, "https://app.example/?code=c0de&location=eu&accounts-server=https://login.eu.nameplate.test"));
  CHECK(w.server->requests()[0].find("client_secret=secret-of-eu") != std::string::npos);
  w.clock.advance(std::chrono::seconds{101});
  CHECK(w.run(w.provider->renew(c.id, 1, renewal_cause::expired)).what == renewal::outcome::renewed);
  CHECK(w.server->requests().back().find("client_secret=secret-of-eu") != std::string::npos);

  const auto other = w.add("globex", "atlas", {{"host", "acme.my.atlas.test"}});
  w.says["GET /me"] = {nameplate_of("43", "Globex")};
  REQUIRE(pasted(w, other, "bare-c0de"));
  CHECK(w.server->requests()[3].find("Host: login.nameplate.test\r\n") != std::string::npos);
  CHECK(w.server->requests()[3].find("client_secret=secret-canary") != std::string::npos);
}

TEST_CASE("a bare code goes to the data centre that is named with it, if there is one of that name",
          "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant("token")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto paste = [&](const std::string& text, const std::string& region) {
    return w.run(w.auth->paste(c.id, core::secret(text), {confirmation::mode::yes, ""}, {}, region));
  };
  const auto unknown = paste("c0de", "mars");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().detail == "Atlas has no data centre of this name; it has: us, eu.");
  CHECK(w.server->requests().empty());
  REQUIRE(paste("c0de", "eu"));
  CHECK(w.server->requests()[0].find("Host: login.eu.nameplate.test\r\n") != std::string::npos);
  CHECK(w.server->requests()[1].find("Host: api.eu.nameplate.test\r\n") != std::string::npos);
  // What the redirect says is the provider's word.
  REQUIRE(paste("https://app.example/?code=c0de-2&location=us", "eu"));
  CHECK(w.server->requests()[2].find("Host: login.nameplate.test\r\n") != std::string::npos);
}

TEST_CASE("a redirect names no host of its own: no secret goes where the manifest does not", "[auth][customs]") {
  world w;
  struct place {
    std::string location, server;
  };
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  for (const auto& p : {place{"eu", "https://evil.example"}, place{"xx", "https://login.eu.nameplate.test"},
                        place{"us", "https://login.eu.nameplate.test"}}) {
    const auto started = w.run(w.auth->begin(c.id, {confirmation::mode::yes, ""}, ""));
    REQUIRE(started);
    CHECK(w.now(c).auth.status == core::auth_status::waiting);
    w.run(w.auth->callback("atlas", redirect(state_of(started->link), p.location, p.server), "en"));
    CHECK(w.now(c).auth.reason == core::auth_reason::wrong_data_centre);
    CHECK(w.server->requests().empty());
  }
}

/// A pair that names its API host.
std::string grant_at(const std::string& domain, const std::string& access = "token") {
  return grant(access, R"(,"expires_in":100,"refresh_token":"r","api_domain":"https://)" + domain + "\"");
}

/// The hosts of the requests that were for the API, in order.
std::vector<std::string> api_hosts(world& w) {
  std::vector<std::string> hosts;
  for (const auto& request : w.server->requests()) {
    if (!request.starts_with("GET /me")) continue;
    const auto at = request.find("Host: ") + 6;
    hosts.push_back(request.substr(at, request.find("\r\n", at) - at));
  }
  return hosts;
}

messages::reply asked_who_of_atlas(world& w, const ledger::connection& c) {
  provider_client::context context;
  const auto stored = w.now(c);
  context.manifest = core::manifest_for(w.host->find("atlas"), stored.settings, stored.learned);
  context.connection_id = c.id;
  messages::http request;
  request.method = "GET";
  request.url = "https://" + core::region_values(context.manifest->auth, stored.learned).at("api") + "/me";
  return w.run(w.provider->send(context, request));
}

TEST_CASE("a token answer names the data centre or the sandbox by one of the manifest's hosts", "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant_at("api.eu.nameplate.test")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  REQUIRE(pasted(w, c, "c0de"));
  CHECK(api_hosts(w) == std::vector<std::string>{"api.eu.nameplate.test"});

  w.says["POST /token"] = {grant_at("sandbox.eu.nameplate.test")};
  w.says["GET /me"] = {nameplate_of("43", "Globex, trial")};
  const auto other = w.add("globex", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto after = pasted(w, other, "another-c0de");
  REQUIRE(after);
  CHECK(after->auth.status == core::auth_status::authorized);
  CHECK(api_hosts(w).back() == "sandbox.eu.nameplate.test");
  // After a restart, too, and at the token endpoint that both have.
  w.start_auth();
  w.clock.advance(std::chrono::seconds{101});
  w.says["POST /token"] = {grant("newer")};
  CHECK(asked_who_of_atlas(w, other).error.empty());
  CHECK(api_hosts(w).back() == "sandbox.eu.nameplate.test");
  CHECK(w.stored_token(other) == "newer");
}

TEST_CASE("a token for a host that the manifest does not have is shown to nobody, and a grant that works stays",
          "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {grant_at("preview.nameplate.test")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto refused = pasted(w, c, "c0de");
  REQUIRE(refused);
  CHECK(refused->auth.status == core::auth_status::misconfigured);
  CHECK(refused->auth.reason == core::auth_reason::wrong_data_centre);
  CHECK(api_hosts(w).empty());
  CHECK(w.stored_token(c).empty());

  w.says["POST /token"] = {grant_at("api.nameplate.test", "good"), grant_at("preview.nameplate.test", "bad")};
  REQUIRE(pasted(w, c, "second-c0de"));
  const auto again = pasted(w, c, "third-c0de");
  REQUIRE(again);
  CHECK(again->auth.reason == core::auth_reason::wrong_data_centre);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "good");
  CHECK(api_hosts(w) == std::vector<std::string>{"api.nameplate.test"});
}

TEST_CASE("a renewal says where the account lives now", "[auth][customs]") {
  world w;
  w.says = {{"POST /token",
             {grant_at("api.nameplate.test"), grant_at("sandbox.eu.nameplate.test", "moved"),
              grant_at("preview.nameplate.test", "lost")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  REQUIRE(pasted(w, c, "c0de"));
  w.clock.advance(std::chrono::seconds{101});
  CHECK(w.run(w.provider->renew(c.id, 1, renewal_cause::expired)).what == renewal::outcome::renewed);
  CHECK(asked_who_of_atlas(w, c).error.empty());
  CHECK(api_hosts(w) == std::vector<std::string>{"api.nameplate.test", "sandbox.eu.nameplate.test"});

  w.clock.advance(std::chrono::seconds{101});
  CHECK(w.run(w.provider->renew(c.id, 2, renewal_cause::expired)).what == renewal::outcome::impossible);
  CHECK(w.now(c).auth.status == core::auth_status::misconfigured);
  CHECK(w.now(c).auth.reason == core::auth_reason::wrong_data_centre);
  CHECK(w.stored_token(c) == "lost");  // nobody else has it
  CHECK(w.server->requests().back().find("Host: login.eu.nameplate.test") != std::string::npos);
}

// ---- a provider that was asked too often

TEST_CASE("a code that met the throttle asks for patience and then for a new code, and a grant that works stays",
          "[auth][customs]") {
  world w;
  const auto busy = http_answer(200, R"({"error_description":"You have made too many requests continuously.",)"
                                     R"("error":"Access Denied","status":"failure"})");
  w.says = {{"POST /token", {busy, grant_at("api.nameplate.test", "good"), busy}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto waits = pasted(w, c, "c0de");
  REQUIRE(waits);
  CHECK(waits->auth.status == core::auth_status::needs_reauth);
  CHECK(waits->auth.reason == core::auth_reason::throttled);
  CHECK(w.now(c).auth.throttled == core::throttling{std::chrono::seconds{600}, false});  // as it is stored
  const auto told = w.events().back();
  for (const auto* part :
       {R"("display":"Failed, too many requests")", R"("action":"wait")", R"("action_by":"customer")",
        "Wait 10 minutes. Only then open the link again", R"("provider_error":"Access Denied")"}) {
    INFO(part);
    CHECK(told.find(part) != std::string::npos);
  }
  // The next link outlives the wait.
  CHECK(w.auth->open_link(c.id));

  REQUIRE(pasted(w, c, "second-c0de"));
  const auto count = w.events().size();
  const auto again = pasted(w, c, "third-c0de");
  REQUIRE(again);
  CHECK(again->auth.reason == core::auth_reason::throttled);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "good");
  CHECK(w.events().size() == count);
}

TEST_CASE("a code that met the throttle and lives on is sent once more when the wait is over", "[auth][customs]") {
  world w;
  w.says = {{"POST /token", {http_answer(400, R"({"error":"slow_down"})"), grant("token")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  const auto started = w.run(w.auth->begin(c.id, {confirmation::mode::yes, ""}, ""));
  REQUIRE(started);
  const std::vector<std::pair<std::string, std::string>> back{{"state", state_of(started->link)}, {"code", "c0de"}};
  CHECK(w.run(w.auth->callback("nameplate", back, "en")).html.find("Then try again with the same code") !=
        std::string::npos);
  CHECK(w.now(c).auth.reason == core::auth_reason::throttled);
  CHECK(w.now(c).auth.throttled == core::throttling{std::chrono::seconds{300}, true});
  CHECK(core::display_of(w.now(c).auth) == "Failed, Status code: BadRequest");
  w.clock.advance(std::chrono::seconds{300});
  CHECK(w.run(w.auth->callback("nameplate", back, "en")).status == 200);  // the page is loaded again
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.requests_to("POST /token") == 2);
}

TEST_CASE("a redirect of another customer's host is refused before anybody is asked", "[auth][customs]") {
  world w;
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  const auto other = pasted(w, c, "https://app.example/?code=c0de&domain=globex&lane=my");
  REQUIRE(other);
  CHECK(other->auth.reason == core::auth_reason::wrong_data_centre);
  CHECK(w.server->requests().empty());
  const auto incomplete = pasted(w, c, "https://app.example/?code=c0de&domain=globex");
  CHECK(w.requests_to("POST /token") == 1);  // half of it proves nothing
}

TEST_CASE("a connection without the setting that an address needs says which", "[auth][customs]") {
  world w;
  const auto c = w.add("acme", "atlas");
  const auto link = w.run(w.auth->begin(c.id, {}, ""));
  REQUIRE_FALSE(link);
  CHECK(link.error().detail.find("needs the setting \"host\"") != std::string::npos);
}

}  // namespace
}  // namespace koppel::auth
