// SPDX-License-Identifier: Apache-2.0
// Tokens that expire, are refused, or whose renewal is lost: what the provider sees, what is stored, what is said.

#include "world.hpp"

namespace koppel::auth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

const std::string dead_grant = http_answer(400, R"({"error":"invalid_grant"})");

/// Account 42; its access token "old" ended a minute ago.
ledger::connection expired(world& w, const std::string& name = "acme") {
  const auto c = w.connected(name);
  w.store(c, "old", w.clock.now() - minutes{1}, "refresh-1");
  w.provider->forget(c.id);
  return c;
}

ledger::credentials stored(world& w, const ledger::connection& c) {
  ledger::credentials found;
  w.write([&](ledger::transaction& tx) { found = std::move(**tx.find_credentials(c.id)); });
  return found;
}

runtime::awaitable<messages::reply> ask(world& w, const ledger::connection& c) {
  provider_client::context context;
  context.manifest = w.host->find("nameplate");
  context.connection_id = c.id;
  context.client_id = "client-" + c.name;
  context.account_id = "42";
  context.deadline = w.clock.now() + minutes{2};
  messages::http request;
  request.method = "GET";
  request.url = "https://api.nameplate.test/things/1";
  return w.provider->send(context, request);
}

std::size_t with(const world& w, const std::string& text) {
  std::size_t count = 0;
  for (const auto& r : w.server->requests()) count += r.find(text) != std::string::npos;
  return count;
}

TEST_CASE("an expired token is renewed before the request, and the new pair is stored first", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")")}},
            {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);
  const auto reply = w.run(ask(w, c));
  CHECK(reply.status == 200);
  CHECK(with(w, "Authorization: Bearer old") == 0);
  CHECK(with(w, "Authorization: Bearer new") == 1);
  const auto pair = stored(w, c);
  CHECK(pair.access_token.reveal() == "new");
  CHECK(pair.refresh_token.reveal() == "refresh-2");
  CHECK(pair.obtained_at == w.clock.now());
  CHECK(pair.expires_at == w.clock.now() + minutes{60});
  CHECK_FALSE(pair.intent);
  // A renewal is no event and no change.
  CHECK(w.events().empty());
  CHECK(w.changes.empty());
}

TEST_CASE("a hundred callers at one expiry make one renewal", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")")}},
            {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);
  std::size_t served = 0;
  for (int i = 0; i < 100; ++i)
    boost::asio::co_spawn(w.io, ask(w, c),
                          [&](std::exception_ptr, messages::reply reply) { served += reply.status == 200; });
  test::run_until(w.io, [&] { return served == 100; });
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a provider that gives no new refresh token means the old one", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {grant("new")}}, {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(stored(w, c).refresh_token.reveal() == "refresh-1");
  CHECK_FALSE(stored(w, c).expires_at);
}

TEST_CASE("a token that is refused is renewed once, and the request sent again", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"refresh_token":"refresh-2")")}},
            {"GET /things", {http_answer(401, "{}"), http_answer(200, "{}")}}};
  const auto c = w.connected("acme");
  w.store(c, "old", std::nullopt, "refresh-1");
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(w.requests_to("POST /token") == 1);

  w.says["GET /things"] = {http_answer(401, "{}")};
  const auto reply = w.run(ask(w, c));
  CHECK(reply.status == 401);
  CHECK(reply.error == "authorise_again");
  CHECK(w.requests_to("POST /token") == 2);
}

TEST_CASE("a grant that is dead needs a new one: one event, nothing deleted, nobody asked again", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {dead_grant}}};
  const auto c = expired(w);
  for (int i = 0; i < 3; ++i) {
    const auto reply = w.run(ask(w, c));
    CHECK(reply.error == "authorise_again");
    CHECK(reply.status == 0);
  }
  const auto now = w.now(c);
  CHECK(now.auth.status == core::auth_status::needs_reauth);
  CHECK(now.auth.reason == core::auth_reason::revoked);
  CHECK(now.auth.http_status == 400);
  CHECK(w.events().size() == 1);
  CHECK(w.requests_to("POST /token") == 1);
  CHECK(stored(w, c).refresh_token.reveal() == "refresh-1");
}

TEST_CASE("a wrong client secret is the settings' fault", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {http_answer(401, R"({"error":"invalid_client"})")}}};
  const auto c = expired(w);
  CHECK(w.run(ask(w, c)).error == "authorise_again");
  CHECK(w.now(c).auth.status == core::auth_status::misconfigured);
  CHECK(w.now(c).auth.reason == core::auth_reason::secret_wrong);
}

