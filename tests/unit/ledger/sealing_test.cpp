// SPDX-License-Identifier: Apache-2.0
// Sealed values: only in their place, only with their key, only whole; and never in clear on disk.

#include "host/ledger/sealing.hpp"

#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using Catch::Contains;
using core::secret;
using ledger::errc;
using tests::data_folder;
using tests::doing;
using tests::good;

TEST_CASE("a sealed value opens in its place alone", "[ledger][sealing]") {
  data_folder d;
  const auto seals = good(ledger::sealer::from_file(d.key_file));
  const ledger::place home{"credentials", "c#1", "access_token"};

  const auto sealed = seals.seal(secret("s3cret"), home);

  CHECK(good(seals.open(sealed, home)).reveal() == "s3cret");
  CHECK(sealed != seals.seal(secret("s3cret"), home));
  for (const ledger::place& other : {ledger::place{"apps", "c#1", "access_token"},
                                     {"credentials", "c#2", "access_token"},
                                     {"credentials", "c#1", "refresh_token"},
                                     {"credential", "sc#1", "access_token"}}) {
    const auto opened = seals.open(sealed, other);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == errc::corrupt);
  }
}

TEST_CASE("a sealed value with any bit changed, or cut, does not open", "[ledger][sealing]") {
  data_folder d;
  const auto seals = good(ledger::sealer::from_file(d.key_file));
  const ledger::place home{"apps", "a", "client_secret"};
  const auto sealed = seals.seal(secret("s3cret"), home);

  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK_FALSE(seals.open(damaged, home).has_value());
    CHECK_FALSE(seals.open(sealed.substr(0, i), home).has_value());
  }
}

TEST_CASE("a value sealed with another key is told apart from a damaged one", "[ledger][sealing]") {
  data_folder d;
  const ledger::place home{"apps", "a", "client_secret"};
  const auto sealed = good(ledger::sealer::from_file(d.key_file)).seal(secret("s3cret"), home);
  d.write_key(std::string(64, 'b'));

  const auto opened = good(ledger::sealer::from_file(d.key_file)).open(sealed, home);

  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == errc::wrong_key);
}

TEST_CASE("two customers' tokens exchanged in the database do not open", "[ledger][sealing]") {
  data_folder d;
  std::string one, two;
  {
    auto l = d.open();
    one = tests::connected(*l, "one").id;
    two = tests::connected(*l, "two").id;
    doing(*l, [&](auto& tx) {
      for (const auto& id : {one, two}) {
        ledger::credentials c;
        c.access_token = secret("access of " + id);
        c.refresh_token = secret("refresh of " + id);
        good(tx.store_credentials(id, c, 0));
      }
    });
  }
  d.tamper("UPDATE credentials SET access_token = (SELECT access_token FROM credentials WHERE connection_id = '" + two +
           "') WHERE connection_id = '" + one + "'");

  auto l = d.open();

  doing(*l, [&](auto& tx) {
    const auto swapped = tx.find_credentials(one);
    REQUIRE_FALSE(swapped.has_value());
    CHECK(swapped.error().code == errc::corrupt);
    CHECK(good(tx.find_credentials(two))->access_token.reveal() == "access of " + two);
  });
}

TEST_CASE("no secret is in clear in any file, while the host runs and after", "[ledger][sealing]") {
  const std::string canary = "CANARY-7f3a";
  data_folder d;
  {
    auto l = d.open();
    const auto c = tests::connected(*l);
    doing(*l, [&](auto& tx) {
      const auto app =
          good(tx.insert_app({"", "acme", "main", "client-id", "https://x.example/", {}}, secret(canary + "1")));
      good(tx.update_app_secret(app.id, secret(canary + "2")));
      ledger::credentials pair;
      pair.access_token = secret(canary + "3");
      pair.refresh_token = secret(canary + "4");
      good(tx.store_credentials(c.id, pair, 0));
      ledger::attempt a;
      a.state_hash = "hash";
      a.connection_id = c.id;
      a.verifier = secret(canary + "5");
      a.expires_at = tx.now() + std::chrono::hours(1);
      good(tx.insert_attempt(std::move(a)));
    });
    CHECK_THAT(d.everything(), Contains("client-id"));  // the files are the right ones
    CHECK_THAT(d.everything(), !Contains(canary));
  }
  CHECK_THAT(d.everything(), !Contains(canary));
}
