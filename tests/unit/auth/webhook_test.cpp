// SPDX-License-Identifier: Apache-2.0
// Keys that come by webhook, from the address to the connection's status. The provider is acted; the rest is real.

#include "host/auth/webhook_queue.hpp"
#include "host/core/fingerprint.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using state = ledger::webhook::state;
using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

const std::string refused_key = http_answer(400, R"({"error":"Parameter clientkey does not contain a valid value"})");

/// The small host with an app, a connection and the queue of what comes.
struct webhook_world : world {
  explicit webhook_world(webhook_queue::limits l = {}) {
    says = {{"POST /token", {grant("token", R"(,"expires_in":3600)")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
    c = add("acme", "coupler");
    write([&](ledger::transaction& tx) { address = tx.webhook_secret(c.app_id)->reveal(); });
    start_queue(l);
  }
  ~webhook_world() {
    queue->stop();
    test::run_until(io, [&] { return supervisor.names().find("webhooks") == std::string::npos; });
    queue.reset();
  }
  void start_queue(webhook_queue::limits l = {}) {
    queue.emplace(supervisor, *book, *host, *auth, clock, l);
    supervisor.run("webhooks", queue->work_off());
  }

  /// Makes a link; returns its reference.
  std::string link(confirmation::mode how = confirmation::mode::yes) {
    const auto started = run(auth->begin(c.id, {how, ""}, ""));
    if (!started) FAIL(started.error().detail);
    const auto at = started->link.find("referenceKey=") + 13;
    page = started->redirect_uri;
    return started->link.substr(at, started->link.find('&', at) - at);
  }
  made_link connect_link() {
    auto made = run(auth->make_link(c.id, {confirmation::mode::expect, "42"}, std::chrono::days{7}, ""));
    if (!made) FAIL(made.error().detail);
    return *made;
  }
  /// Presses its button; returns the reference that the customer takes to the provider.
  std::string pressed(const made_link& l) {
    click how{"https://koppel.example", "same-origin"};
    const auto sent_on = run(auth->follow_link(l.url.substr(l.url.rfind('/') + 1), std::move(how), "en"));
    const auto at = sent_on.location.find("referenceKey=");
    if (at == std::string::npos) FAIL(sent_on.html);
    const auto from = at + 13;
    const auto reference = sent_on.location.substr(from, sent_on.location.find('&', from) - from);
    page = "?ref=" + core::fingerprint(reference);
    return reference;
  }
  int post(const std::string& action, const std::string& reference, const std::string& key) {
    return run(queue->receive(
        "coupler", address,
        R"({"KoppelSleutel":")" + key + R"(","ActionType":")" + action + R"(","ReferenceKey":")" + reference + "\"}"));
  }
  std::vector<ledger::webhook> all() {
    std::vector<ledger::webhook> found;
    write([&](ledger::transaction& tx) { found = tx.webhooks(1000); });
    return found;
  }
  /// The newest, once none is pending.
  ledger::webhook settled() {
    std::vector<ledger::webhook> found;
    test::run_until(io, [&] {
      found = all();
      return std::none_of(found.begin(), found.end(), [](const auto& w) { return w.now == state::pending; });
    });
    return found.front();
  }
  landing shown(const std::string& more = "") {
    const auto ref = page.substr(page.find("ref=") + 4);
    std::vector<std::pair<std::string, std::string>> query{{"ref", ref}};
    if (!more.empty()) query.emplace_back("n", more);
    return run(auth->activated("coupler", query, "en"));
  }
  std::string stored_key() {
    std::string key;
    write([&](ledger::transaction& tx) {
      if (const auto pair = tx.find_credentials(c.id); pair && *pair) key = (*pair)->refresh_token.reveal();
    });
    return key;
  }

  ledger::connection c;
  std::string address, page;
  std::optional<webhook_queue> queue;
};

TEST_CASE("a key that comes by webhook connects, as one that is pasted does", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  CHECK(w.now(w.c).auth.status == core::auth_status::waiting);
  CHECK(w.shown().html.find("http-equiv=\"refresh\"") != std::string::npos);
  CHECK(w.shown("30").html.find("Nothing arrived") != std::string::npos);

  CHECK(w.post("Create", reference, "key-1") == 200);
  const auto done = w.settled();
  CHECK(done.now == state::done);
  CHECK(done.connection_id == w.c.id);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_key() == "key-1");
  CHECK(w.shown().html.find("Acme") != std::string::npos);
  CHECK(w.shown().html.find("refresh") == std::string::npos);

  // The same once more is known; another key needs another link.
  CHECK(w.post("Create", reference, "key-1") == 200);
  CHECK(w.settled().now == state::done);
  CHECK(w.post("Create", reference, "key-2") == 200);
  CHECK(w.settled().now == state::refused);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.stored_key() == "key-1");
}

