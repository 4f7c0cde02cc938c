// SPDX-License-Identifier: Apache-2.0
// From a link to a status, through the whole shell.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "world.hpp"

namespace koppel::auth {
namespace {

using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

confirmation yes() { return {confirmation::mode::yes, ""}; }

/// One parameter of a link.
std::string parameter(const std::string& link, std::string_view name) {
  const auto url = boost::urls::parse_uri(link);
  REQUIRE(url);
  const auto found = url->params().find(name);
  return found == url->params().end() ? std::string() : std::string((*found).value);
}

started_attempt begun(world& w, const ledger::connection& c, confirmation how = yes(), std::string redirect = "") {
  auto started = w.run(w.auth->begin(c.id, how, std::move(redirect)));
  if (!started) FAIL(started.error().detail);
  return *started;
}

landing called_back(world& w, const std::string& state, const std::string& code, const std::string& at = "nameplate") {
  std::vector<std::pair<std::string, std::string>> query{{"code", code}, {"state", state}};
  return w.run(w.auth->callback(at, query, "nl-BE,nl;q=0.9,en;q=0.5"));
}

result<ledger::connection> pasted(world& w, const ledger::connection& c, const std::string& text,
                                  confirmation how = yes()) {
  return w.run(w.auth->paste(c.id, core::secret(text), how));
}

std::string body_of(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }

TEST_CASE("a callback connects the account: exchange, probe, pinned, stored, published", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("token-canary", R"(,"expires_in":3600,"refresh_token":"refresh-canary")")}},
            {"GET /me", {nameplate_of("42", "Acme <BVBA>")}}};
  const auto c = w.add("acme");

  const auto started = begun(w, c);
  CHECK(started.own_callback);
  CHECK(started.redirect_uri == "https://koppel.example/callback/nameplate");
  CHECK(started.expires_at == w.clock.now() + std::chrono::hours{1});
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
  const auto state = parameter(started.link, "state");
  CHECK(state.size() == 43);
  const auto page = called_back(w, state, "code-canary");

  CHECK(page.status == 200);
  CHECK(page.html.find("<html lang=\"nl\">") != std::string::npos);
  CHECK(page.html.find("<b>Acme &lt;BVBA&gt;</b> (Nameplate) is verbonden") != std::string::npos);
  const auto after = w.now(c);
  CHECK(after.auth.status == core::auth_status::authorized);
  REQUIRE(after.pinned);
  CHECK(after.pinned->id == "42");
  CHECK(after.learned.at("seen") == "yes");
  CHECK(after.learned.at("asked_in") == "eu");  // nobody set it: the default of the manifest
  CHECK(w.stored_token(c) == "token-canary");
  CHECK(w.changes == std::vector<std::string>{"waiting", "authorized"});

  // The exchange bore what the link promised.
  REQUIRE(w.requests_to("POST /token") == 1);
  const auto body = body_of(w.server->requests().at(0));
  CHECK(body.find("code=code-canary&redirect_uri=https%3A%2F%2Fkoppel.example%2Fcallback%2Fnameplate&code_verifier=") !=
        std::string::npos);
  CHECK(body.find("client_id=client-acme&client_secret=secret-canary") != std::string::npos);
  CHECK(parameter(started.link, "code_challenge_method") == "S256");
  CHECK(w.server->requests().at(1).find("Authorization: Bearer token-canary\r\n") != std::string::npos);

  const auto events = w.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].find(R"("status":"waiting")") != std::string::npos);
  CHECK(events[1].find(R"("display":"Success")") != std::string::npos);
  for (const auto& e : events) CHECK(e.find("canary") == std::string::npos);
}

TEST_CASE("with a full disk no code is sent, and the link and the code stay good", "[auth][full]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme"), bare = w.add("bare");
  const auto state = parameter(begun(w, c).link, "state");

  w.free_bytes = 0;
  CHECK(called_back(w, state, "code-1").status == 503);
  const auto refused = pasted(w, bare, "code-2", yes());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ledger::errc::disk_full);
  CHECK(w.requests_to("POST /token") == 0);

  w.free_bytes = 1 << 30;
  w.on_request = [&w](const std::string& request) {
    if (request.starts_with("POST /token")) w.free_bytes = 0;
  };
  CHECK(called_back(w, state, "code-1").status == 200);
  CHECK(w.stored_token(c) == "t");
  w.free_bytes = 1 << 30;
  w.says["GET /me"] = {nameplate_of("43", "Other")};
  CHECK(pasted(w, bare, "code-2", yes()).has_value());
}