TEST_CASE("a refusal of a pair that was replaced meanwhile harms nobody", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {dead_grant}}, {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);
  w.server->hold();
  std::optional<messages::reply> reply;
  boost::asio::co_spawn(w.io, ask(w, c), [&](std::exception_ptr, messages::reply r) { reply = std::move(r); });
  test::run_until(w.io, [&] { return w.server->held() == 1; });
  w.store(c, "winner", w.clock.now() + minutes{60}, "refresh-winner");
  w.server->release();
  test::run_until(w.io, [&] { return reply.has_value(); });
  CHECK(reply->status == 200);
  CHECK(with(w, "Authorization: Bearer winner") == 1);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.events().empty());
}

TEST_CASE("a limit or a provider that cannot be reached postpones, and the status stays", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {http_answer(429, "{}", "Retry-After: 40\r\n"), grant("new")}},
            {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);
  for (int i = 0; i < 3; ++i) {
    const auto reply = w.run(ask(w, c));
    CHECK(reply.error == "try_again");
    CHECK(reply.detail.find("429") != std::string::npos);
  }
  CHECK(w.requests_to("POST /token") == 1);
  CHECK_FALSE(stored(w, c).intent);
  w.clock.advance(seconds{41});
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a lost answer: the access token is tried, then the refresh token once more", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {"", dead_grant}},
            {"GET /things", {http_answer(401, "{}")}},
            {"GET /me", {http_answer(401, "{}")}}};
  const auto c = w.connected("acme");
  w.store(c, "old", w.clock.now() + minutes{30}, "refresh-1");

  // The provider refuses the token, the renewal's answer is cut off.
  CHECK(w.run(ask(w, c)).error == "try_again");
  CHECK(stored(w, c).intent == core::refresh_intent{stored(w, c).generation, w.clock.now(), 1});
  CHECK(w.run(ask(w, c)).error == "try_again");
  CHECK(w.requests_to("POST /token") == 1);

  // A restart forgets nothing of it.
  w.start_auth();
  w.clock.advance(seconds{31});
  CHECK(w.run(ask(w, c)).error == "authorise_again");
  CHECK(with(w, "refresh_token=refresh-1") == 2);
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.now(c).auth.reason == core::auth_reason::refresh_outcome_unknown);
}

TEST_CASE("a lost answer while the access token works: it serves to its end, then comes the one retry",
          "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {"", grant("new", R"(,"refresh_token":"refresh-2")")}},
            {"GET /things", {http_answer(200, "{}")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.connected("acme");
  w.store(c, "old", w.clock.now() + minutes{4}, "refresh-1");
  const auto generation = stored(w, c).generation;
  const auto became = w.run(w.provider->renew(c.id, generation, renewal_cause::ahead));
  CHECK(became.what == renewal::outcome::later);
  CHECK(became.not_before == w.clock.now() + minutes{4});
  CHECK(w.requests_to("GET /me") == 1);
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(with(w, "Authorization: Bearer old") == 2);

  w.clock.advance(minutes{4});
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(with(w, "refresh_token=refresh-1") == 2);
  CHECK(stored(w, c).refresh_token.reveal() == "refresh-2");
  CHECK_FALSE(stored(w, c).intent);
}

TEST_CASE("with a full disk nothing is presented to the provider, and nobody has to connect again", "[auth][full]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")")}},
            {"GET /things", {http_answer(200, "{}")}}};
  const auto c = expired(w);

  w.free_bytes = 0;
  const auto reply = w.run(ask(w, c));
  CHECK(reply.error == "try_again");
  CHECK(reply.detail.find("no room on the disk") != std::string::npos);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK_FALSE(stored(w, c).intent);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);

  w.free_bytes = 1 << 30;
  w.clock.advance(seconds{2});
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a disk that is full when the answer comes loses no pair and no refusal", "[auth][full]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")"), dead_grant}},
            {"GET /things", {http_answer(200, "{}")}}};
  const auto renewed = expired(w), refused = [&] {
    const auto c = w.connected("dead", "43");
    w.store(c, "dead", w.clock.now() - minutes{1}, "refresh-3");
    w.provider->forget(c.id);
    return c;
  }();
  w.on_request = [&w](const std::string& request) {
    if (request.starts_with("POST /token")) w.free_bytes = 0;
  };

  CHECK(w.run(ask(w, renewed)).status == 200);
  CHECK(stored(w, renewed).refresh_token.reveal() == "refresh-2");
  w.free_bytes = 1 << 30;
  CHECK(w.run(ask(w, refused)).error == "authorise_again");
  CHECK(w.now(refused).auth.status == core::auth_status::needs_reauth);
}

