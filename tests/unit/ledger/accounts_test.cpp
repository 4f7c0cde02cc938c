// SPDX-License-Identifier: Apache-2.0
// Apps, connections, token pairs and attempts.

#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using core::secret;
using ledger::errc;
using tests::connected;
using tests::data_folder;
using tests::doing;
using tests::good;
using tests::new_connection;

namespace {

ledger::credentials pair(std::string access, std::string refresh) {
  ledger::credentials c;
  c.access_token = secret(std::move(access));
  c.refresh_token = secret(std::move(refresh));
  return c;
}

ledger::attempt attempt_for(const std::string& connection_id, std::string hash, core::instant expires) {
  ledger::attempt a;
  a.state_hash = std::move(hash);
  a.connection_id = connection_id;
  a.redirect_uri = "https://x.example/?a=b#c";
  a.verifier = secret("verifier of " + a.state_hash);
  a.confirmation = "expect:42";
  a.expires_at = expires;
  return a;
}

}  // namespace

TEST_CASE("an API token is kept by name, with its use, until it is deleted", "[ledger][accounts]") {
  data_folder d;
  const std::string hash("\0digest of thirty-two bytes, ok!", 32);
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      good(tx.insert_api_token({"acme", hash, "4711", {"read", "sync"}, tx.now(), {}}));
      good(tx.insert_api_token({"all", std::string(32, 'x'), {}, {"admin"}, tx.now(), {}}));
      CHECK(tx.insert_api_token({"acme", std::string(32, 'y'), {}, {"read"}, {}, {}}).error().code == errc::exists);
      tx.mark_api_token_used("acme", tx.now() + std::chrono::hours(1));
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto all = tx.api_tokens();
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "acme");
    CHECK(all[0].hash == hash);
    CHECK(all[0].customer == "4711");
    CHECK(all[0].scopes == std::vector<std::string>{"read", "sync"});
    CHECK(all[0].last_used_at == d.clock.now() + std::chrono::hours(1));
    CHECK_FALSE(all[1].customer);
    CHECK_FALSE(all[1].last_used_at);
    good(tx.delete_api_token("acme"));
    CHECK(tx.delete_api_token("acme").error().code == errc::not_found);
    CHECK(tx.api_tokens().size() == 1);
  });
}

TEST_CASE("a connection moves to another app, and an app gets another client id", "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    auto app = good(tx.insert_app({"", "acme", "own", "client", "", {}}, secret("one")));
    app.client_id = "other";
    app.redirect_uri = "https://x.example/";
    good(tx.update_app(app));
    CHECK(tx.find_app(app.id)->client_id == "other");
    CHECK(tx.find_app(app.id)->redirect_uri == "https://x.example/");
    good(tx.move_connection(c.id, app.id));
    CHECK(tx.find_connection(c.id)->app_id == app.id);
    CHECK(tx.move_connection(c.id, "none").error().code == errc::not_found);
    CHECK(tx.move_connection("none", app.id).error().code == errc::not_found);
    app.id = "none";
    CHECK(tx.update_app(app).error().code == errc::not_found);
  });
}

TEST_CASE("an app keeps its secret apart, and its name once a provider", "[ledger][accounts]") {
  data_folder d;
  std::string id;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      id = good(tx.insert_app({"", "acme", "main", "client", "https://x.example/", {}}, secret("one"))).id;
      good(tx.update_app_secret(id, secret("two")));
      const auto again = tx.insert_app({"", "acme", "main", "other", "", {}}, secret("x"));
      REQUIRE_FALSE(again.has_value());
      CHECK(again.error().code == errc::exists);
      CHECK(tx.update_app_secret("none", secret("x")).error().code == errc::not_found);
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    REQUIRE(tx.apps().size() == 1);
    CHECK(tx.find_app(id)->redirect_uri == "https://x.example/");
    CHECK(tx.find_app(id)->created_at == d.clock.now());
    CHECK(good(tx.client_secret(id)).reveal() == "two");
    CHECK_FALSE(tx.find_app("none"));
  });
}

