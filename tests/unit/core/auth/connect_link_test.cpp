// SPDX-License-Identifier: Apache-2.0
// What holds of a connect link, without anything around it.

#include "host/core/connect_link.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;
using namespace std::chrono_literals;

namespace {

const instant noon = *from_iso8601("2026-01-31T12:00:00Z");
const std::string word(43, 'a'), other(43, 'b');

}  // namespace

TEST_CASE("a link is of use until it has served, was revoked or is too old", "[connect-link]") {
  CHECK(standing_of(link_state::open, noon + 1ms, noon) == link_standing::usable);
  CHECK(standing_of(link_state::open, noon, noon) == link_standing::expired);
  CHECK(standing_of(link_state::given, noon + 1h, noon) == link_standing::usable);
  CHECK(standing_of(link_state::given, noon - 1h, noon) == link_standing::expired);
  CHECK(standing_of(link_state::used, noon - 1h, noon) == link_standing::used);
  CHECK(standing_of(link_state::revoked, noon + 1h, noon) == link_standing::revoked);
}

TEST_CASE("a grant that is in question leaves the link good, one that opened an account ends it", "[connect-link]") {
  CHECK(after_grant(auth_status::authorized) == link_state::used);
  CHECK(after_grant(auth_status::awaiting_confirmation) == link_state::used);
  CHECK(after_grant(auth_status::waiting) == link_state::given);
  CHECK(after_grant(auth_status::needs_reauth) == link_state::given);
}

TEST_CASE("only our own page may press the button", "[connect-link]") {
  const std::string us = "https://koppel.example";
  CHECK(is_own_click("", "", us));
  CHECK(is_own_click("https://koppel.example", "same-origin", us));
  CHECK(is_own_click("https://koppel.example", "", us + "/"));
  CHECK(is_own_click("http://127.0.0.1:8400", "same-origin", "http://127.0.0.1:8400"));
  CHECK_FALSE(is_own_click("https://evil.example", "", us));
  CHECK(is_own_click("https://koppel.example", "", "https://Koppel.example:443"));
  CHECK_FALSE(is_own_click("null", "", us));
  CHECK_FALSE(is_own_click("https://koppel.example:444", "", us));
  CHECK_FALSE(is_own_click("http://koppel.example", "", us));
  CHECK_FALSE(is_own_click("https://koppel.example.evil.example", "", us));
  CHECK_FALSE(is_own_click("", "cross-site", us));
  CHECK_FALSE(is_own_click("https://koppel.example", "same-site", us));
}

TEST_CASE("the browser's mark goes out as a cookie and comes back among others", "[connect-link]") {
  const auto sent = cookie_of({word, other}, true);
  CHECK(sent.find("; Secure") != std::string::npos);
  CHECK(sent.find("; HttpOnly; SameSite=Lax") != std::string::npos);
  CHECK(cookie_of({word, other}, false).find("Secure") == std::string::npos);
  const auto pair = sent.substr(0, sent.find(';'));

  const auto found = mark_in("a=b; " + pair + " ; c=d");

  REQUIRE(found);
  CHECK(found->link == word);
  CHECK(found->word == other);
}

TEST_CASE("a cookie that is planted, cut or doubled is none", "[connect-link]") {
  const std::string good = "koppel_connect=" + word + "." + other;
  REQUIRE(mark_in(good));
  CHECK_FALSE(mark_in(""));
  CHECK_FALSE(mark_in(good + "; " + good));
  CHECK_FALSE(mark_in("x" + good));
  CHECK_FALSE(mark_in(good.substr(0, good.size() - 1)));
  CHECK_FALSE(mark_in(good + "a"));
  CHECK_FALSE(mark_in("koppel_connect=" + word));
  CHECK_FALSE(mark_in("koppel_connect=" + word + "." + std::string(42, 'b') + "%"));
  CHECK_FALSE(mark_in("koppel_connect"));
}