TEST_CASE("an address that is none is answered alike, whatever is wrong with it", "[auth][webhook]") {
  webhook_world w;
  const std::string body = R"({"KoppelSleutel":"k","ActionType":"Create","ReferenceKey":"r"})";
  for (const auto& [provider, secret] :
       std::vector<std::pair<std::string, std::string>>{{"coupler", "x" + w.address.substr(1)},
                                                        {"coupler", w.address + "A"},
                                                        {"coupler", ""},
                                                        {"coupler", core::fingerprint(w.address)},
                                                        {"keyring", w.address},
                                                        {"nobody", w.address}})
    CHECK(w.run(w.queue->receive(provider, secret, body)) == 404);
  CHECK(w.all().empty());
  CHECK(w.run(w.queue->receive("coupler", w.address, body)) == 200);
}

TEST_CASE("a reference that belongs to another app's connection is nobody's", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  const auto other = w.add("other", "coupler");
  w.write([&](ledger::transaction& tx) { w.address = tx.webhook_secret(other.app_id)->reveal(); });
  CHECK(w.post("Create", reference, "key") == 200);
  CHECK(w.settled().now == state::unattributed);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(w.now(w.c).auth.status == core::auth_status::waiting);
}

TEST_CASE("a refused key leaves its link open, and the page says why", "[auth][webhook]") {
  webhook_world w;
  w.says["POST /token"] = {refused_key, grant("token")};
  const auto reference = w.link();
  CHECK(w.post("Create", reference, "forged") == 200);
  CHECK(w.settled().now == state::refused);
  CHECK(w.now(w.c).auth.reason == core::auth_reason::customer_key_invalid);
  CHECK(w.shown().html.find("Not connected") != std::string::npos);

  CHECK(w.post("Create", reference, "true") == 200);
  CHECK(w.settled().now == state::done);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a key whose link was too old when it came is not tried", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  w.clock.advance(std::chrono::minutes{31});
  CHECK(w.post("Create", reference, "key") == 200);
  CHECK(w.settled().now == state::refused);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(w.shown().status == 400);
}

TEST_CASE("a key that comes after its connect link was withdrawn is not tried", "[auth][webhook][link]") {
  webhook_world w;
  const auto mailed = w.connect_link();
  const auto reference = w.pressed(mailed);
  CHECK(w.shown().html.find("http-equiv=\"refresh\"") != std::string::npos);

  w.write([&](ledger::transaction& tx) { tx.mark_connect_link(mailed.id, core::link_state::revoked); });
  CHECK(w.post("Create", reference, "key-1") == 200);
  const auto refused = w.settled();
  CHECK(refused.now == state::refused);
  CHECK(refused.reason.find("withdrawn") != std::string::npos);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(w.now(w.c).auth.status == core::auth_status::waiting);
  CHECK(w.stored_key().empty());
  CHECK(w.shown().status == 400);
}

TEST_CASE("of two presses of a connect link's button only one brings a key", "[auth][webhook][link]") {
  webhook_world w;
  const auto mailed = w.connect_link();
  const auto first = w.pressed(mailed), second = w.pressed(mailed);
  CHECK(w.post("Create", first, "key-1") == 200);
  CHECK(w.settled().now == state::done);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);

  CHECK(w.post("Create", second, "key-2") == 200);
  CHECK(w.settled().now == state::refused);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(w.stored_key() == "key-1");
  CHECK(w.shown().status == 400);
}

TEST_CASE("a key that came while the provider was in trouble is tried again, also after its link's time",
          "[auth][webhook]") {
  webhook_world w;
  w.says["POST /token"] = {http_answer(503, "{}")};
  const auto reference = w.link();
  CHECK(w.post("Create", reference, "key") == 200);
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 1; });
  CHECK(w.shown("30").html.find("has arrived") != std::string::npos);

  // Another host, an hour later.
  w.queue->stop();
  test::run_until(w.io, [&] { return w.supervisor.names().find("webhook") == std::string::npos; });
  w.start_auth();
  w.clock.advance(std::chrono::hours{1});
  w.says["POST /token"] = {grant("token")};
  w.start_queue();
  CHECK(w.settled().now == state::done);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a key that nobody could prove within a day of trying is given up", "[auth][webhook]") {
  webhook_world w;
  w.says["POST /token"] = {http_answer(503, "{}")};
  const auto reference = w.link();
  CHECK(w.post("Create", reference, "key") == 200);
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 1; });
  w.queue->stop();
  test::run_until(w.io, [&] { return w.supervisor.names().find("webhook") == std::string::npos; });

  // A host that was down for longer tries anew, and gives the key a day.
  w.clock.advance(std::chrono::hours{25});
  w.start_queue();
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 2; });
  test::run_until(w.io, [&] { return w.supervisor.names().find("webhook ") == std::string::npos; });
  w.clock.advance(std::chrono::hours{25});
  CHECK(w.settled().now == state::refused);
  CHECK(w.requests_to("POST /token") == 3);
}