TEST_CASE("a connection reads back as it was written", "[ledger][accounts]") {
  data_folder d;
  ledger::connection c;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      auto draft = new_connection();
      draft.app_id = good(tx.insert_app({"", "acme", "main", "client", "", {}}, secret("s"))).id;
      draft.settings = {{"lane", "test"}, {"caf\xC3\xA9", "\"quoted\"\n"}};
      c = good(tx.insert_connection(draft));
      c.learned = {{"api_domain", "eu.example"}};
      c.auth.status = core::auth_status::needs_reauth;
      c.auth.reason = core::auth_reason::revoked;
      c.auth.http_status = 400;
      c.auth.provider_error = "invalid_grant";
      c.auth.since = d.clock.now();
      c.auth.generation = 7;
      c.auth.who = core::account{"42", "Acme NV", "test"};
      c.auth.scopes_missing = {"contacts"};
      c.auth.streams_affected = {"contacts", "companies"};
      c.auth.code = core::code_age{std::chrono::seconds{61}, std::chrono::seconds{90}};
      c.pinned = c.auth.who;
      good(tx.update_connection(c));
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto back = tx.find_connection(c.id);
    REQUIRE(back);
    CHECK(back->settings == c.settings);
    CHECK(back->learned == c.learned);
    CHECK(back->auth == c.auth);
    CHECK(back->pinned == c.pinned);
    CHECK(back->app_id == c.app_id);
    CHECK(back->customer == "customer-7");
    CHECK(tx.connections().size() == 1);
    auto unknown = c;
    unknown.id = "con-none";
    CHECK(tx.update_connection(unknown).error().code == errc::not_found);
    auto homeless = new_connection("homeless");
    homeless.app_id = "app-none";
    CHECK(tx.insert_connection(homeless).error().code == errc::not_found);
  });
}

TEST_CASE("a removed connection frees its name, keeps its row, and loses what opens the account",
          "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto old = connected(*l);
  doing(*l, [&](auto& tx) {
    good(tx.store_credentials(old.id, pair("a", "r"), 0));
    good(tx.insert_attempt(attempt_for(old.id, "h", d.clock.now() + std::chrono::hours(1))));
    CHECK(tx.insert_connection(new_connection()).error().code == errc::exists);

    good(tx.remove_connection(old.id, false));

    const auto next = good(tx.insert_connection(new_connection()));
    CHECK(next.id != old.id);
    CHECK(tx.connections().size() == 1);
    CHECK(tx.find_connection(old.id)->auth.status == core::auth_status::removed);
    CHECK(tx.find_connection(old.id)->auth.generation == 1);
    CHECK_FALSE(good(tx.find_credentials(old.id)));
    CHECK(tx.consume_attempt("h").error().code == errc::not_found);
    CHECK(tx.store_credentials(old.id, pair("a", "r"), 0).error().code == errc::not_found);
    CHECK(tx.remove_connection("con-none", false).error().code == errc::not_found);
  });
}

TEST_CASE("the renewal of a pair is remembered until it has an answer, and never beyond the pair",
          "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  const core::refresh_intent intent{1, d.clock.now(), 2};
  doing(*l, [&](auto& tx) {
    CHECK(tx.store_refresh_intent(c.id, intent).error().code == errc::stale);
    CHECK_FALSE(tx.find_token_age(c.id));
    auto first = pair("access 1", "refresh 1");
    first.obtained_at = d.clock.now() - std::chrono::minutes(5);
    first.expires_at = d.clock.now();
    good(tx.store_credentials(c.id, first, 0));
    CHECK(tx.find_token_age(c.id) == core::token_age{1, first.obtained_at, first.expires_at});
    good(tx.store_refresh_intent(c.id, intent));
  });
  l.reset();
  l = d.open();
  doing(*l, [&](auto& tx) {
    CHECK(good(tx.find_credentials(c.id))->intent == intent);
    good(tx.clear_refresh_intent(c.id, 2));
    CHECK(good(tx.find_credentials(c.id))->intent == intent);
    good(tx.clear_refresh_intent(c.id, 1));
    CHECK_FALSE(good(tx.find_credentials(c.id))->intent);
    good(tx.store_refresh_intent(c.id, intent));
    good(tx.store_credentials(c.id, pair("access 2", "refresh 2"), 1));
    CHECK_FALSE(good(tx.find_credentials(c.id))->intent);
    CHECK(tx.store_refresh_intent(c.id, intent).error().code == errc::stale);
  });
}

