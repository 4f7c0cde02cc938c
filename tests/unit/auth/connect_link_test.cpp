// SPDX-License-Identifier: Apache-2.0
// A connect link from its making to the account, through the whole shell.

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "host/core/fingerprint.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using std::chrono::days;
using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

const std::string us = "https://koppel.example";

std::string state_of(const std::string& link) {
  const auto url = boost::urls::parse_uri(link);
  REQUIRE(url);
  const auto found = url->params().find("state");
  return found == url->params().end() ? std::string() : std::string((*found).value);
}

made_link made(world& w, const ledger::connection& c, confirmation how = {}, days life = days{7}) {
  auto link = w.run(w.auth->make_link(c.id, std::move(how), life, ""));
  if (!link) FAIL(link.error().detail);
  REQUIRE(link->url.starts_with(us + "/connect/"));
  return *link;
}

std::string secret_of(const made_link& l) { return l.url.substr(us.size() + 9); }

landing looked_at(world& w, const made_link& l, const std::string& language = "en") {
  return w.run(w.auth->show_link(secret_of(l), language));
}

landing pressed(world& w, const made_link& l, click how = {us, "same-origin"}) {
  return w.run(w.auth->follow_link(secret_of(l), std::move(how), "en"));
}

/// What the browser sends back of what it was told to keep.
std::string kept(const landing& l) { return l.cookie.substr(0, l.cookie.find(';')); }

landing came_back(world& w, const landing& pressed_before, const std::string& code, const std::string& cookies) {
  std::vector<std::pair<std::string, std::string>> query{{"code", code}, {"state", state_of(pressed_before.location)}};
  return w.run(w.auth->callback("nameplate", query, "en", cookies));
}

bool shows(const landing& l, const std::string& words) { return l.html.find(words) != std::string::npos; }

std::string state_in_ledger(world& w, const made_link& l) {
  std::string state;
  w.write([&](ledger::transaction& tx) { state = core::to_string(tx.find_connect_link(l.id)->state); });
  return state;
}

/// A provider that knows account 42.
void let_in(world& w) {
  w.says = {{"POST /token", {grant("token-canary", R"(,"expires_in":3600,"refresh_token":"refresh-canary")")}},
            {"GET /me", {nameplate_of("42", "Acme <BVBA>")}}};
}

TEST_CASE("a link is looked at without being used up, and connects the account it expects", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  CHECK(link.expires_at == w.clock.now() + days{7});
  CHECK(secret_of(link).size() == 43);

  for (const auto* language : {"nl-BE", "fr", "en", "nl"}) CHECK(looked_at(w, link, language).status == 200);
  CHECK(shows(looked_at(w, link, "nl"), "Toegang geven tot Nameplate"));
  CHECK(shows(looked_at(w, link, "fr"), "<html lang=\"fr\">"));
  CHECK(w.now(c).auth.status == core::auth_status::unconfigured);

  const auto sent_on = pressed(w, link);
  CHECK(sent_on.status == 303);
  CHECK(sent_on.location.starts_with("https://login.nameplate.test/"));
  CHECK(sent_on.cookie.find("; Secure") != std::string::npos);
  const auto page = came_back(w, sent_on, "code", kept(sent_on));

  CHECK(page.status == 200);
  CHECK(shows(page, "<b>Acme &lt;BVBA&gt;</b> (Nameplate) is connected"));
  CHECK_FALSE(shows(page, "Try again"));
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(state_in_ledger(w, link) == "used");
  // Whoever opens it once more reads who is connected, and begins nothing.
  CHECK(shows(looked_at(w, link), "is connected"));
  CHECK(pressed(w, link).location.empty());
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a link of a connection that names its provider itself says whom it leads to", "[auth][link]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {http_answer(503, "")}}};
  std::map<std::string, std::string> settings{{"authorization_url", "https://login.eu.nameplate.test/authorize"},
                                              {"token_url", "https://login.nameplate.test/token"},
                                              {"service", "Acme <CRM>"}};
  const auto c = w.add("named", "chooser", settings);
  settings.erase("service");
  const auto nameless = w.add("nameless", "chooser", settings);
  const auto link = made(w, c), other = made(w, nameless);

  CHECK(shows(looked_at(w, link), "Give access to Acme &lt;CRM&gt;"));
  CHECK(shows(looked_at(w, link, "nl"), "De knop leidt naar login.eu.nameplate.test."));
  CHECK(shows(looked_at(w, other), "Give access to login.eu.nameplate.test"));
  CHECK_FALSE(shows(looked_at(w, other), "The button leads to"));

  // Nobody can say yet whose account it is: there is nothing to try again, and the link stays good.
  const auto sent_on = pressed(w, link);
  std::vector<std::pair<std::string, std::string>> query{{"code", "c0de"}, {"state", state_of(sent_on.location)}};
  const auto page = w.run(w.auth->callback("chooser", query, "en", kept(sent_on)));
  CHECK(shows(page, "Your access has arrived, but Acme &lt;CRM&gt; cannot say yet"));
  CHECK_FALSE(shows(page, "Try again"));
  CHECK(state_in_ledger(w, link) == "given");
}

