// SPDX-License-Identifier: Apache-2.0
// Webhook addresses of connections, and what waits there until its record was read.

#include "host/core/fingerprint.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/show_result.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using core::secret;
using state = ledger::webhook::state;
using tests::data_folder;
using tests::doing;

namespace {

ledger::connection some_connection(ledger::transaction& tx, const std::string& name) {
  ledger::connection c;
  c.provider = "teamleader";
  c.name = name;
  return *tx.insert_connection(std::move(c));
}

std::int64_t came(ledger::transaction& tx, const ledger::connection& c, state now = state::waiting,
                  const std::string& body = "body-unseen") {
  ledger::webhook w;
  w.provider = c.provider;
  w.connection_id = c.id;
  w.now = now;
  return tx.insert_webhook(w, secret(body))->number;
}

}  // namespace

TEST_CASE("a connection has one webhook address, whose secrets are not in the file", "[ledger][webhooks]") {
  data_folder d;
  std::string word, token, id;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      const auto a = some_connection(tx, "acme"), b = some_connection(tx, "other");
      id = a.id;
      const auto made = tx.webhook_address_of(a.id);
      word = made->secret.reveal();
      token = made->token.reveal();
      CHECK(word.size() == 43);
      CHECK(token.size() == 43);
      CHECK(word != token);
      CHECK(tx.webhook_address_of(b.id)->secret.reveal() != word);
      CHECK(tx.webhook_address_of("con-none").has_error());
      CHECK_FALSE(tx.find_webhook_state("con-none"));
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    CHECK(tx.webhook_address_of(id)->secret.reveal() == word);
    CHECK(tx.webhook_addresses()->size() == 2);
  });
  l.reset();
  CHECK(test::read_file(d.database()).find(word) == std::string::npos);
  CHECK(test::read_file(d.database()).find(token) == std::string::npos);
}

TEST_CASE("the state of a registration is kept", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto c = some_connection(tx, "acme");
    auto a = *tx.webhook_address_of(c.id);
    CHECK(tx.find_webhook_state(c.id)->now == ledger::webhook_address::state::none);
    a.now = ledger::webhook_address::state::registered;
    a.places.current = "https://koppel.example";
    a.places.former = {"https://a.example", "https://b.example"};
    a.registered_at = tx.now();
    a.ends_at = tx.now() + std::chrono::hours{1};
    a.failures = 3;
    tx.store_webhook_state(a);
    tx.mark_webhook_received(c.id, tx.now());
    const auto kept = *tx.find_webhook_state(c.id);
    CHECK(kept.now == a.now);
    CHECK(kept.places == a.places);
    CHECK(kept.ends_at == a.ends_at);
    CHECK(kept.failures == 3);
    CHECK(kept.last_received_at == tx.now());
    CHECK(kept.secret.empty());
  });
}

TEST_CASE("what was hinted at waits through a restart, and its body goes when it is settled", "[ledger][webhooks]") {
  data_folder d;
  std::int64_t first = 0, second = 0;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      const auto c = some_connection(tx, "acme");
      first = came(tx, c);
      came(tx, c, state::done, "");
      second = came(tx, c);
      tx.widen_webhook(second, "companies");
      tx.widen_webhook(second, "contacts");
      tx.widen_webhook(second, "companies");
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    CHECK(tx.next_webhooks().empty());  // they bring no keys
    auto waiting = tx.waiting_webhooks(0, 10);
    REQUIRE(waiting.size() == 2);
    CHECK(waiting[0].about.number == first);
    CHECK(waiting[0].body.reveal() == "body-unseen");
    CHECK(waiting[0].streams.empty());
    CHECK(waiting[1].streams == std::vector<std::string>{"companies", "contacts"});
    CHECK(tx.waiting_webhooks(first, 10).size() == 1);
    CHECK(tx.waiting_webhooks(0, 1).size() == 1);
    CHECK(tx.newest_webhook() == second);
    tx.settle_webhooks({first, second}, "why");
    CHECK(tx.waiting_webhooks(0, 10).empty());
    const auto shown = tx.webhooks(10);
    REQUIRE(shown.size() == 3);
    CHECK(shown[0].now == state::done);
    CHECK(shown[0].reason == "why");
    CHECK(tx.webhook_body(shown[0].id)->empty());
  });
}

TEST_CASE("what is settled is trimmed, and what waits is not", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto c = some_connection(tx, "acme"), other = some_connection(tx, "other");
    for (int i = 0; i < 5; ++i) came(tx, c);
    for (int i = 0; i < 5; ++i) came(tx, c, state::done);
    for (int i = 0; i < 5; ++i) came(tx, other, state::done);
    tx.trim_webhooks_of(c.id, 2, tx.now() - std::chrono::hours{1});
    CHECK(tx.waiting_webhooks(0, 100).size() == 5);
    CHECK(tx.webhooks(100).size() == 12);
    tx.trim_webhooks_of(c.id, 2, tx.now() + std::chrono::hours{1});
    CHECK(tx.webhooks(100).size() == 10);
  });
}

TEST_CASE("with its connection an address goes, and what waited there is settled", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto c = some_connection(tx, "acme");
    CHECK(tx.webhook_address_of(c.id).has_value());
    came(tx, c);
    CHECK_FALSE(tx.remove_connection(c.id, false).has_error());
    CHECK(tx.webhook_addresses()->empty());
    CHECK(tx.waiting_webhooks(0, 10).empty());
    CHECK(tx.webhooks(10).at(0).now == state::refused);
    CHECK(tx.webhook_address_of(c.id).has_error());
    CHECK(tx.commit_hinted(1, c, {}, 1).has_error());
  });
}