TEST_CASE("a new key that opens another account is refused, and the old one kept", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  w.post("Create", reference, "key-1");
  w.settled();
  w.says["GET /me"] = {nameplate_of("43", "Other")};
  w.post("Regenerate", reference, "key-2");
  const auto refused = w.settled();
  CHECK(refused.now == state::refused);
  CHECK(refused.outcome->reason == core::auth_reason::account_mismatch);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
  CHECK(w.now(w.c).pinned->id == "42");
  CHECK(w.stored_key() == "key-1");

  w.says["GET /me"] = {nameplate_of("42", "Acme")};
  w.post("Regenerate", reference, "key-3");
  CHECK(w.settled().now == state::done);
  CHECK(w.stored_key() == "key-3");
}

TEST_CASE("a new key heals a connection whose old one has died", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  w.post("Create", reference, "key-1");
  w.settled();
  w.says["POST /token"] = {refused_key};
  w.post("Delete", reference, "key-1");
  w.settled();
  CHECK(w.now(w.c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(w.c).auth.reason == core::auth_reason::customer_key_invalid);
  w.says["POST /token"] = {grant("token-2")};
  w.post("Regenerate", reference, "key-2");
  CHECK(w.settled().now == state::done);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a new key whose first one never came connects as a first one does", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link(confirmation::mode::ask);
  CHECK(w.post("Regenerate", reference, "key-2") == 200);
  CHECK(w.settled().now == state::done);
  CHECK(w.now(w.c).auth.status == core::auth_status::awaiting_confirmation);
  CHECK(w.stored_key() == "key-2");

  // The first one is over by now, should it come after all.
  CHECK(w.post("Create", reference, "key-1") == 200);
  CHECK(w.settled().now == state::refused);
  CHECK(w.stored_key() == "key-2");
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("what came while the plugin was away goes before what came when it was back", "[auth][webhook]") {
  webhook_queue::limits quick;
  quick.first_pause = quick.longest_pause = std::chrono::milliseconds{1};
  webhook_world w(quick);
  const auto reference = w.link();
  const auto plugin = w.root / "plugins" / "coupler.so", aside = w.root / "coupler.so";
  std::filesystem::rename(plugin, aside);
  REQUIRE(w.run(w.host->rescan()));
  CHECK(w.post("Create", reference, "key-1") == 200);
  w.io.run_for(std::chrono::milliseconds{30});  // it is looked at, and waits for its plugin

  std::filesystem::rename(aside, plugin);
  REQUIRE(w.run(w.host->rescan()));
  std::vector<std::string> tried;
  w.on_request = [&](const std::string& request) {
    if (const auto at = request.find("key-"); at != std::string::npos) tried.push_back(request.substr(at, 5));
  };
  // By the second key the first is over.
  w.says["POST /token"] = {refused_key, grant("token")};
  CHECK(w.post("Regenerate", reference, "key-2") == 200);
  w.io.run_for(std::chrono::milliseconds{30});
  CHECK(tried.empty());
  w.clock.advance(std::chrono::seconds{1});
  CHECK(w.settled().now == state::done);
  CHECK(tried == std::vector<std::string>{"key-1", "key-2"});
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_key() == "key-2");
}

TEST_CASE("only a provider that refuses the key makes a removal true", "[auth][webhook]") {
  webhook_world w;
  const auto reference = w.link();
  w.post("Create", reference, "key-1");
  w.settled();
  w.post("Delete", reference, "");
  CHECK(w.settled().reason.find("still takes the key") != std::string::npos);
  CHECK(w.now(w.c).auth.status == core::auth_status::authorized);
  const auto asked = w.requests_to("POST /token");
  w.post("Delete", reference, "key-of-yesterday");
  CHECK(w.settled().now == state::done);
  CHECK(w.requests_to("POST /token") == asked);
}

TEST_CASE("webhooks are bounded by what waits and by what is kept", "[auth][webhook]") {
  webhook_queue::limits few;
  few.pending = 3;
  few.kept = 5;
  webhook_world w(few);
  w.says["POST /token"] = {http_answer(503, "{}")};
  const auto reference = w.link();
  for (int i = 0; i < 3; ++i) CHECK(w.post("Create", reference, "key") == 200);
  CHECK(w.post("Create", reference, "key") == 503);
  CHECK(w.post("Delete", "another", "key") == 503);
  CHECK(w.all().size() == 3);
  for (int i = 0; i < 20; ++i) CHECK(w.run(w.queue->receive("coupler", w.address, "not json")) == 400);
  CHECK(w.all().size() <= 8);

  w.free_bytes = 0;
  test::run_until(w.io, [&] { return w.run(w.queue->receive("coupler", w.address, "not json")) == 503; });
}

}  // namespace
}  // namespace koppel::auth