TEST_CASE("an account that came by a link waits for somebody to confirm its name", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c);
  const auto sent_on = pressed(w, link);

  const auto page = came_back(w, sent_on, "code", kept(sent_on));

  CHECK(shows(page, "Nearly done"));
  CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
  CHECK(state_in_ledger(w, link) == "used");
  REQUIRE(w.run(w.auth->confirm(c.id, true, "42")));
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
}

TEST_CASE("a flow that comes back to another browser never activates by itself", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto of_the_one = pressed(w, link), of_the_other = pressed(w, link);

  CHECK(came_back(w, of_the_one, "code", kept(of_the_other)).status == 200);

  CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
}

TEST_CASE("another account than the expected one is refused in another browser too", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "43"});

  CHECK(shows(came_back(w, pressed(w, link), "code", ""), "Not connected"));

  CHECK(w.now(c).auth.reason == core::auth_reason::account_mismatch);
  CHECK(w.stored_token(c).empty());
  CHECK(state_in_ledger(w, link) == "open");
}

TEST_CASE("a code that was refused is no dead end: the same link offers another try", "[auth][link]") {
  world w;
  let_in(w);
  w.says["POST /token"].insert(w.says["POST /token"].begin(), http_answer(400, R"({"error":"invalid_grant"})"));
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto first = pressed(w, link);

  const auto refused = came_back(w, first, "old", kept(first));

  CHECK(shows(refused, "Not connected"));
  CHECK(shows(refused, "<a href=\"" + link.url + "\">Try again</a>"));
  CHECK(state_in_ledger(w, link) == "open");
  CHECK(shows(looked_at(w, link), "The former try did not work"));
  CHECK(shows(looked_at(w, link), "Auth Status: Failed, Status code: BadRequest"));
  // A link that shows up in no cookie is offered to nobody.
  CHECK_FALSE(shows(came_back(w, first, "old", ""), "Try again"));
  const auto second = pressed(w, link);
  CHECK(shows(came_back(w, second, "new", kept(second)), "is connected"));
}

TEST_CASE("access that was not given leaves the link good", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto first = pressed(w, link);
  std::vector<std::pair<std::string, std::string>> query{{"error", "access_denied"},
                                                         {"state", state_of(first.location)}};

  const auto page = w.run(w.auth->callback("nameplate", query, "en", kept(first)));

  CHECK(shows(page, "Try again"));
  CHECK(w.requests_to("POST /token") == 0);
  const auto second = pressed(w, link);
  CHECK(shows(came_back(w, second, "code", kept(second)), "is connected"));
}

TEST_CASE("a link whose grant nobody could be asked about has served once somebody could", "[auth][link]") {
  world w;
  let_in(w);
  w.says["GET /me"] = {http_answer(503, "{}")};
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  w.write([&](ledger::transaction& tx) {
    ledger::credentials pair;
    pair.access_token = core::secret("t");
    pair.obtained_at = tx.now();
    pair.unproven = "expect:42";
    if (!tx.store_credentials(c.id, pair, 0)) FAIL("not stored");
    tx.mark_connect_link(link.id, core::link_state::given);
    auto waiting = *tx.find_connection(c.id);
    waiting.auth.status = core::auth_status::waiting;
    if (!tx.update_connection(waiting)) FAIL("not updated");
  });
  CHECK(looked_at(w, link).status == 200);

  w.says["GET /me"] = {nameplate_of("42", "Acme")};
  w.resume_until(c, core::auth_status::authorized);

  CHECK(state_in_ledger(w, link) == "used");
}

