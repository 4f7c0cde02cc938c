// SPDX-License-Identifier: Apache-2.0
// Opening: what is refused, with which sentence, and that a refused database stays as it is.

#include <unistd.h>

#include "tests/support/read_file.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using Catch::Contains;
using ledger::errc;
using tests::connected;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

/// Undoes every migration.
constexpr const char* back_to_version_1 = R"sql(
ALTER TABLE credentials DROP COLUMN obtained_at;
ALTER TABLE credentials DROP COLUMN intent_at;
ALTER TABLE credentials DROP COLUMN intent_presented;
ALTER TABLE credentials DROP COLUMN unproven;
ALTER TABLE streams DROP COLUMN inconclusive;
ALTER TABLE streams DROP COLUMN last_inconclusive_at;
ALTER TABLE record_sets DROP COLUMN known;
DROP TABLE refused;
DROP INDEX runs_of;
DROP TABLE expendable_events;
DROP TABLE newest_events;
DROP TABLE history_marks;
DROP TABLE api_tokens;
DROP TABLE app_secrets;
ALTER TABLE apps DROP COLUMN secret_ends_at;
DROP TABLE held_deletions;
ALTER TABLE runs DROP COLUMN held;
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
DELETE FROM meta WHERE key IN ('grants', 'horizon', 'history_bytes');
PRAGMA user_version = 1;
)sql";

}  // namespace

TEST_CASE("a ledger opens again with its epoch and its head", "[ledger]") {
  data_folder d;
  std::string epoch;
  {
    auto l = d.open();
    epoch = l->epoch();
    tests::doing(*l, [](auto& tx) { tests::good(tx.append({"plugin.loaded", "", nullptr, "acme", {}})); });
  }
  auto l = d.open();
  CHECK(epoch.size() == 16);
  CHECK(l->epoch() == epoch);
  tests::doing(*l, [](auto& tx) { CHECK(tx.head() == 1); });
}

TEST_CASE("the data folder is made for its owner alone, and one that others may enter is refused", "[ledger]") {
  data_folder d;
  d.open();
  CHECK((std::filesystem::status(d.folder).permissions() & std::filesystem::perms::all) ==
        std::filesystem::perms::owner_all);

  ::chmod(d.folder.c_str(), 0750);
  CHECK_THAT(d.refusal().detail, Contains("chmod 700 " + d.folder));
}

TEST_CASE("a missing key file is answered with how to make one, and nothing is made", "[ledger]") {
  data_folder d;
  std::filesystem::remove(d.key_file);

  const auto why = d.refusal();

  CHECK(why.code == errc::wrong_key);
  CHECK(why.detail == "There is no key file " + d.key_file + "; make one with: openssl rand -hex 32 > " + d.key_file +
                          " && chmod 600 " + d.key_file);
  CHECK_FALSE(std::filesystem::exists(d.folder));
}

TEST_CASE("a key file that others may read, or that holds no key, is refused", "[ledger]") {
  data_folder d;

  d.write_key(tests::some_key, 0644);
  CHECK_THAT(d.refusal().detail, Contains("chmod 600"));
  d.write_key(tests::some_key, 0640);
  CHECK_THAT(d.refusal().detail, Contains("chmod 600"));
  d.write_key(std::string(64, '0'));
  CHECK_THAT(d.refusal().detail, Contains("all zeros"));
  for (const std::string& text : {std::string(), std::string(62, 'a'), std::string(63, 'a'), std::string(66, 'a'),
                                  std::string(64, 'g'), std::string(32, '\x01'), std::string(4096, 'a')}) {
    d.write_key(text);
    CHECK_THAT(d.refusal().detail, Contains("64 hex digits"));
  }
  for (const std::string& text : {std::string(64, 'A'), tests::some_key + "\r\n", tests::some_key}) {
    d.write_key(text);
    d.open();
  }
}

TEST_CASE("another key is refused by name, and the database stays byte for byte", "[ledger]") {
  data_folder d;
  d.open();
  const auto before = d.everything();
  d.write_key(std::string(64, 'b'));

  const auto why = d.refusal();

  CHECK(why.code == errc::wrong_key);
  CHECK_THAT(why.detail, Contains("is not the one that sealed the secrets in " + d.database()));
  CHECK_THAT(why.detail, !Contains(std::string(8, 'b')));
  std::filesystem::remove(d.database() + "-wal");
  std::filesystem::remove(d.database() + "-shm");
  CHECK(d.everything() == before);
}

TEST_CASE("a second host is refused and told who holds the folder", "[ledger]") {
  data_folder d;
  auto first = d.open();

  const auto why = d.refusal();

  CHECK(why.code == errc::locked);
  CHECK_THAT(why.detail, Contains("process " + std::to_string(::getpid())));
  first.reset();
  d.open();
}

TEST_CASE("a database of a newer version is refused and left alone", "[ledger]") {
  data_folder d;
  d.open();
  d.tamper("PRAGMA user_version = 99");

  const auto why = d.refusal();

  CHECK(why.code == errc::schema);
  CHECK_THAT(why.detail, Contains("version 99"));
  d.tamper("PRAGMA user_version = 12");
  d.open();
}

