// SPDX-License-Identifier: Apache-2.0
// A code's life ends while it is on its way: 10 minutes, 2 minutes, 60 seconds. One second before that it connects; one
// second after, the customer reads what is known of its age, and no more, and has a link for the next try.

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "host/core/auth_texts.hpp"
#include "world.hpp"

namespace koppel::auth {
namespace {

using std::chrono::seconds;
using test::grant;
using test::http_answer;
using test::nameplate_of;
using test::world;

/// The provider's door: while it is shut, nothing can be sent.
class door final : public net::http_transport {
 public:
  explicit door(net::http_transport& behind) : behind_(behind) {}
  runtime::awaitable<result<net::response>> send(net::request r, net::exchange_limits limits) override {
    if (shut) co_return failure{make_error_code(net::errc::connect), "The connection was refused."};
    auto sending = behind_.send(std::move(r), std::move(limits));
    co_return co_await std::move(sending);
  }
  bool shut = false;

 private:
  net::http_transport& behind_;
};

std::string state_of(const std::string& link) {
  const auto url = boost::urls::parse_uri(link);
  REQUIRE(url);
  return std::string((*url->params().find("state")).value);
}

/// A provider whose codes live for so long, and a customer who gives access to it.
struct town {
  town(std::string provider, seconds life_of_code) : of(std::move(provider)), life(life_of_code) {
    w.auth.emplace(w.supervisor, *w.book, front, *w.host, *w.provider, w.clock,
                   auth_service::options{"https://koppel.example"});
    w.says = {{"POST /token", {""}}, {"GET /me", {""}}};
    w.on_request = [this](const std::string& request) {
      if (!request.starts_with("POST /token")) return;
      const auto age = w.clock.now() - made_at;
      const bool good = age <= life && request.find("code=" + code) != std::string::npos && !used;
      used = used || good;
      w.says["POST /token"] = {good ? grant("token") : http_answer(400, R"({"error":"invalid_grant"})")};
      w.says["GET /me"] = {nameplate_of("account-" + code, "Acme")};
    };
  }
  ledger::connection add(const std::string& name) {
    return w.add(name, of,
                 of == "atlas" ? std::map<std::string, std::string>{{"host", "acme.my.atlas.test"}}
                               : std::map<std::string, std::string>{});
  }
  /// The button on the provider's page.
  void give_access() {
    code = "c0de-" + std::to_string(++codes);
    made_at = w.clock.now();
    used = false;
  }
  started_attempt link(const ledger::connection& c) {
    auto started = w.run(w.auth->begin(c.id, {confirmation::mode::yes, ""}, ""));
    REQUIRE(started);
    return *started;
  }
  landing call_back(const started_attempt& a) {
    std::vector<std::pair<std::string, std::string>> query{{"code", code}, {"state", state_of(a.link)}};
    return w.run(w.auth->callback(of, query, "en"));
  }
  core::auth_state paste(const ledger::connection& c, const std::string& text) {
    auto after = w.run(w.auth->paste(c.id, core::secret(text), {confirmation::mode::yes, ""}));
    if (!after) FAIL(after.error().detail);
    return after->auth;
  }
  std::string hint(const core::auth_state& s) { return core::hint_of(s, w.host->find(of).get()).en; }
  core::auth_state now(const ledger::connection& c) { return w.now(c).auth; }