TEST_CASE("without a refresh token, an access token that is over says so", "[auth][renewal]") {
  world w;
  const auto c = w.connected("acme");
  w.store(c, "old", w.clock.now() - minutes{1});
  const auto reply = w.run(ask(w, c));
  CHECK(reply.error == "authorise_again");
  CHECK(reply.detail.find("gave none to renew it with") != std::string::npos);
  CHECK(w.requests_to("POST /token") == 0);
}

TEST_CASE("tokens are renewed ahead of their end, with nobody asking", "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")")}}};
  const auto c = w.connected("acme");
  w.store(c, "old", w.clock.now() + minutes{60}, "refresh-1");
  const auto waiting = w.add("not-authorized");
  w.store(waiting, "other", w.clock.now() + minutes{60}, "refresh-other");
  w.supervisor.run("fresh", w.auth->keep_tokens_fresh());
  w.run(runtime::sleep_for(std::chrono::milliseconds{50}));
  CHECK(w.requests_to("POST /token") == 0);

  w.clock.advance(minutes{56});
  test::run_until(w.io, [&] { return w.stored_token(c) == "new"; });
  w.run(runtime::sleep_for(std::chrono::milliseconds{50}));
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a renewal without an answer is brought to its end with nobody asking, after a restart as well",
          "[auth][renewal]") {
  world w;
  w.says = {{"POST /token", {"", dead_grant}}, {"GET /me", {http_answer(401, "{}")}}};
  const auto c = w.connected("acme");
  w.store(c, "old", w.clock.now() + minutes{60}, "refresh-1");
  const auto generation = stored(w, c).generation;
  CHECK(w.run(w.provider->renew(c.id, generation, renewal_cause::refused)).what == renewal::outcome::later);
  w.start_auth();
  w.supervisor.run("fresh", w.auth->keep_tokens_fresh());
  test::run_until(w.io, [&] { return w.requests_to("GET /me") == 1; });
  CHECK(w.requests_to("POST /token") == 1);
  w.clock.advance(seconds{31});
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 2; });
  test::run_until(w.io, [&] { return !w.changes.empty(); });
  CHECK(w.changes == std::vector<std::string>{"needs_reauth"});
}

TEST_CASE("many tokens that end at once are renewed at the rate that is allowed, and all of them", "[auth][renewal]") {
  constexpr std::size_t many = 1000, allowed = 250;
  world w;
  w.says = {{"POST /token", {grant("new", R"(,"expires_in":3600,"refresh_token":"refresh-2")")}}};
  w.write([&](ledger::transaction& tx) {
    ledger::app a;
    a.provider = "bystander";
    a.name = "main";
    a.client_id = "client";
    const auto app = tx.insert_app(a, core::secret("secret-canary"));
    for (std::size_t i = 0; i < many; ++i) {
      ledger::connection c;
      c.provider = "bystander";
      c.name = "c" + std::to_string(i);
      c.app_id = app->id;
      c = *tx.insert_connection(c);
      c.auth.status = core::auth_status::authorized;
      ledger::credentials pair;
      pair.access_token = core::secret("old");
      pair.refresh_token = core::secret("refresh-1");
      pair.expires_at = tx.now() - minutes{1};
      if (!tx.update_connection(c) || !tx.store_credentials(c.id, pair, 0)) FAIL("not stored");
    }
  });
  w.supervisor.run("fresh", w.auth->keep_tokens_fresh());

  // The host's clock goes with the real one here; how many requests had come is noted as it goes.
  std::vector<std::size_t> seen;
  const auto slice = std::chrono::milliseconds{20};
  auto before = std::chrono::steady_clock::now();
  const auto end = before + seconds{60};
  w.io.restart();
  while (w.requests_to("POST /token") < many && before < end) {
    w.io.run_for(slice);
    const auto now = std::chrono::steady_clock::now();
    w.clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(now - before));
    before = now;
    seen.push_back(w.server->requests().size());
  }

  CHECK(w.requests_to("POST /token") == many);
  // In no second more than two windows' edges can hold: slices may be late, never early.
  const auto slices = static_cast<std::size_t>(seconds{1} / slice);
  for (std::size_t i = slices; i < seen.size(); ++i) CHECK(seen[i] - seen[i - slices] <= allowed + allowed / 10);
  CHECK(seen.size() >= (many / allowed - 1) * slices * 8 / 10);
}

}  // namespace
}  // namespace koppel::auth
