// SPDX-License-Identifier: Apache-2.0
// What a token endpoint may answer, and what becomes of it: the first half (1 to 20) of the list "E4 Provider answers"
// of the project's reliability notes, by number. Real bytes over a real socket; each row is one connection's first
// grant, or the renewal of one that works. Whatever comes, a connection that works goes on working, and nobody's memory
// grows.

#include "tests/support/peak_memory.hpp"
#include "world.hpp"

#include "host/core/auth_texts.hpp"
#include "host/core/oauth.hpp"

namespace koppel::auth {
namespace {

using core::auth_reason;
using core::auth_status;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::act;
using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

constexpr std::size_t most_memory = 24;  ///< MiB, of provider and host together

std::string page(int status, const std::string& type, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

/// Token calls have half a minute; here they are given up sooner.
class hurried final : public net::http_transport {
 public:
  hurried(net::http_transport& behind, milliseconds deadline) : behind_(behind), deadline_(deadline) {}
  runtime::awaitable<result<net::response>> send(net::request r, net::exchange_limits limits) override {
    limits.deadline = std::min(limits.deadline, deadline_);
    auto sending = behind_.send(std::move(r), std::move(limits));
    co_return co_await std::move(sending);
  }

 private:
  net::http_transport& behind_;
  milliseconds deadline_;
};

/// Takes the place of the world's way to the provider.
void reach_through(world& w, net::http_transport& way) {
  w.auth.emplace(w.supervisor, *w.book, way, *w.host, *w.provider, w.clock,
                 auth_service::options{"https://koppel.example"});
}

result<ledger::connection> pasted(world& w, const ledger::connection& c, const std::string& code) {
  return w.run(w.auth->paste(c.id, core::secret(code), {confirmation::mode::yes, ""}));
}

ledger::credentials stored(world& w, const ledger::connection& c) {
  ledger::credentials found;
  w.write([&](ledger::transaction& tx) {
    auto pair = tx.find_credentials(c.id);
    if (pair && *pair) found = std::move(**pair);
  });
  return found;
}

struct row {
  std::string name, answer;
  auth_reason reason = auth_reason::none;  ///< none: it connects
  std::string display = "Success";
  std::string provider_error{};
};

constexpr auto unclear = auth_reason::unclear;
const std::string no_reason = "Failed, reason unclear";

std::vector<row> grants() {
  const std::string token = R"({"access_token":"a","token_type":"Bearer")";
  std::vector<row> all{
      {"1 an empty 200", http_answer(200, ""), unclear, no_reason},
      {"2 a page of HTML with 200", page(200, "text/html", "<html>Sign in</html>"), unclear, no_reason},
      {"3 an array", http_answer(200, R"([{"access_token":"a"}])"), unclear, no_reason},
      {"4 an error with 200", http_answer(200, R"({"error":"invalid_grant"})"), auth_reason::code_refused,
       "Failed, authorization code refused", "invalid_grant"},
      {"4 an error beside a token", http_answer(200, token + R"(,"error":"interaction_required"})"), unclear, no_reason,
       "interaction_required"},
      {"5 400 without JSON", page(400, "text/plain", "Bad Request"), unclear, "Failed, Status code: BadRequest"},
      {"6 no token_type", http_answer(200, R"({"access_token":"a"})")},
      {"6 token_type mac", http_answer(200, R"({"access_token":"a","token_type":"mac"})"), unclear, no_reason},
      {"7 no access_token", http_answer(200, R"({"token_type":"Bearer"})"), unclear, no_reason},
      {"7 access_token null", http_answer(200, R"({"access_token":null})"), unclear, no_reason},
      {"7 access_token a number", http_answer(200, R"({"access_token":7})"), unclear, no_reason},
      {"7 access_token of 1 MiB", grant(std::string(1 << 20, 'a')), unclear, no_reason},
      {"7 access_token of 32 KiB, within the size of an answer", grant(std::string(32 << 10, 'a')), unclear, no_reason},
      {"7 access_token with a line break", http_answer(200, R"({"access_token":"a\r\nX: y"})"), unclear, no_reason},
      {"8 no refresh_token, where the manifest needs none", grant("a")},
      {"10 refresh_token empty", grant("a", R"(,"refresh_token":"")")},
      {"10 refresh_token null", grant("a", R"(,"refresh_token":null)")},
      {"13 access_token twice", http_answer(200, R"({"access_token":"a","access_token":"b"})"), unclear, no_reason},
      {"13 a key twice, further inside", http_answer(200, token + R"(,"x":{"k":1,"k":2}})"), unclear, no_reason},
      {"15 invalid_client with 401", http_answer(401, R"({"error":"invalid_client"})"), auth_reason::secret_wrong,
       "Failed, Status code: Unauthorized", "invalid_client"},
      {"15 invalid_client with 400", http_answer(400, R"({"error":"invalid_client"})"), auth_reason::secret_wrong,
       "Failed, Status code: BadRequest", "invalid_client"},
      {"17 503", page(503, "text/html", "<html>Maintenance</html>"), unclear,
       "Failed, Status code: ServiceUnavailable"},
      {"17 503 that speaks of the grant", http_answer(503, R"({"error":"invalid_grant"})"), unclear,
       "Failed, Status code: ServiceUnavailable", "invalid_grant"}};
  for (const int status : {302, 307, 308})
    all.push_back({"14 a redirect to another host with " + std::to_string(status),
                   http_answer(status, "", "Location: https://api.nameplate.test/token\r\n"), unclear, no_reason});
  for (const std::string asked : {"0", "-1", "1000000000", "Sat, 31 Jan 2026 11:00:00 GMT", "soon"})
    all.push_back({"16 Retry-After: " + asked, http_answer(429, "{}", "Retry-After: " + asked + "\r\n"), unclear,
                   "Failed, Status code: TooManyRequests"});
  return all;
}

TEST_CASE("a code's exchange survives whatever a token endpoint answers, E4 1-8 10 13-17", "[auth][E4]") {
  world w;
  int number = 0;
  for (const auto& r : grants()) {
    INFO(r.name);
    const test::peak_memory memory;
    const auto id = "c" + std::to_string(++number);
    w.says = {{"POST /token", {r.answer}}, {"GET /me", {nameplate_of("account-" + id, "Acme")}}};
    const auto c = w.add(id);
    const auto asked = w.server->requests().size();
    const auto after = pasted(w, c, "c0de-" + id);
    REQUIRE(after);
    CHECK(core::to_string(after->auth.reason) == core::to_string(r.reason));
    CHECK(core::display_of(after->auth) == r.display);
    CHECK(after->auth.provider_error == r.provider_error);
    CHECK(w.stored_token(c) == (r.reason == auth_reason::none ? "a" : ""));
    // Nothing was sent a second time, and a redirect led nowhere.
    CHECK(w.server->requests().size() - asked == (r.reason == auth_reason::none ? 2 : 1));
    CHECK(memory.grown_by() < most_memory);
  }
  for (const auto& e : w.events()) CHECK(e.find("c0de-") == std::string::npos);
}

TEST_CASE("a grant without a refresh token is refused where the manifest needs one, E4 8", "[auth][E4]") {
  core::auth_rules rules;
  rules.refresh_token_required = true;
  for (const auto* body : {R"({"access_token":"a"})", R"({"access_token":"a","refresh_token":""})",
                           R"({"access_token":"a","refresh_token":null})"}) {
    const auto read = core::read_token_answer(rules, "authorization_code", 200, body, "c0de");
    REQUIRE(std::holds_alternative<core::refusal>(read));
    CHECK(std::get<core::refusal>(read).provider_error == "no refresh token");
  }
}

TEST_CASE("a life that is no number of seconds is unknown, and the token is renewed on refusal, E4 11", "[auth][E4]") {
  world w;
  const std::vector<std::pair<std::string, std::optional<seconds>>> lives{{"", {}},
                                                                          {R"(,"expires_in":"3600")", seconds{3600}},
                                                                          {R"(,"expires_in":3600.5)", seconds{3600}},
                                                                          {R"(,"expires_in":0)", {}},
                                                                          {R"(,"expires_in":-1)", {}},
                                                                          {R"(,"expires_in":1e18)", {}}};
  int number = 0;
  for (const auto& [life, wanted] : lives) {
    INFO(life);
    const auto id = "c" + std::to_string(++number);
    w.says = {{"POST /token", {grant("a", life)}}, {"GET /me", {nameplate_of(id, "Acme")}}};
    const auto c = w.add(id);
    REQUIRE(pasted(w, c, "c0de-" + id));
    CHECK(w.now(c).auth.status == auth_status::authorized);
    const auto pair = stored(w, c);
    CHECK(pair.expires_at == (wanted ? std::optional(pair.obtained_at + *wanted) : std::nullopt));
  }
}

TEST_CASE("fewer scopes than asked for connect, and say what is missing, E4 12", "[auth][E4]") {
  world w;
  w.says = {{"POST /token", {grant("a", R"(,"scope":"contacts profile")")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "atlas", {{"host", "acme.my.atlas.test"}});
  REQUIRE(pasted(w, c, "c0de"));
  const auto after = w.now(c).auth;
  CHECK(after.status == auth_status::authorized);
  CHECK(after.reason == auth_reason::scope_missing);
  CHECK(after.scopes_missing == std::vector<std::string>{"companies"});
  CHECK(after.streams_affected == std::vector<std::string>{"companies"});
}

TEST_CASE("a refusal that echoes what was sent shows nothing of it, E4 18", "[auth][E4]") {
  world w;
  w.says = {{"POST /token",
             {http_answer(400, R"({"error":"bad code c0de-canary"})"),
              http_answer(400, R"({"error":"invalid_grant","error_description":"unknown code c0de-canary-2"})"),
              http_answer(400, R"({"error":"invalid_grant","error_description":"unknown token refresh-canary"})")}}};
  const auto fresh = w.add("fresh");
  const auto refused = pasted(w, fresh, "c0de-canary");
  REQUIRE(refused);
  CHECK(refused->auth.provider_error == "unreadable");
  const auto described = pasted(w, fresh, "c0de-canary-2");
  REQUIRE(described);
  CHECK(described->auth.provider_error == "invalid_grant");
  CHECK(described->auth.reason == auth_reason::code_refused);

  const auto works = w.connected("works", "7");
  w.store(works, "old", w.clock.now() - minutes{1}, "refresh-canary");
  w.provider->forget(works.id);
  const auto became = w.run(w.provider->renew(works.id, stored(w, works).generation, renewal_cause::expired));
  CHECK(became.detail.find("canary") == std::string::npos);
  CHECK(w.now(works).auth.reason == auth_reason::revoked);
  CHECK(w.now(works).auth.provider_error == "invalid_grant");
  for (const auto& e : w.events()) CHECK(e.find("canary") == std::string::npos);
}

/// A connection that works and whose access token is over.
ledger::connection expired(world& w, const std::string& name) {
  const auto c = w.connected(name, "account-" + name);
  w.store(c, "old", w.clock.now() - minutes{1}, "refresh-1");
  w.provider->forget(c.id);
  return c;
}

renewal renewed(world& w, const ledger::connection& c) {
  return w.run(w.provider->renew(c.id, stored(w, c).generation, renewal_cause::expired));
}

TEST_CASE("a renewal keeps the refresh token that the answer does not replace, E4 8 9 10", "[auth][E4]") {
  world w;
  int number = 0;
  for (const std::string more :
       {"", R"(,"refresh_token":"")", R"(,"refresh_token":null)", R"(,"refresh_token":"refresh-1")"}) {
    INFO(more);
    w.says = {{"POST /token", {grant("new", more)}}};
    const auto c = expired(w, "c" + std::to_string(++number));
    const auto before = stored(w, c).generation;
    CHECK(renewed(w, c).what == renewal::outcome::renewed);
    CHECK(stored(w, c).generation == before + 1);
    CHECK(stored(w, c).refresh_token.reveal() == "refresh-1");
    // The same one serves once more.
    CHECK(renewed(w, c).what == renewal::outcome::renewed);
  }
  CHECK(w.changes.empty());
}

TEST_CASE("what says nothing about a grant that works leaves it alone, E4 1-3 5-7 13 14 17", "[auth][E4]") {
  world w;
  int number = 0;
  for (const auto& r : grants()) {
    if (r.reason != unclear || r.name.starts_with("16")) continue;
    INFO(r.name);
    w.says = {{"POST /token", {r.answer}}, {"GET /me", {http_answer(401, "{}")}}};
    const auto c = expired(w, "c" + std::to_string(++number));
    CHECK(renewed(w, c).what == renewal::outcome::later);
    CHECK(w.now(c).auth.status == auth_status::authorized);
    CHECK(stored(w, c).access_token.reveal() == "old");
    // Nobody asks again at once.
    const auto asked = w.requests_to("POST /token");
    CHECK(renewed(w, c).what == renewal::outcome::later);
    CHECK(w.requests_to("POST /token") == asked);
  }
  CHECK(w.changes.empty());
}

TEST_CASE("whatever Retry-After says, the next try is neither at once nor after more than an hour, E4 16",
          "[auth][E4]") {
  world w;
  int number = 0;
  const std::vector<std::pair<std::string, seconds>> asked{
      {"0", seconds{1}},    {"-1", seconds{1}}, {"1000000000", hours{1}}, {"Sat, 31 Jan 2026 11:00:00 GMT", seconds{1}},
      {"soon", seconds{1}}, {"40", seconds{40}}};
  for (const auto& [said, at_least] : asked) {
    INFO(said);
    w.says = {{"POST /token", {http_answer(429, "{}", "Retry-After: " + said + "\r\n")}}};
    const auto c = expired(w, "c" + std::to_string(++number));
    const auto became = renewed(w, c);
    CHECK(became.what == renewal::outcome::later);
    CHECK(became.not_before >= w.clock.now() + at_least);
    CHECK(became.not_before <= w.clock.now() + hours{1});
    CHECK_FALSE(stored(w, c).intent);
  }
  CHECK(w.changes.empty());
}

TEST_CASE("a certificate that is not the provider's gets nothing, and uses no code up, E4 19", "[auth][E4]") {
  world w;
  const std::string login = "login.nameplate.test";
  const std::vector<std::pair<std::string, test::certificate>> wrong{
      {"expired", test::authority().issue({login, {login}, true})},
      {"of another host", test::authority().issue({login, {"login.evil.test"}, false})},
      {"self-signed", test::test_ca::self_signed({login, {login}, false})},
      {"with the name in the common name only", test::authority().issue({login, {}, false})}};
  const auto c = w.add("acme");
  for (const auto& [name, own] : wrong) {
    INFO(name);
    test::tls_server imposter(w.io, own, [](const std::string&) { return act{grant("stolen")}; });
    net::client_options options;
    options.routes = {{login, imposter.address(), (w.root / "ca.pem").string()}};
    const auto way = net::http_client::make(w.io.get_executor(), options);
    REQUIRE(way);
    reach_through(w, **way);
    const auto tried = pasted(w, c, "c0de");
    REQUIRE_FALSE(tried);
    CHECK(tried.error().code == errc::provider_unreachable);
    CHECK(imposter.requests().empty());
    CHECK(w.now(c).auth.status == auth_status::unconfigured);
    w.start_auth();  // before the way goes
  }
  w.says = {{"POST /token", {grant("a")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  REQUIRE(pasted(w, c, "c0de"));
  CHECK(w.now(c).auth.status == auth_status::authorized);
}

TEST_CASE("a token endpoint that hangs after its headers is waited for no longer than the deadline, E4 20",
          "[auth][E4]") {
  world w;
  test::tls_server slow(
      w.io, test::authority().issue({"login.nameplate.test", {"login.nameplate.test"}, false}), [](const std::string&) {
        return act{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"access_token\":", act::then::hang};
      });
  net::client_options options;
  options.routes = {{"login.nameplate.test", slow.address(), (w.root / "ca.pem").string()}};
  const auto way = net::http_client::make(w.io.get_executor(), options);
  REQUIRE(way);
  hurried short_of_time(**way, milliseconds{1000});
  reach_through(w, short_of_time);
  CHECK(net::limits::token_deadline == seconds{30});

  const auto c = w.add("fresh");
  const auto tried = pasted(w, c, "c0de");
  REQUIRE(tried);
  CHECK(core::display_of(tried->auth) == no_reason);
  // It may have been carried out: the same code is not sent again.
  const auto again = pasted(w, c, "c0de");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::code_used);

  const auto works = expired(w, "works");
  CHECK(renewed(w, works).what == renewal::outcome::later);
  CHECK(w.now(works).auth.status == auth_status::authorized);
  REQUIRE(stored(w, works).intent);
  CHECK(stored(w, works).intent->presented == 1);
  w.start_auth();
}

}  // namespace
}  // namespace koppel::auth