  world w;
  door front{*w.http};
  std::string of;
  seconds life;
  int codes = 0;
  std::string code;
  core::instant made_at{};
  bool used = false;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// By our own callback, whose browser came in time, and then had to wait for the provider.
void by_callback(town& t, const std::string& life_shown, const std::string& age_shown) {
  const auto early = t.add("early"), late = t.add("late");
  auto link = t.link(early);
  t.give_access();
  t.front.shut = true;
  CHECK(t.call_back(link).status == 503);
  t.w.clock.advance(t.life - seconds{1});
  t.front.shut = false;
  CHECK(t.call_back(link).status == 200);
  CHECK(t.now(early).status == core::auth_status::authorized);
  CHECK_FALSE(t.w.auth->open_link(early.id));

  link = t.link(late);
  t.give_access();
  t.front.shut = true;
  CHECK(t.call_back(link).status == 503);
  t.w.clock.advance(t.life + seconds{1});
  t.front.shut = false;
  const auto page = t.call_back(link);
  CHECK(page.status == 200);
  const auto refused = t.now(late);
  CHECK(refused.reason == core::auth_reason::code_expired);
  CHECK(core::display_of(refused) == "Failed, Status code: BadRequest");
  CHECK(says(t.hint(refused), "valid for " + life_shown + " only"));
  CHECK(says(t.hint(refused), "between " + age_shown + " and " + age_shown + " old"));
  CHECK(says(page.html, "between " + age_shown));

  // The page has a link of its own, and it works.
  const auto next = t.w.auth->open_link(late.id);
  REQUIRE(next);
  CHECK(state_of(next->link) != state_of(link.link));
  CHECK(says(page.html, "state=" + state_of(next->link)));
  CHECK(t.call_back(link).status == 400);
  t.give_access();
  CHECK(t.call_back(*next).status == 200);
  CHECK(t.now(late).status == core::auth_status::authorized);
  CHECK_FALSE(t.w.auth->open_link(late.id));
}

/// Copied by hand: a bare code says nothing of its age, one with the link's state that it is no older than that link.
void by_paste(town& t, const std::string& age_shown) {
  const auto early = t.add("early"), late = t.add("late"), whole = t.add("whole"), twice = t.add("twice");
  t.give_access();
  t.w.clock.advance(t.life - seconds{1});
  CHECK(t.paste(early, t.code).status == core::auth_status::authorized);

  t.give_access();
  t.w.clock.advance(t.life + seconds{1});
  auto refused = t.paste(late, t.code);
  CHECK(refused.reason == core::auth_reason::code_refused);
  CHECK(core::display_of(refused) == "Failed, Status code: BadRequest");
  CHECK_FALSE(says(t.hint(refused), "This code was"));
  CHECK(says(t.hint(refused), "expired (a code is valid for"));
  const auto next = t.w.auth->open_link(late.id);
  REQUIRE(next);
  t.give_access();
  CHECK(t.paste(late, "https://app.example/?code=" + t.code + "&state=" + state_of(next->link)).status ==
        core::auth_status::authorized);

  auto link = t.link(whole);
  t.give_access();
  t.w.clock.advance(t.life + seconds{1});
  refused = t.paste(whole, "https://app.example/?code=" + t.code + "&state=" + state_of(link.link));
  CHECK(refused.reason == core::auth_reason::code_refused);
  CHECK(says(t.hint(refused), "at most " + age_shown + " old."));

  link = t.link(twice);
  t.give_access();
  t.used = true;
  t.w.clock.advance(seconds{30});
  refused = t.paste(twice, "https://app.example/?code=" + t.code + "&state=" + state_of(link.link));
  CHECK(refused.reason == core::auth_reason::code_refused);
  CHECK(says(t.hint(refused), "at most 30 s old, so it had not expired"));
}

TEST_CASE("a code of ten minutes serves for that long by callback, and then its age is told", "[auth][age]") {
  town t("nameplate", seconds{600});
  by_callback(t, "10 minutes", "10 min 1 s");
}
TEST_CASE("a code of two minutes serves for that long by callback, and then its age is told", "[auth][age]") {
  town t("bystander", seconds{120});
  by_callback(t, "2 minutes", "2 min 1 s");
}
TEST_CASE("a code of sixty seconds serves for that long by callback, and then its age is told", "[auth][age]") {
  town t("atlas", seconds{60});
  by_callback(t, "60 seconds", "1 min 1 s");
}
TEST_CASE("a pasted code of ten minutes serves for that long, and then no more is said than is known", "[auth][age]") {
  town t("nameplate", seconds{600});
  by_paste(t, "10 min 1 s");
}
TEST_CASE("a pasted code of two minutes serves for that long, and then no more is said than is known", "[auth][age]") {
  town t("bystander", seconds{120});
  by_paste(t, "2 min 1 s");
}
TEST_CASE("a pasted code of sixty seconds serves for that long, and then no more is said than is known",
          "[auth][age]") {
  town t("atlas", seconds{60});
  by_paste(t, "1 min 1 s");
}

TEST_CASE("a refused bare code leaves its link good, and that link is the next one", "[auth][age]") {
  town t("nameplate", seconds{600});
  const auto c = t.add("acme");
  const auto link = t.link(c);
  t.give_access();
  CHECK(t.paste(c, "another-c0de").reason == core::auth_reason::code_refused);
  REQUIRE(t.w.auth->open_link(c.id));
  CHECK(t.w.auth->open_link(c.id)->link == link.link);
  CHECK(t.paste(c, t.code).status == core::auth_status::authorized);
}

TEST_CASE("access that was refused has a link for the next try, wrong settings have none", "[auth][age]") {
  town t("nameplate", seconds{600});
  const auto c = t.add("acme"), other = t.add("globex");
  auto link = t.link(c);
  const auto page =
      t.w.run(t.w.auth->callback(t.of, {{"error", "access_denied"}, {"state", state_of(link.link)}}, "nl"));
  CHECK(says(page.html, "Opnieuw proberen"));
  CHECK(t.w.auth->open_link(c.id));

  link = t.link(other);
  t.give_access();
  t.w.on_request = [](const std::string&) {};
  t.w.says["POST /token"] = {http_answer(401, R"({"error":"invalid_client"})")};
  CHECK_FALSE(says(t.call_back(link).html, "href="));
  CHECK(t.now(other).status == core::auth_status::misconfigured);
  CHECK_FALSE(t.w.auth->open_link(other.id));
}

}  // namespace
}  // namespace koppel::auth
