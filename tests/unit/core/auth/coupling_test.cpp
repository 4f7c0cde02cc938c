// SPDX-License-Identifier: Apache-2.0
// Keys that come by webhook: how a message is read, and what it means.

#include "host/core/coupling.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;
using act = coupling_step::act;
using kind = coupling_message::kind;
using state_of_link = coupling_facts::link;

namespace {

const coupling_rules rules{"koppelSleutel", "actionType", "referenceKey", "Create", "Regenerate", "Delete"};

std::string complaint(const std::string& body) {
  const auto read = read_coupling(rules, body);
  const auto* text = std::get_if<std::string>(&read);
  return text == nullptr ? "" : *text;
}

coupling_message message(kind what, const std::string& key = "key") {
  coupling_message m;
  m.what = what;
  m.key = secret(key);
  m.reference = "reference";
  return m;
}

coupling_facts known(state_of_link attempt, bool bound, auth_status status, bool has_key, bool same) {
  coupling_facts f;
  f.attempt = attempt;
  f.bound = bound;
  f.status = status;
  f.has_key = has_key;
  f.names_stored = same;
  return f;
}

act said(kind what, const coupling_facts& f, const std::string& key = "key") {
  return decide(message(what, key), f).what;
}

}  // namespace

TEST_CASE("an activation link carries the app, the reference and the encoded end address", "[coupling]") {
  auth_rules a;
  a.activation = {"https://web.example/activate/{client_id}", "referenceKey", "successUrl"};
  CHECK(activation_link(a, "my app/1", "r-1", "https://koppel.example/activated/x?ref=ab&c") ==
        "https://web.example/activate/my%20app%2F1?referenceKey=r-1&successUrl="
        "https%3A%2F%2Fkoppel.example%2Factivated%2Fx%3Fref%3Dab%26c");
  CHECK(activation_link(a, "x", "r", "") == "https://web.example/activate/x?referenceKey=r");
  a.activation.success_parameter.clear();
  CHECK(activation_link(a, "x", "r", "https://y.example") == "https://web.example/activate/x?referenceKey=r");
}

TEST_CASE("a message is read whatever the case of its names and words", "[coupling]") {
  for (const auto* body : {R"({"KoppelSleutel":"a+/=","ActionType":"Create","ReferenceKey":"R"})",
                           R"({"koppelSleutel":"a+/=","actionType":"create","referenceKey":"R","more":{"x":[1]}})",
                           R"({"KOPPELSLEUTEL":"a+/=","ACTIONTYPE":"CREATE","REFERENCEKEY":"R"})"}) {
    const auto read = read_coupling(rules, body);
    const auto* m = std::get_if<coupling_message>(&read);
    REQUIRE(m != nullptr);
    CHECK(m->what == kind::create);
    CHECK(m->key.reveal() == "a+/=");
    CHECK(m->reference == "R");  // its case is its own
  }
  const auto removal = read_coupling(rules, R"({"KoppelSleutel":null,"ActionType":"Delete","ReferenceKey":"R"})");
  REQUIRE(std::holds_alternative<coupling_message>(removal));
  CHECK(std::get<coupling_message>(removal).key.empty());
}

