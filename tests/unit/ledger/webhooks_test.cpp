// SPDX-License-Identifier: Apache-2.0
// What came by webhook: sealed, in order, worked off after a reopening, bounded.

#include "host/core/fingerprint.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using core::secret;
using state = ledger::webhook::state;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

ledger::app some_app(ledger::transaction& tx, const std::string& name) {
  ledger::app a;
  a.provider = "snelstart";
  a.name = name;
  a.client_id = "short-name";
  return *tx.insert_app(a, secret("subscription"));
}

ledger::webhook came(ledger::transaction& tx, const ledger::app& a, const std::string& reference,
                     const std::string& body = "body-unseen") {
  ledger::webhook w;
  w.provider = a.provider;
  w.app_id = a.id;
  w.reference = reference;
  return *tx.insert_webhook(w, secret(body));
}

}  // namespace

TEST_CASE("an app has one webhook secret, which finds it again and is not in the file", "[ledger][webhooks]") {
  data_folder d;
  std::string first;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      const auto a = some_app(tx, "main"), b = some_app(tx, "other");
      first = tx.webhook_secret(a.id)->reveal();
      CHECK(first.size() == 43);
      CHECK(tx.webhook_secret(b.id)->reveal() != first);
      CHECK(tx.webhook_secret("app-none").has_error());
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto found = tx.find_app_by_webhook(core::fingerprint(first));
    REQUIRE(found);
    CHECK(found->name == "main");
    CHECK(tx.webhook_secret(found->id)->reveal() == first);
    CHECK_FALSE(tx.find_app_by_webhook(first));
    CHECK_FALSE(tx.find_app_by_webhook(""));
  });
  l.reset();
  CHECK(test::read_file(d.database()).find(first) == std::string::npos);
}

TEST_CASE("an app from before there were webhooks has an address when it is asked for", "[ledger][webhooks]") {
  data_folder d;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) { some_app(tx, "main"); });
  }
  d.tamper(R"sql(
DROP TABLE webhooks;
DROP TABLE webhook_addresses;
DROP INDEX apps_by_webhook;
DROP INDEX connections_by_reference;
ALTER TABLE apps DROP COLUMN webhook_secret;
ALTER TABLE apps DROP COLUMN webhook_digest;
ALTER TABLE connections DROP COLUMN reference;
DROP TABLE connect_links;
DROP INDEX attempts_of_link;
ALTER TABLE attempts DROP COLUMN link;
ALTER TABLE attempts DROP COLUMN browser;
DROP TABLE app_secrets;
ALTER TABLE apps DROP COLUMN secret_ends_at;
DROP TABLE held_deletions;
ALTER TABLE runs DROP COLUMN held;
PRAGMA user_version = 6;
)sql");
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto a = tx.apps().front();
    CHECK_FALSE(tx.find_app_by_webhook(""));
    const auto made = tx.webhook_secret(a.id)->clone();
    CHECK(tx.find_app_by_webhook(core::fingerprint(made.reveal()))->id == a.id);
  });
}

TEST_CASE("webhooks wait through a reopening, one of each reference at a time and in order", "[ledger][webhooks]") {
  data_folder d;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      const auto a = some_app(tx, "main");
      came(tx, a, "r1", "first");
      came(tx, a, "r1", "second");
      came(tx, a, "r2", "third");
    });
  }
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    auto next = tx.next_webhooks();
    REQUIRE(next.size() == 2);
    CHECK(tx.webhook_body(next[0].id)->reveal() == "first");
    CHECK(tx.webhook_body(next[1].id)->reveal() == "third");
    CHECK(tx.pending_webhooks(next[0].app_id) == 3);
    next[0].now = state::done;
    next[0].reason = "taken";
    tx.conclude_webhook(next[0]);
    next = tx.next_webhooks();
    CHECK(tx.webhook_body(next[0].id)->reveal() == "second");
    CHECK(tx.find_webhook("r1")->id == next[0].id);
  });
}

TEST_CASE("nothing of an app goes before an older one that nobody could read yet", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto a = some_app(tx, "main"), other = some_app(tx, "other");
    came(tx, a, "r1", "older");
    auto unread = came(tx, a, "", "unread");
    came(tx, a, "r2", "newer");
    came(tx, other, "r3", "of another");
    const auto bodies = [&] {
      std::vector<std::string> all;
      for (const auto& w : tx.next_webhooks()) all.emplace_back(tx.webhook_body(w.id)->reveal());
      return all;
    };
    CHECK(bodies() == std::vector<std::string>{"older", "unread", "of another"});
    // Read by now, and waiting for its turn with its body.
    unread.reference = "r1";
    tx.conclude_webhook(unread);
    CHECK(bodies() == std::vector<std::string>{"older", "newer", "of another"});
  });
}

TEST_CASE("a settled webhook has lost its body, one that is nobody's keeps it sealed", "[ledger][webhooks]") {
  data_folder d;
  {
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      const auto a = some_app(tx, "main");
      auto refused = came(tx, a, "r1"), nobodys = came(tx, a, "r2", "kept-unseen");
      refused.now = state::refused;
      refused.outcome.emplace();
      refused.outcome->status = core::auth_status::needs_reauth;
      refused.outcome->reason = core::auth_reason::account_mismatch;
      nobodys.now = state::unattributed;
      tx.conclude_webhook(refused);
      tx.conclude_webhook(nobodys);
      CHECK(tx.next_webhooks().empty());
      CHECK(tx.webhook_body(refused.id)->empty());
      CHECK(tx.webhook_body(nobodys.id)->reveal() == "kept-unseen");
      const auto all = tx.webhooks(10);
      REQUIRE(all.size() == 2);
      CHECK(all[0].now == state::unattributed);
      CHECK(all[1].outcome->reason == core::auth_reason::account_mismatch);
      CHECK(tx.webhooks(1).size() == 1);
    });
  }
  CHECK(d.everything().find("unseen") == std::string::npos);
}

TEST_CASE("what is settled goes by number and by age, what is pending stays", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto a = some_app(tx, "main"), b = some_app(tx, "other");
    came(tx, a, "pending");
    for (int i = 0; i < 10; ++i) {
      auto w = came(tx, a, "r" + std::to_string(i));
      w.now = state::done;
      tx.conclude_webhook(w);
    }
    auto others = came(tx, b, "x");
    others.now = state::done;
    tx.conclude_webhook(others);
    tx.trim_webhooks(a.id, 4, tx.now() - std::chrono::hours(1));
    const auto left = tx.webhooks(100);
    CHECK(left.size() == 6);  // four, the pending one, the other app's
    CHECK(left.back().reference == "pending");
    tx.trim_webhooks(b.id, 4, tx.now() + std::chrono::hours(1));
    CHECK(tx.webhooks(100).size() == 5);
  });
}

TEST_CASE("a connection is found by the reference of its key until it is removed", "[ledger][webhooks]") {
  data_folder d;
  auto l = d.open();
  auto c = tests::connected(*l);
  doing(*l, [&](auto& tx) {
    CHECK_FALSE(tx.find_connection_by_reference(""));
    c.reference = "digest";
    good(tx.update_connection(c));
    CHECK(tx.find_connection_by_reference("digest")->id == c.id);
    good(tx.remove_connection(c.id, false));
    CHECK_FALSE(tx.find_connection_by_reference("digest"));
  });
}