TEST_CASE("a link that is unknown, too old, revoked or of a removed connection begins nothing", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme"), gone = w.add("gone");
  const auto revoked = made(w, c), old = made(w, c, {}, days{1}), of_gone = made(w, gone);
  made_link unknown{"", us + "/connect/" + std::string(43, 'x'), {}}, digest = unknown;
  w.write([&](ledger::transaction& tx) {
    tx.mark_connect_link(revoked.id, core::link_state::revoked);
    if (!tx.remove_connection(gone.id, false)) FAIL("not removed");
    digest.url = us + "/connect/" + tx.find_connect_link(old.id)->hash;
  });
  const auto id = made_link{"", us + "/connect/" + old.id, {}};
  w.clock.advance(days{1});

  for (const auto* one : {&revoked, &old}) {
    CHECK(looked_at(w, *one).status == 410);
    CHECK(pressed(w, *one).status == 410);
  }
  for (const auto* one : std::initializer_list<const made_link*>{&of_gone, &unknown, &digest, &id}) {
    CHECK(looked_at(w, *one).status == 404);
    CHECK(pressed(w, *one).location.empty());
  }
  CHECK(w.changes.empty());
}

TEST_CASE("a button that was pressed before the link was withdrawn, or had served, leads nowhere any more",
          "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme"), other = w.add("globex");
  const auto withdrawn = made(w, c, {confirmation::mode::expect, "42"});
  const auto pressed_before = pressed(w, withdrawn);
  w.write([&](ledger::transaction& tx) { tx.mark_connect_link(withdrawn.id, core::link_state::revoked); });
  CHECK(came_back(w, pressed_before, "c0de", kept(pressed_before)).status == 400);
  CHECK(state_in_ledger(w, withdrawn) == "revoked");
  CHECK(w.requests_to("POST /token") == 0);

  const auto served = made(w, other, {confirmation::mode::expect, "42"});
  const auto first = pressed(w, served), second = pressed(w, served);
  CHECK(came_back(w, first, "c0de", kept(first)).status == 200);
  CHECK(state_in_ledger(w, served) == "used");
  CHECK(came_back(w, second, "another", kept(second)).status == 400);
  CHECK(w.requests_to("POST /token") == 1);
}

TEST_CASE("a bare code takes no attempt of a mailed link for its own", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto sent_on = pressed(w, link);
  CHECK(w.run(w.auth->paste(c.id, core::secret("c0de"), {confirmation::mode::expect, "42"})));
  w.write([&](ledger::transaction& tx) { CHECK(tx.find_attempt(core::fingerprint(state_of(sent_on.location)))); });
}

TEST_CASE("the page of another site cannot press the button", "[auth][link]") {
  world w;
  const auto c = w.add("acme");
  const auto link = made(w, c);

  for (const auto& how : {click{"https://evil.example", ""}, click{"null", ""}, click{us, "cross-site"}}) {
    const auto page = pressed(w, link, {how.origin, how.fetch_site});
    CHECK(page.status == 403);
    CHECK(page.location.empty());
    CHECK(page.cookie.empty());
  }
  CHECK(w.changes.empty());
}

TEST_CASE("of a button that is pressed a hundred times only the latest attempts are kept", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto first = pressed(w, link);
  for (int i = 0; i < 4; ++i) pressed(w, link);
  const auto last = pressed(w, link);

  CHECK(came_back(w, first, "code", kept(first)).status == 400);
  CHECK(w.requests_to("POST /token") == 0);
  CHECK(shows(came_back(w, last, "code", kept(last)), "is connected"));
}

TEST_CASE("a restart between the button and the way back loses nothing", "[auth][link]") {
  world w;
  let_in(w);
  const auto c = w.add("acme");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  const auto sent_on = pressed(w, link);

  w.start_auth();

  CHECK(shows(came_back(w, sent_on, "code", kept(sent_on)), "is connected"));
  CHECK(state_in_ledger(w, link) == "used");
}

namespace {

const std::string field = R"(<input type="password" name="key")";

landing typed(world& w, const made_link& l, const std::string& key) {
  click how{us, "same-origin", core::secret(key)};
  return w.run(w.auth->follow_link(secret_of(l), std::move(how), "en"));
}

}  // namespace

TEST_CASE("the page of a provider whose customers give a key says what to do and has a field for it", "[auth][link]") {
  world w;
  const auto c = w.add("acme", "keyring");
  const auto link = made(w, c);

  CHECK(shows(looked_at(w, link), "Access is given by a key here"));
  CHECK(shows(looked_at(w, link, "nl"), "Sleutel"));
  CHECK(shows(looked_at(w, link), field));
  CHECK_FALSE(shows(looked_at(w, link), "Go on to"));
  const auto nothing = pressed(w, link);
  CHECK(nothing.location.empty());
  CHECK(shows(nothing, "is no key"));
  CHECK(shows(typed(w, link, "two words"), "is no key"));
  CHECK(w.server->requests().empty());
  CHECK_FALSE(shows(looked_at(w, made(w, w.add("plain"))), field));
}