TEST_CASE("a message that two readers could take for two is refused, and nothing of it is repeated", "[coupling]") {
  const std::string good = R"("KoppelSleutel":"canary","ActionType":"Create","ReferenceKey":"R")";
  CHECK(complaint("{" + good + "}").empty());
  for (const std::string& bad :
       {std::string(), std::string("canary"), std::string("[]"), std::string(10'000, '['), "{" + good,
        "{" + good + R"(,"referenceKey":"S"})", "{" + good + R"(,"ReferenceKey":"S"})",
        std::string(R"({"KoppelSleutel":"canary","ActionType":"Drop","ReferenceKey":"R"})"),
        std::string(R"({"KoppelSleutel":"canary","ActionType":null,"ReferenceKey":"R"})"),
        std::string(R"({"KoppelSleutel":"canary","ActionType":["Create"],"ReferenceKey":"R"})"),
        std::string(R"({"KoppelSleutel":"canary","ActionType":"Create"})"),
        std::string(R"({"KoppelSleutel":"","ActionType":"Create","ReferenceKey":"R"})"),
        std::string(R"({"ActionType":"Regenerate","ReferenceKey":"R"})"),
        std::string(R"({"KoppelSleutel":7,"ActionType":"Create","ReferenceKey":"R"})"),
        std::string(R"({"KoppelSleutel":"can\r\nary","ActionType":"Create","ReferenceKey":"R"})"),
        R"({"KoppelSleutel":")" + std::string(16'385, 'k') + R"(","ActionType":"Create","ReferenceKey":"R"})",
        R"({"KoppelSleutel":"canary","ActionType":"Create","ReferenceKey":")" + std::string(501, 'r') + "\"}",
        std::string("{\"KoppelSleutel\":\"canary\xff\",\"ActionType\":\"Create\",\"ReferenceKey\":\"R\"}")}) {
    INFO(bad.substr(0, 100));
    CHECK_FALSE(complaint(bad).empty());
    CHECK(complaint(bad).find("canary") == std::string::npos);
  }
}

TEST_CASE("a key is taken while its link is open, and at no other time", "[coupling]") {
  using s = auth_status;
  CHECK(said(kind::create, known(state_of_link::open, false, s::waiting, false, false)) == act::exchange);
  // A new link of a connection that works: tried, and bound to its account by the exchange.
  CHECK(said(kind::create, known(state_of_link::open, false, s::authorized, true, false)) == act::exchange);
  CHECK(said(kind::create, known(state_of_link::over, false, s::waiting, false, false)) == act::refuse);
  CHECK(said(kind::create, known(state_of_link::closed, false, s::waiting, false, false)) == act::refuse);
  CHECK(said(kind::create, known(state_of_link::none, true, s::authorized, true, false)) == act::refuse);
  CHECK(said(kind::create, known(state_of_link::none, true, s::needs_reauth, true, false)) == act::refuse);
  CHECK(said(kind::create, known(state_of_link::none, true, s::authorized, true, true)) == act::ignore);
  CHECK(said(kind::create, known(state_of_link::open, false, s::disabled, false, false)) == act::refuse);
  CHECK(said(kind::create, known(state_of_link::none, false, s::waiting, false, false)) == act::unattributed);
}

TEST_CASE("a new key replaces one that came with the same reference", "[coupling]") {
  using s = auth_status;
  CHECK(said(kind::regenerate, known(state_of_link::none, true, s::authorized, true, false)) == act::replace);
  CHECK(said(kind::regenerate, known(state_of_link::none, true, s::needs_reauth, true, false)) == act::replace);
  CHECK(said(kind::regenerate, known(state_of_link::none, true, s::authorized, true, true)) == act::ignore);
  CHECK(said(kind::regenerate, known(state_of_link::none, true, s::needs_reauth, true, true)) == act::replace);
  // The Create before it may be lost; its key is over, so this one is the link's.
  CHECK(said(kind::regenerate, known(state_of_link::open, false, s::waiting, false, false)) == act::exchange);
  CHECK(said(kind::regenerate, known(state_of_link::over, false, s::waiting, false, false)) == act::refuse);
  CHECK(said(kind::regenerate, known(state_of_link::closed, false, s::waiting, false, false)) == act::refuse);
  CHECK(said(kind::regenerate, known(state_of_link::open, false, s::disabled, false, false)) == act::refuse);
  CHECK(said(kind::regenerate, known(state_of_link::none, false, s::authorized, true, false)) == act::unattributed);
}

TEST_CASE("a withdrawn key is asked about, unless it is not the one in use", "[coupling]") {
  using s = auth_status;
  CHECK(said(kind::removal, known(state_of_link::none, true, s::authorized, true, false), "") == act::ask);
  CHECK(said(kind::removal, known(state_of_link::none, true, s::authorized, true, true)) == act::ask);
  CHECK(said(kind::removal, known(state_of_link::none, true, s::authorized, true, false)) == act::ignore);
  CHECK(said(kind::removal, known(state_of_link::none, true, s::needs_reauth, true, true)) == act::ignore);
  // Before the Create that it belongs to.
  CHECK(said(kind::removal, known(state_of_link::open, false, s::waiting, false, false)) == act::ignore);
  CHECK(said(kind::removal, known(state_of_link::none, false, s::waiting, false, false)) == act::unattributed);
}