TEST_CASE("of two callbacks with one state, one exchanges and the other is turned away", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");

  std::vector<int> pages;
  for (int i = 0; i < 2; ++i) {
    std::vector<std::pair<std::string, std::string>> query{{"code", "c" + std::to_string(i)}, {"state", state}};
    boost::asio::co_spawn(w.io, w.auth->callback("nameplate", query, "en"),
                          [&](std::exception_ptr, landing l) { pages.push_back(l.status); });
  }
  test::run_until(w.io, [&] { return pages.size() == 2; });

  std::sort(pages.begin(), pages.end());
  CHECK(pages == std::vector<int>{200, 400});
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a state of one provider at another's callback makes no exchange and is burnt", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");

  CHECK(called_back(w, state, "code", "bystander").status == 400);
  CHECK(called_back(w, state, "code").status == 400);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
}

TEST_CASE("a state that is missing, unknown, or older than an hour makes no exchange", "[auth][shell]") {
  world w;
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");
  CHECK(called_back(w, "", "code").status == 400);
  CHECK(called_back(w, state + "x", "code").status == 400);
  auto other_case = state;
  for (auto& letter : other_case) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  CHECK(called_back(w, other_case, "code").status == 400);
  w.clock.advance(std::chrono::hours{1});
  CHECK(called_back(w, state, "code").status == 400);
  CHECK(w.requests_to("POST /token") == 0);
}

TEST_CASE("access that was denied is said on the page and in the status", "[auth][shell]") {
  world w;
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");
  std::vector<std::pair<std::string, std::string>> query{{"error", "access_denied"}, {"state", state}};
  const auto page = w.run(w.auth->callback("nameplate", query, "fr"));
  CHECK(page.status == 200);
  CHECK(page.html.find("Failed, access denied") != std::string::npos);
  CHECK(w.now(c).auth.reason == core::auth_reason::access_denied);
}

TEST_CASE("an unknown account waits for a confirmation, yes pins it, no throws the credentials away", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  for (const bool accept : {true, false}) {
    const auto c = w.add(accept ? "acme" : "other");
    const auto page = called_back(w, parameter(begun(w, c, {}).link, "state"), accept ? "c1" : "c2");
    CHECK(page.html.find("bevestigt") != std::string::npos);
    CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
    CHECK(w.stored_token(c) == "t");

    const auto done = w.run(w.auth->confirm(c.id, accept, ""));
    REQUIRE(done);
    CHECK(done->auth.status == (accept ? core::auth_status::authorized : core::auth_status::needs_reauth));
    CHECK(w.now(c).pinned.has_value() == accept);
    CHECK(w.stored_token(c) == (accept ? "t" : ""));
    const auto again = w.run(w.auth->confirm(c.id, accept, ""));
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::not_possible);
    w.write([&](ledger::transaction& tx) { REQUIRE(tx.remove_connection(c.id, false)); });
  }
}

TEST_CASE("a refused code is a status, the link stays good for the next code", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {http_answer(400, R"({"error":"invalid_grant"})"), grant("t")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  begun(w, c, yes(), "https://app.example/pasted");

  const auto refused = pasted(w, c, " late-code \n");
  REQUIRE(refused);
  CHECK(refused->auth.status == core::auth_status::needs_reauth);
  CHECK(refused->auth.reason == core::auth_reason::code_refused);
  CHECK(refused->auth.http_status == 400);
  CHECK(w.events().back().find(R"("display":"Failed, Status code: BadRequest")") != std::string::npos);

  const auto again = pasted(w, c, "late-code");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::code_used);
  CHECK(w.requests_to("POST /token") == 1);

  const auto good = pasted(w, c, "fresh-code");
  REQUIRE(good);
  CHECK(good->auth.status == core::auth_status::authorized);
  CHECK(body_of(w.server->requests().at(1)).find("redirect_uri=https%3A%2F%2Fapp.example%2Fpasted&code_verifier=") !=
        std::string::npos);
}

