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

TEST_CASE("a secret that is mended while the former one is being refused costs no connection", "[auth][renewal]") {
  world w;
  const auto c = expired(w);
  w.says = {{"POST /token", {http_answer(401, R"({"error":"invalid_client"})"), grant("new")}},
            {"GET /things", {http_answer(200, "{}")}}};
  w.on_request = [&](const std::string& request) {
    if (request.find("client_secret=secret-canary") == std::string::npos) return;
    w.write([&](ledger::transaction& tx) {
      auth_service::question_refused_grants(tx, c.app_id);
      if (!tx.update_app_secret(c.app_id, core::secret("mended"))) FAIL("not updated");
    });
  };
  CHECK(w.run(ask(w, c)).error == "try_again");
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  w.clock.advance(seconds{2});
  CHECK(w.run(ask(w, c)).status == 200);
  CHECK(with(w, "client_secret=mended") == 1);
  CHECK(w.changes.empty());
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
  w.clock.advance(seconds{36});
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
  w.clock.advance(seconds{36});
  test::run_until(w.io, [&] { return w.requests_to("POST /token") == 2; });
  test::run_until(w.io, [&] { return !w.changes.empty(); });
  CHECK(w.changes == std::vector<std::string>{"needs_reauth"});
}

/// Answers each request for tokens a moment later, and remembers when it was asked, by the host's clock.
class quick_provider final : public net::http_transport {
 public:
  explicit quick_provider(const runtime::clock& clock) : clock_(clock) {}
  runtime::awaitable<result<net::response>> send(net::request, net::exchange_limits) override {
    asked.push_back(clock_.now());
    co_await runtime::sleep_for(std::chrono::milliseconds{2});
    net::response answer;
    answer.status = 200;
    answer.headers = {{"content-type", "application/json"}};
    answer.body = R"({"token_type":"Bearer","access_token":"new","expires_in":3600,"refresh_token":"refresh-2"})";
    co_return answer;
  }
  std::vector<core::instant> asked;

 private:
  const runtime::clock& clock_;
};

TEST_CASE("many tokens that end at once are renewed at the rate that is allowed, and all of them", "[auth][renewal]") {
  constexpr std::size_t many = 5000, allowed = 1000;
  world w;
  // Without sockets and TLS: this is about how the host spreads its requests.
  quick_provider everybody(w.clock);
  w.auth.reset();
  w.provider.emplace(everybody, *w.book, w.clock, [] { return 0.0; });
  w.auth.emplace(w.supervisor, *w.book, everybody, *w.host, *w.provider, w.clock, auth_service::options{""});
  std::vector<std::string> ids;
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
      ids.push_back(c.id);
    }
  });
  w.supervisor.run("fresh", w.auth->keep_tokens_fresh());
  const auto at_rest = w.supervisor.running();

  // The host's clock goes with the real one here, in steps.
  auto before = std::chrono::steady_clock::now();
  const auto begin = w.clock.now();
  const auto end = before + seconds{90};
  const auto all_fresh = [&] { return w.supervisor.running() == at_rest && everybody.asked.size() >= many; };
  w.io.restart();
  while (!all_fresh() && before < end) {
    w.io.run_for(std::chrono::milliseconds{5});
    const auto now = std::chrono::steady_clock::now();
    w.clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(now - before));
    before = now;
  }

  const auto& asked = everybody.asked;
  REQUIRE(asked.size() == many);
  const auto early = [&](std::size_t i) { return asked[i] - asked[i - allowed] < seconds{1}; };
  std::size_t too_early = 0;
  for (std::size_t i = allowed; i < many; ++i) too_early += early(i);
  CHECK(too_early == 0);
  CHECK(asked.back() - begin >= seconds{many / allowed - 1});
  std::size_t fresh = 0;
  w.write([&](ledger::transaction& tx) {
    for (const auto& id : ids) {
      const auto pair = tx.find_credentials(id);
      fresh += pair && *pair && (*pair)->access_token.reveal() == "new" && !(*pair)->intent;
    }
  });
  CHECK(fresh == many);
}

}  // namespace
}  // namespace koppel::auth