TEST_CASE("a token pair is stored over the generation that was read, or not at all", "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) {
    CHECK_FALSE(good(tx.find_credentials(c.id)));
    auto first = pair("access 1", "refresh 1");
    first.expires_at = d.clock.now() + std::chrono::hours(1);
    good(tx.store_credentials(c.id, first, 0));
    good(tx.store_credentials(c.id, pair("access 2", "refresh 2"), 1));

    CHECK(tx.store_credentials(c.id, pair("late", "late"), 1).error().code == errc::stale);
    CHECK(tx.store_credentials(c.id, pair("late", "late"), 0).error().code == errc::stale);
    CHECK(tx.store_credentials(c.id, pair("early", "early"), 3).error().code == errc::stale);

    const auto stored = good(tx.find_credentials(c.id));
    REQUIRE(stored);
    CHECK(stored->generation == 2);
    CHECK(stored->access_token.reveal() == "access 2");
    CHECK(stored->refresh_token.reveal() == "refresh 2");
    CHECK_FALSE(stored->expires_at);
    good(tx.delete_credentials(c.id));
    CHECK_FALSE(good(tx.find_credentials(c.id)));
  });
}

TEST_CASE("an attempt is taken once, an expired one still tells whose it was", "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  const auto soon = d.clock.now() + std::chrono::minutes(1);
  doing(*l, [&](auto& tx) {
    for (const char* hash : {"one", "two", "three"}) good(tx.insert_attempt(attempt_for(c.id, hash, soon)));
  });
  d.clock.advance(std::chrono::hours(1));
  doing(*l, [&](auto& tx) {
    const auto taken = good(tx.consume_attempt("one"));
    CHECK(taken.verifier.reveal() == "verifier of one");
    CHECK(taken.redirect_uri == "https://x.example/?a=b#c");
    CHECK(taken.confirmation == "expect:42");
    CHECK(taken.expires_at == soon);
    CHECK(tx.consume_attempt("one").error().code == errc::not_found);
    CHECK(good(tx.consume_newest_attempt(c.id)).state_hash == "three");
    CHECK(good(tx.consume_newest_attempt(c.id)).state_hash == "two");
    CHECK(tx.consume_newest_attempt(c.id).error().code == errc::not_found);
  });
}

TEST_CASE("attempts long expired are cleared away by the next", "[ledger][accounts]") {
  data_folder d;
  auto l = d.open();
  const auto c = connected(*l);
  doing(*l, [&](auto& tx) { good(tx.insert_attempt(attempt_for(c.id, "old", d.clock.now()))); });
  d.clock.advance(std::chrono::hours(25));
  doing(*l, [&](auto& tx) {
    good(tx.insert_attempt(attempt_for(c.id, "new", d.clock.now())));
    CHECK(tx.consume_attempt("old").error().code == errc::not_found);
    CHECK(good(tx.consume_attempt("new")).state_hash == "new");
  });
}

TEST_CASE("a row with an unknown word fails the work that reads it, not the ledger", "[ledger][accounts]") {
  data_folder d;
  tests::connected(*d.open());
  d.tamper("UPDATE connections SET auth = replace(auth, 'unconfigured', 'undreamt')");
  auto l = d.open();

  const auto read = l->write_blocking([](auto& tx) -> result<void> {
    tx.connections();
    return {};
  });

  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().code == errc::corrupt);
  CHECK(d.fatal.empty());
  doing(*l, [](auto& tx) { CHECK(tx.apps().empty()); });
}