TEST_CASE("a code of a hand-made link is exchanged with the address of the manual, without a verifier",
          "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  const auto done = pasted(w, c, "https://app.example/?code=abc%2Fd");
  REQUIRE(done);
  CHECK(done->auth.status == core::auth_status::authorized);
  const auto body = body_of(w.server->requests().at(0));
  CHECK(body.find("code=abc%2Fd&redirect_uri=https%3A%2F%2Fapp.example%2F&client_id") != std::string::npos);
}

TEST_CASE("a state that is pasted has to be this connection's, and another's is left alone", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto mine = w.add("mine"), theirs = w.add("theirs");
  const auto state = parameter(begun(w, theirs).link, "state");
  const auto refused = pasted(w, mine, "https://app.example/?code=abc&state=" + state);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unknown_state);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(pasted(w, theirs, "https://app.example/?code=abc&state=" + state));
}

TEST_CASE("a provider that cannot be reached uses nothing up", "[auth][shell]") {
  world w(false);
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");
  for (int i = 0; i < 2; ++i) {
    const auto done = pasted(w, c, "https://koppel.example/callback/nameplate?code=code-canary&state=" + state);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::provider_unreachable);
    CHECK(done.error().detail.find("canary") == std::string::npos);
  }
  const auto page = called_back(w, state, "code-canary");
  CHECK(page.status == 503);
  CHECK(page.html.find("laad deze pagina") != std::string::npos);
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
}

TEST_CASE("an answer that never came whole is unclear, and is not asked for again", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {"HTTP/1.1 200 OK\r\nContent-Length: zzz\r\n\r\n"}}};
  const auto c = w.add("acme");
  const auto done = pasted(w, c, "abc");
  REQUIRE(done);
  CHECK(done->auth.reason == core::auth_reason::unclear);
  CHECK_FALSE(done->auth.http_status);
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a redirect of the token endpoint is not followed", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {http_answer(307, "", "Location: https://api.nameplate.test/me\r\n")}}};
  const auto done = pasted(w, w.add("acme"), "abc");
  REQUIRE(done);
  CHECK(done->auth.reason == core::auth_reason::unclear);
  CHECK(w.server->requests().size() == 1);
}

TEST_CASE("a grant that nobody can name an account for is kept, unused, and asked about at the next start",
          "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {http_answer(403, "{}")}}};
  const auto c = w.add("acme");
  const auto done = pasted(w, c, "abc");
  REQUIRE(done);
  CHECK(done->auth.reason == core::auth_reason::unclear);
  CHECK(w.now(c).auth.status == core::auth_status::needs_reauth);
  CHECK(w.stored_token(c) == "t");

  w.says["GET /me"] = {nameplate_of("42", "Acme")};
  w.start_auth();
  w.resume_until(c, core::auth_status::authorized);
}

TEST_CASE("a code that is refused while the connection works is told to whoever waits, and to nobody else",
          "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {http_answer(400, R"({"error":"invalid_grant"})")}}};
  const auto c = w.connected("acme");
  std::vector<std::string> told;
  w.auth->on_refusal = [&](const ledger::connection& r) { told.emplace_back(core::to_string(r.auth.reason)); };
  called_back(w, parameter(begun(w, c).link, "state"), "code");
  CHECK(told == std::vector<std::string>{"code_refused"});
  CHECK(w.changes.empty());
  CHECK(w.events().empty());
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a provider in trouble after the exchange loses nobody's grant", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {http_answer(503, "")}}};
  const auto c = w.add("acme");
  const auto done = pasted(w, c, "abc");
  REQUIRE(done);
  CHECK(done->auth.status == core::auth_status::waiting);
  CHECK(w.stored_token(c) == "t");

  // Asked again by itself, and at the next start; the answer that was given ahead still counts.
  w.says["GET /me"] = {nameplate_of("42", "Acme")};
  w.start_auth();
  w.resume_until(c, core::auth_status::authorized);
  CHECK(w.stored_token(c) == "t");
}