TEST_CASE("a database of version 1 is brought up to date with what it holds", "[ledger]") {
  data_folder d;
  std::string id;
  {
    auto l = d.open();
    id = connected(*l).id;
    doing(*l, [&](auto& tx) {
      ledger::credentials pair;
      pair.access_token = core::secret("access");
      pair.refresh_token = core::secret("refresh");
      good(tx.store_credentials(id, pair, 0));
    });
  }
  d.tamper(back_to_version_1);
  std::filesystem::remove(d.folder + "/ledger.mark");  // which that version did not have

  auto l = d.open();
  doing(*l, [&](auto& tx) {
    const auto found = good(tx.find_credentials(id));
    REQUIRE(found);
    CHECK(found->refresh_token.reveal() == "refresh");
    CHECK(found->obtained_at == core::instant{});
    CHECK_FALSE(found->intent);
    CHECK(found->unproven == "ask");  // bound to no account
  });
}

TEST_CASE("a host that dies while it brings a database up to date leaves the old one or the new one", "[ledger]") {
  data_folder d;
  std::string id;
  {
    auto l = d.open();
    id = connected(*l).id;
  }
  d.tamper(back_to_version_1);
  const auto old = test::read_file(d.database());
  const bool power_is_lost = GENERATE(false, true);
  std::uint64_t died_at = 0;

  for (bool died = true; died;) {
    died = false;
    tests::simulated_disk disk;
    disk.put(d.database(), old);
    const auto last = ++died_at;
    std::uint64_t number = 0;
    disk.on_operation = [&](const auto&) {
      if (++number != last) return tests::simulated_disk::fault::proceed;
      died = true;
      return tests::simulated_disk::fault::power_lost;
    };
    (void)d.try_open();
    disk.on_operation = nullptr;
    power_is_lost ? disk.lose_power(last) : disk.kill();

    INFO("operation " << last);
    auto l = d.open();
    doing(*l, [&](auto& tx) {
      CHECK(tx.find_connection(id));
      CHECK_FALSE(good(tx.find_credentials(id)));
    });
  }
  CHECK(died_at > 15);
}

TEST_CASE("an empty, foreign, cut or damaged file is not taken for the ledger", "[ledger]") {
  data_folder d;
  d.open();

  SECTION("empty") {
    std::filesystem::resize_file(d.database(), 0);
    CHECK_THAT(d.refusal().detail, Contains("is empty"));
    CHECK(std::filesystem::file_size(d.database()) == 0);
  }
  SECTION("another program's") {
    d.tamper("PRAGMA application_id = 1");
    CHECK_THAT(d.refusal().detail, Contains("not a Koppel database"));
  }
  SECTION("text") {
    std::ofstream(d.database(), std::ios::trunc) << std::string(8192, 'x');
    CHECK(d.refusal().code == errc::corrupt);
  }
  SECTION("cut in the middle") {
    std::filesystem::resize_file(d.database(), 4096);
    CHECK(d.refusal().code == errc::corrupt);
  }
  SECTION("a bit of the sealed canary") {
    d.tamper("UPDATE meta SET value = substr(value, 1, 40) || x'00' || substr(value, 42) WHERE key = 'canary'");
    CHECK_THAT(d.refusal().detail, Contains("damaged canary"));
  }
}

TEST_CASE("a counter that disagrees with the events is refused: it would give a seq twice", "[ledger]") {
  data_folder d;
  tests::doing(*d.open(), [](auto& tx) {
    for (int i = 0; i < 3; ++i) tests::good(tx.append({"plugin.loaded", "", nullptr, "acme", {}}));
  });
  d.tamper("UPDATE meta SET value = 2 WHERE key = 'head'");

  const auto why = d.refusal();

  CHECK(why.code == errc::corrupt);
  CHECK_THAT(why.detail, Contains("counter of events says 2, the newest event is 3"));
}

TEST_CASE("what was left of an unfinished creation is not met again", "[ledger]") {
  data_folder d;
  std::filesystem::create_directory(d.folder);
  ::chmod(d.folder.c_str(), 0700);
  std::ofstream(d.database() + ".new") << "half of something";

  d.open();

  CHECK_FALSE(std::filesystem::exists(d.database() + ".new"));
}

TEST_CASE("a database of the first version is brought up, with what it knows counted", "[ledger][open]") {
  data_folder d;
  ledger::connection c, removed;
  {
    auto l = d.open();
    c = tests::connected(*l);
    removed = tests::connected(*l, "removed");
    tests::doing(*l, [&](auto& tx) {
      auto r = tests::good(tx.begin_run(c, "companies", "company", ledger::run_mode::full, "manual"));
      messages::page page;
      page.records = {tests::said("1", {tests::core_facet(R"({"name":"A"})")}),
                      tests::said("2", {tests::core_facet(R"({"name":"B"})")})};
      tests::good(tx.commit_page(r, c, page, 1, "absent", false));
      tests::good(tx.begin_run(removed, "companies", "company", ledger::run_mode::full, "manual"));
    });
  }
  d.tamper(back_to_version_1);
  std::filesystem::remove(d.folder + "/ledger.mark");  // which that version did not have
  d.tamper("UPDATE connections SET removed_at = 1 WHERE name = 'removed'");

  auto l = d.open();

  tests::doing(*l, [&](auto& tx) {
    CHECK(tx.known_records(c.id, "company") == 2);
    CHECK(tx.history().horizon == 1);
    CHECK(tx.history().bytes > 0);
    REQUIRE(tx.open_runs().size() == 1);
    CHECK(tx.open_runs()[0].connection_id == c.id);
    CHECK(tx.find_stream(c.id, "companies")->inconclusive == 0);
  });
}