TEST_CASE("a key that is typed on a link's page connects once, and one that is refused leaves the link open",
          "[auth][link]") {
  world w;
  w.says = {{"POST /token",
             {http_answer(400, R"({"error":"Parameter clientkey does not contain a valid value"})"), grant("t")}},
            {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "keyring");
  const auto link = made(w, c);

  const auto refused = typed(w, link, "wrong-key-canary");
  CHECK(shows(refused, "Failed, Status code: BadRequest"));
  CHECK(shows(refused, secret_of(link)));
  CHECK_FALSE(shows(refused, "canary"));
  CHECK(state_in_ledger(w, link) == "open");
  CHECK(shows(looked_at(w, link), "The former try did not work"));

  // Whose account it is, is asked of the operator.
  typed(w, link, "right-key");
  CHECK(w.now(c).auth.status == core::auth_status::awaiting_confirmation);
  CHECK(w.stored_token(c) == "t");
  CHECK(state_in_ledger(w, link) == "used");
  const auto asked = w.server->requests().size();
  typed(w, link, "another-key");
  CHECK(w.server->requests().size() == asked);
  CHECK(w.stored_token(c) == "t");
}

TEST_CASE("a key that is good while the provider's API is in trouble has arrived, and is told so", "[auth][link]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {http_answer(503, "")}}};
  const auto c = w.add("acme", "keyring");
  const auto link = made(w, c);
  CHECK(shows(typed(w, link, "a-key"), "The key has arrived"));
  CHECK(w.now(c).auth.status == core::auth_status::waiting);
  CHECK(w.stored_token(c) == "t");
}

TEST_CASE("a key for the account that a link expects needs no further confirmation", "[auth][link]") {
  world w;
  w.says = {{"POST /token", {grant("t")}}, {"GET /me", {nameplate_of("42", "Acme")}}};
  const auto c = w.add("acme", "coupler");
  const auto link = made(w, c, {confirmation::mode::expect, "42"});
  CHECK(shows(looked_at(w, link), field));
  CHECK(shows(looked_at(w, link), "Do you have the key already?"));

  click foreign{"https://evil.example", "cross-site", core::secret("a-key")};
  CHECK(w.run(w.auth->follow_link(secret_of(link), std::move(foreign), "en")).status == 403);
  CHECK(w.server->requests().empty());
  CHECK(shows(typed(w, link, "a-key"), "is connected"));
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(state_in_ledger(w, link) == "used");
}

TEST_CASE("where the key comes by webhook the button leads to the activation link", "[auth][link]") {
  world w;
  const auto c = w.add("acme", "coupler");
  const auto link = made(w, c);

  const auto sent_on = pressed(w, link);

  CHECK(sent_on.status == 303);
  CHECK(sent_on.location.find("client-acme") != std::string::npos);
}

TEST_CASE("links are found and listed by turns, newest first, each connection's own", "[auth][link]") {
  world w;
  const auto c = w.add("acme"), other = w.add("other");
  const auto first = made(w, c), second = made(w, c), of_other = made(w, other);

  w.write([&](ledger::transaction& tx) {
    for (int i = 0; i < 3; ++i) {
      CHECK(tx.find_connect_link(first.id)->connection_id == c.id);
      const auto all = tx.connect_links(c.id);
      REQUIRE(all.size() == 2);
      CHECK(all[0].id == second.id);
      CHECK(all[1].id == first.id);
      CHECK(tx.find_connect_link(of_other.id)->connection_id == other.id);
      CHECK(tx.connect_links(other.id).size() == 1);
    }
  });
}

TEST_CASE("a connection has only so many open links", "[auth][link]") {
  world w;
  const auto c = w.add("acme");
  for (std::size_t i = 0; i < core::open_links_of_a_connection; ++i) made(w, c);

  const auto one_more = w.run(w.auth->make_link(c.id, {}, days{1}, ""));

  REQUIRE_FALSE(one_more);
  CHECK(one_more.error().code == ledger::errc::in_use);
  w.clock.advance(days{7});
  made(w, c);
}

}  // namespace
}  // namespace koppel::auth
