// SPDX-License-Identifier: Apache-2.0
// Where something may be registered at the provider is never forgotten, and what is there goes when it has to.

#include <catch2/catch.hpp>

#include "tests/unit/hooks/hooks_world.hpp"

namespace koppel::test {

using namespace std::chrono_literals;
using Catch::Contains;
using texts = std::vector<std::string>;

TEST_CASE(
    "where webhooks may be registered is durable before the provider is asked, and so is what the plugin remembers",
    "[hooks][registrar]") {
  hooks_world w;
  w.server->hold();
  w.begin();
  run_until(w.io, [&] { return w.server->held() == 1; });

  CHECK(w.kept().places.current == here);
  CHECK(w.kept().now == address_state::none);
  CHECK(w.now(w.c).learned.at("mark") == "i");
  w.server->release();
  w.until(address_state::registered);
  CHECK(w.asked() == texts{std::string("add ") + here});
}

TEST_CASE("what a check could not confirm is removed all the same", "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/add"] = {done, busy};
  w.registered_at(here);
  w.advance(25h);
  w.until(address_state::failing);
  CHECK(w.kept().reason == "it is busy");

  CHECK(w.withdrawn().empty());
  CHECK(w.asked().back() == std::string("drop ") + here);
  CHECK_FALSE(w.kept().places.any());
  CHECK(w.kept().now == address_state::none);
}

TEST_CASE("what was registered before the provider refused is removed all the same", "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/add"] = {done, http_answer(403, "{}")};
  w.registered_at(here);
  w.advance(25h);
  w.until(address_state::refused);
  CHECK(w.withdrawn().empty());
  CHECK(w.asked().back() == std::string("drop ") + here);
}

TEST_CASE("a new grant has a failed registration checked at once, and what is there is still known",
          "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/add"] = {done, busy};
  w.registered_at(here);
  w.advance(25h);
  w.until(address_state::failing);
  w.set_status(core::auth_status::needs_reauth);
  CHECK_THAT(w.withdrawn(), Contains(here) && Contains("not authorized"));
  w.begin_again();
  w.set_status(core::auth_status::authorized);
  run_until(w.io, [&] { return w.asked().size() == 3 && w.idle(); });
  CHECK(w.kept().places.current == here);
  CHECK(w.withdrawn().empty());
  CHECK(w.asked().back() == std::string("drop ") + here);
}

TEST_CASE("a former address that could not be removed is told, kept through a restart, and tried again",
          "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/drop"] = {busy, done};
  w.registered_at(before);
  w.begin_again();
  run_until(w.io, [&] { return w.idle() && w.kept().places.current == here; });
  auto kept = w.kept();
  CHECK(kept.now == address_state::registered);
  CHECK(kept.places.former == texts{before});
  CHECK_THAT(kept.reason, Contains(before) && Contains("it is busy"));

  w.begin_again();
  w.advance(61s);
  run_until(w.io, [&] { return w.idle() && w.kept().places.former.empty(); });
  kept = w.kept();
  CHECK(kept.now == address_state::registered);
  CHECK(kept.reason.empty());
  CHECK(kept.places.current == here);
  const std::string add_here = std::string("add ") + here, drop_before = std::string("drop ") + before;
  CHECK(w.asked() == texts{std::string("add ") + before, drop_before, add_here, drop_before, add_here});
}

TEST_CASE("a former address is removed though its last check had failed, and a withdrawal removes at both",
          "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/add"] = {done, busy};
  w.says["POST /hooks/drop"] = {busy, done};
  w.registered_at(before);
  w.advance(25h);
  w.until(address_state::failing);
  w.begin_again();
  w.advance(61s);
  run_until(w.io, [&] { return w.idle() && !w.kept().places.former.empty(); });
  CHECK_THAT(w.kept().reason, Contains("it is busy") && Contains(before));

  CHECK(w.withdrawn().empty());
  CHECK_FALSE(w.kept().places.any());
  const auto asked = w.asked();
  CHECK(texts(asked.end() - 2, asked.end()) == texts{std::string("drop ") + here, std::string("drop ") + before});
}

TEST_CASE("without a public address what was registered is removed, and nothing is registered", "[hooks][registrar]") {
  hooks_world w;
  w.says["POST /hooks/drop"] = {busy, done};
  w.registered_at(before);
  w.begin_again("");
  w.until(address_state::failing);
  CHECK_THAT(w.kept().reason, Contains("No public URL") && Contains(before) && Contains("it is busy"));
  w.advance(61s);
  w.until(address_state::none);
  CHECK_FALSE(w.kept().places.any());
  w.advance(25h);
  run_until(w.io, [&] { return w.idle(); });
  const std::string drop_before = std::string("drop ") + before;
  CHECK(w.asked() == texts{std::string("add ") + before, drop_before, drop_before});
}

TEST_CASE("other settings have a registration checked with them", "[hooks][registrar]") {
  hooks_world w;
  w.registered_at(here);
  w.change([](auto& changed) { changed.settings["door"] = "back"; });
  run_until(w.io, [&] { return w.idle() && w.asked().size() == 2; });
  CHECK_THAT(w.server->requests().back(), Contains("?mark=i&door=back "));
  w.change([](auto&) {});
  w.advance(1h);
  run_until(w.io, [&] { return w.idle(); });
  CHECK(w.asked().size() == 2);
}

TEST_CASE("a plugin is told neither address nor token, however an answer writes them", "[hooks][registrar]") {
  hooks_world w;
  w.registered_at(here);
  std::string secret, token;
  w.write([&](ledger::transaction& tx) {
    const auto a = tx.webhook_address_of(w.c.id);
    secret = a->secret.reveal();
    token = a->token.reveal();
  });
  CHECK_THAT(w.server->requests().back(), Contains(secret) && Contains(token));
  std::string percent, escaped;
  for (const char c : secret + "/" + token) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "%02X", static_cast<unsigned>(c));
    percent += std::string("%") + hex;
    escaped += std::string("\\u00") + hex;
  }
  for (const auto& written : {percent, escaped, secret + "\\/" + token}) {
    INFO(written);
    w.says["POST /hooks/add"] = {http_answer(200, R"({"tell":")" + written + "\"}")};
    w.change([](auto& changed) { changed.settings["door"] += "x"; });
    run_until(w.io, [&] { return w.idle() && w.kept().reason.find("tell") != std::string::npos; });
    const auto told = w.kept().reason;
    CHECK_THAT(told, Contains("koppel-webhook-address") && Contains("koppel-webhook-token"));
    CHECK(told.size() < 80);
    w.says["POST /hooks/add"] = {busy};
    w.change([](auto& changed) { changed.settings["door"] += "x"; });
    run_until(w.io, [&] { return w.idle() && w.kept().reason == "it is busy"; });
  }
}

TEST_CASE("where webhooks are registered nobody else may ask", "[hooks][registrar]") {
  hooks_world w;
  w.registered_at(here);
  auth::provider_client::context context;
  context.manifest = w.host->find("nameplate");
  context.connection_id = w.c.id;
  messages::http request;
  request.method = "POST";
  request.url = "https://api.nameplate.test/hooks/add?x=1";
  const auto count = w.asked().size();
  const auto reply = w.run(w.provider->send(context, request));
  CHECK(reply.error == messages::job_error::bug);
  CHECK_THAT(reply.detail, Contains("/hooks/add") && Contains("but for the registration of webhooks"));
  CHECK(w.asked().size() == count);
}

}  // namespace koppel::test
