// SPDX-License-Identifier: Apache-2.0
// When webhooks are registered again.

#include "host/core/webhook_plan.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;
using namespace std::chrono_literals;
using state = registration_facts::state;

namespace {

const instant now{1'000'000s};

registration_facts registered(std::optional<std::chrono::milliseconds> life, std::chrono::milliseconds ago) {
  registration_facts f;
  f.now = state::registered;
  f.registered_at = now - ago;
  if (life) f.ends_at = *f.registered_at + *life;
  return f;
}

}  // namespace

TEST_CASE("what was never registered is registered at once", "[webhooks]") { CHECK(registration_due({}, now) == now); }

TEST_CASE("a registration is renewed in half of the time that the provider granted", "[webhooks]") {
  CHECK(registration_due(registered(23h, 0h), now) == now + 11h + 30min);
  CHECK(registration_due(registered(1h, 0h), now) == now + 30min);
  CHECK(registration_due(registered(1h, 2h), now) < now);
  CHECK(registration_due(registered(0s, 0h), now) == now + 1min);
  CHECK(registration_due(registered(-1h, 0h), now) == now + 1min);
  CHECK(registration_due(registered(24h * 365, 0h), now) == now + 24h);
}

TEST_CASE("a registration without an end is looked after once a day", "[webhooks]") {
  CHECK(registration_due(registered(std::nullopt, 1h), now) == now + 23h);
}

TEST_CASE("a registration of another public address is replaced at once", "[webhooks]") {
  auto f = registered(std::nullopt, 1h);
  f.elsewhere = true;
  CHECK(registration_due(f, now) == now);
}

TEST_CASE("a failure is tried again after a minute, doubled up to an hour", "[webhooks]") {
  registration_facts f;
  f.now = state::failing;
  f.tried_at = now;
  for (const auto& [failures, pause] : {std::pair<std::uint32_t, std::chrono::minutes>{1, 1min},
                                        {2, 2min},
                                        {5, 16min},
                                        {7, 60min},
                                        {4'000'000'000u, 60min}}) {
    f.failures = failures;
    CHECK(registration_due(f, now) == now + pause);
  }
}

TEST_CASE("a refusal is looked into once a day", "[webhooks]") {
  registration_facts f;
  f.now = state::refused;
  f.tried_at = now - 1h;
  CHECK(registration_due(f, now) == now + 23h);
}

TEST_CASE("a time that lies ahead was written under a wrong clock", "[webhooks]") {
  registration_facts f;
  f.now = state::refused;
  f.tried_at = now + 1000h;
  CHECK(registration_due(f, now) == now + 24h);
}

TEST_CASE("what is left at a former address is tried again like a failure, and no later than the renewal",
          "[webhooks]") {
  auto f = registered(std::nullopt, 1h);
  f.left_behind = true;
  f.tried_at = now;
  f.failures = 3;
  CHECK(registration_due(f, now) == now + 4min);
  f.registered_at = now - 24h + 1min;
  CHECK(registration_due(f, now) == now + 1min);
  f.now = state::refused;
  CHECK(registration_due(f, now) == now + 24h);
}

TEST_CASE("a place is known until it was cleared, wherever the next one is", "[webhooks]") {
  webhook_places p;
  CHECK_FALSE(p.any());
  p.move_to("https://a");
  p.move_to("https://a");
  CHECK(p.all() == std::vector<std::string>{"https://a"});
  p.move_to("https://b");
  p.move_to("https://c");
  CHECK(p.current == "https://c");
  CHECK(p.former == std::vector<std::string>{"https://a", "https://b"});
  p.move_to("https://a");
  CHECK(p.all() == std::vector<std::string>{"https://b", "https://c", "https://a"});
  p.clear("https://c");
  p.clear("https://a");
  CHECK(p.current.empty());
  CHECK(p.any());
  p.clear("https://b");
  CHECK_FALSE(p.any());
}