TEST_CASE("a grant that came back while nobody can be asked whose it is has arrived, and is told so", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {http_answer(503, "")}}};
  const auto c = w.add("acme");
  const auto page = called_back(w, parameter(begun(w, c).link, "state"), "code");
  CHECK(page.status == 200);
  CHECK(page.html.find("Uw toegang is aangekomen, maar Nameplate kan nu niet zeggen") != std::string::npos);
  CHECK(page.html.find("Niet verbonden") == std::string::npos);
  CHECK(page.html.find("<a href") == std::string::npos);
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
  CHECK(w.stored_token(c) == "t");
}

TEST_CASE("a refusal that settings have to be mended for is offered no link that would be refused again",
          "[auth][shell]") {
  world w;
  const auto c = w.add("acme");
  const auto state = parameter(begun(w, c).link, "state");
  std::vector<std::pair<std::string, std::string>> query{{"error", "invalid_scope"}, {"state", state}};
  const auto page = w.run(w.auth->callback("nameplate", query, "en"));
  CHECK(page.html.find("Nameplate refuses the scopes") != std::string::npos);
  CHECK(page.html.find("Try again") == std::string::npos);
  CHECK_FALSE(w.auth->open_link(c.id));
  CHECK(w.now(c).auth.reason == core::auth_reason::access_denied);
}

TEST_CASE("a confirmation is of the account that was shown", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  REQUIRE(pasted(w, c, "abc", {}));
  const auto other = w.run(w.auth->confirm(c.id, true, "99"));
  REQUIRE_FALSE(other);
  CHECK(other.error().detail.find("another account") != std::string::npos);
  CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
  const auto same = w.run(w.auth->confirm(c.id, true, "42"));
  REQUIRE(same);
  CHECK(same->auth.status == core::auth_status::authorized);
}

TEST_CASE("another account than the pinned one is refused, and the old tokens stay", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("new-token")}}, {"GET /me", {nameplate_of("43", "Other")}}};
  const auto c = w.connected("acme");
  const auto done = pasted(w, c, "abc");
  REQUIRE(done);
  CHECK(done->auth.reason == core::auth_reason::account_mismatch);
  CHECK(w.now(c).auth == c.auth);
  CHECK(w.stored_token(c) == "old-token");
  CHECK(w.events().empty());
}

TEST_CASE("the pinned account may come back with new tokens", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("new-token")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.connected("acme");
  const auto done = pasted(w, c, "abc", {});
  REQUIRE(done);
  CHECK(done->auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "new-token");
}

TEST_CASE("an account that another connection has is refused", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  w.connected("first");
  const auto second = w.add("second");
  const auto done = pasted(w, second, "abc");
  REQUIRE(done);
  CHECK(done->auth.reason == core::auth_reason::account_in_use);
  CHECK(w.stored_token(second).empty());
}

TEST_CASE("a code that was sent finds its way to a status, though the caller went away", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  w.server->hold();
  boost::asio::cancellation_signal gone;
  bool ended = false;
  boost::asio::co_spawn(w.io, w.auth->paste(c.id, core::secret("abc"), yes()),
                        boost::asio::bind_cancellation_slot(
                            gone.slot(), [&](std::exception_ptr, result<ledger::connection>) { ended = true; }));
  test::run_until(w.io, [&] { return w.server->held() == 1; });

  gone.emit(boost::asio::cancellation_type::terminal);
  w.server->release();
  test::run_until(w.io, [&] { return ended; });

  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.stored_token(c) == "t");
}

TEST_CASE("a connection that is removed while its code is exchanged keeps nothing", "[auth][shell]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme");
  w.server->hold();
  std::optional<result<ledger::connection>> done;
  boost::asio::co_spawn(w.io, w.auth->paste(c.id, core::secret("abc"), yes()),
                        [&](std::exception_ptr, result<ledger::connection> r) { done.emplace(std::move(r)); });
  test::run_until(w.io, [&] { return w.server->held() == 1; });
  w.write([&](ledger::transaction& tx) { REQUIRE(tx.remove_connection(c.id, false)); });
  w.server->release();
  test::run_until(w.io, [&] { return done.has_value(); });
  REQUIRE_FALSE(*done);
  CHECK(done->error().code == ledger::errc::not_found);
  CHECK(w.stored_token(c).empty());
}

}  // namespace
}  // namespace koppel::auth
