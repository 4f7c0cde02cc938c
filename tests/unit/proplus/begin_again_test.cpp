// SPDX-License-Identifier: Apache-2.0
// When the host's history is another one: read a snapshot of it, and only then let go of what it does not have.

#include "database.hpp"

using koppel::proplus::testing::database;

namespace {

/// Ours holds 1, 2 and 3; then the host's history is replaced.
void begin(database& d) {
  d.give({d.company("1", 9, {{"name", "one"}}), d.company("2", 1, {{"name", "two"}}),
          d.company("3", 1, {{"name", "three"}}), d.full_sync()});
  REQUIRE(d.s->begin_again());
  REQUIRE(d.s->start() == koppel::bus::start_at(koppel::bus::from_snapshot{}));
  d.seq = 0;
}

std::string ids(database& d) { return d.sql("SELECT group_concat(id, '') FROM (SELECT id FROM company ORDER BY id)"); }

std::int64_t proplus_counter(database& d, const char* name) {
  const auto s = koppel::proplus::summary(d.file());
  REQUIRE(s);
  return s->at("counters").as_object().at(name).as_int64();
}

}  // namespace

TEST_CASE("what a snapshot lacks goes when what changed meanwhile has come too, and a full reading was complete",
          "[proplus][again]") {
  database d;
  begin(d);
  d.walk({d.company("1", 1, {{"name", "uno"}})}, 2);
  REQUIRE(d.s->note_head(1));  // of a heartbeat, in the middle
  CHECK(ids(d) == "123");
  d.give({d.auth_status()});  // its end
  CHECK(ids(d) == "123");
  REQUIRE(d.s->note_head(4));
  d.give({d.full_sync()});
  CHECK(ids(d) == "123");  // complete, but something changed while it was walked
  d.give({d.company("2", 1, {{"name", "due"}})});
  CHECK(ids(d) == "12");
  CHECK(d.sql("SELECT name FROM company WHERE id = '1'") == "uno");  // a lower revision of another history counts
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'swept'") == "1");
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'applied_twice'") == "0");
}

TEST_CASE("a full reading that the snapshot itself holds concludes nothing: what it lacks may have come since",
          "[proplus][again]") {
  database d;
  begin(d);
  d.walk({d.company("1", 1, {}), d.full_sync()}, 3);
  d.give({d.full_sync()});  // the last page
  REQUIRE(d.s->note_head(3));
  CHECK(ids(d) == "123");
  d.reopen();
  d.give({d.company("2", 2, {})});  // the provider has it, and the host finds it again
  CHECK(ids(d) == "123");
  d.give({d.full_sync()});
  CHECK(ids(d) == "12");
}

TEST_CASE("a walk that was cut goes on where it was", "[proplus][again]") {
  using koppel::bus::from_snapshot;
  using koppel::bus::start_at;
  database d;
  begin(d);
  d.reopen();
  CHECK(d.s->start() == start_at(from_snapshot{}));
  d.walk({d.company("1", 1, {}), d.company("2", 1, {})}, 3);
  d.reopen();
  CHECK(d.s->start() == start_at(from_snapshot{{"e1", 3, "id"}, 2}));
  d.give({d.auth_status()});
  d.reopen();
  CHECK(std::get<koppel::bus::position>(d.s->start()).seq == 3);
  REQUIRE(d.s->note_head(3));
  d.give({d.full_sync()});
  CHECK(ids(d) == "12");
}

TEST_CASE("an incremental, an incomplete or another stream's reading concludes nothing", "[proplus][again]") {
  database d;
  begin(d);
  d.give({d.company("1", 1, {})});
  REQUIRE(d.s->note_head(1));
  d.give({d.full_sync("companies", false), d.full_sync("companies", true, "incremental"), d.full_sync("contacts")});
  CHECK(ids(d) == "123");
}

TEST_CASE("the first walk never sweeps: what is here came from this very history", "[proplus][again]") {
  database d;
  d.give({d.company("1", 1, {}), d.full_sync()});
  REQUIRE(d.s->note_head(2));
  CHECK(ids(d) == "1");
}

TEST_CASE("beginning again survives a restart before what changed meanwhile has come", "[proplus][again]") {
  database d;
  begin(d);
  d.give({d.company("1", 1, {})});
  REQUIRE(d.s->note_head(3));
  d.give({d.full_sync()});
  d.reopen();
  CHECK(ids(d) == "123");
  d.give({d.company("1", 2, {})});
  CHECK(ids(d) == "1");
}

TEST_CASE("our own guard holds a sweep of most of many rows, until a person confirms", "[proplus][again]") {
  database d;
  std::vector<koppel::bus::event> many;
  for (int i = 0; i < 300; ++i) many.push_back(d.company(std::to_string(i), 1, {}));
  d.give(many);
  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.give({d.company("1", 1, {})});
  REQUIRE(d.s->note_head(1));
  d.give({d.full_sync()});
  CHECK(d.sql("SELECT count(*) FROM company") == "300");
  const auto s = koppel::proplus::summary(d.file());
  CHECK(s->at("counters").as_object().at("sweeps_held").as_int64() == 1);
  CHECK(*d.s->confirm_sweep() == 299);
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
}

TEST_CASE("a status of the new history counts although its generation is lower", "[proplus][again]") {
  database d;
  d.give({d.auth_status()});
  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.give({d.make("auth.status", {{"display", "Failed, access revoked"}, {"generation", 1}})});
  CHECK(d.sql("SELECT auth_status FROM connection") == "Failed, access revoked");
}

TEST_CASE("a connection that the new history does not have is shown as such, and its rows go when a person says so",
          "[proplus][again]") {
  database d;
  const auto of_c2 = [&](const std::string& id) {
    return d.make("sync.contact.upserted", {{"id", id}, {"revision", 1}, {"data", {{"name", id}}}}, id, "c2");
  };
  d.give({d.company("1", 1, {}), d.auth_status(), of_c2("7"), of_c2("8"),
          d.make("auth.status", {{"status", "authorized"}, {"display", "Success"}, {"generation", 9}}, "", "c2")});
  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.walk({d.company("1", 1, {})}, 2);
  CHECK(d.sql("SELECT auth_status FROM connection WHERE connection_id = 'c2'") == "Success");
  d.give({d.auth_status()});
  REQUIRE(d.s->note_head(3));
  CHECK(d.sql("SELECT auth_status FROM connection WHERE connection_id = 'c2'") == "Success");  // it may come yet
  d.give({d.full_sync()});

  CHECK(d.sql("SELECT auth_status FROM connection WHERE connection_id = 'c2'") == "Failed, unknown to Koppel");
  CHECK(d.sql("SELECT status FROM connection WHERE connection_id = 'c2'") == "not_in_history");
  CHECK(d.sql("SELECT removed_at IS NOT NULL FROM connection WHERE connection_id = 'c2'") == "1");
  CHECK(d.sql("SELECT auth_status || (removed_at IS NULL) FROM connection WHERE connection_id = 'c1'") == "Success1");
  CHECK(d.sql("SELECT count(*) FROM contact") == "2");
  CHECK(proplus_counter(d, "sweeps_held") == 1);
  d.reopen();
  CHECK(*d.s->confirm_sweep() == 2);
  CHECK(d.sql("SELECT count(*) FROM contact") == "0");
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
  CHECK(*d.s->confirm_sweep() == 0);
}

TEST_CASE("a connection that a later history has again is what that says, and one that it lacks again is held again",
          "[proplus][again]") {
  database d;
  const auto other = [&](const std::string& connection) {
    return d.make("auth.status", {{"status", "authorized"}, {"display", "Success"}, {"generation", 1}}, "", connection);
  };
  const auto company_of = [&](const std::string& connection) {
    return d.make("sync.company.upserted", {{"id", "1"}, {"revision", 1}}, "1", connection);
  };
  d.give({other("c1"), other("c2"), company_of("c2"), other("c3"), company_of("c3")});
  const auto again_with = [&](const std::vector<std::string>& connections) {
    REQUIRE(d.s->begin_again());
    d.seq = 0;
    std::vector<koppel::bus::event> events;
    for (const auto& connection : connections) events.push_back(other(connection));
    d.give(events);
    REQUIRE(d.s->note_head(d.seq));
  };
  again_with({"c1"});
  CHECK(d.sql("SELECT count(*) FROM connection WHERE status = 'not_in_history'") == "2");
  CHECK(proplus_counter(d, "sweeps_held") == 2);

  again_with({"c1", "c2"});  // the right data folder, but an old copy
  CHECK(d.sql("SELECT auth_status || (removed_at IS NULL) FROM connection WHERE connection_id = 'c2'") == "Success1");
  CHECK(d.sql("SELECT status FROM connection WHERE connection_id = 'c3'") == "not_in_history");
  CHECK(proplus_counter(d, "sweeps_held") == 1);
  CHECK(*d.s->confirm_sweep() == 1);
  CHECK(d.sql("SELECT connection_id FROM company") == "c2");
}

TEST_CASE("a removal that a restored history does not have is undone, and one that it has stays", "[proplus][again]") {
  database d;
  const auto status = [&] {
    return d.make("auth.status", {{"status", "authorized"}, {"display", "Success"}, {"generation", 7}});
  };
  const auto removal = [&] { return d.make("connection.removed", {{"purge", false}}); };
  d.give({status(), removal()});
  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.walk({d.make("connection.created", {{"app", "main"}})}, 2);
  CHECK(d.sql("SELECT removed_at FROM connection") == "(null)");
  CHECK(d.sql("SELECT status FROM connection") == "(null)");  // a removed one's status counts no more
  d.give({status()});
  CHECK(d.sql("SELECT removed_at FROM connection") == "(null)");
  CHECK(d.sql("SELECT auth_status FROM connection") == "Success");

  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.walk({status()}, 3);
  d.give({removal(), d.make("plugin.loaded", {}, "", "")});
  CHECK(d.sql("SELECT removed_at IS NOT NULL FROM connection") == "1");
  CHECK(d.sql("SELECT status FROM connection") == "removed");
}

TEST_CASE("what a person confirmed goes in parts, so that whoever follows is held up by none for long",
          "[proplus][again]") {
  database d;
  d.give({d.company("1", 1, {})});
  REQUIRE(d.s->begin_again());
  d.seq = 0;
  d.give({d.auth_status()});
  REQUIRE(d.s->note_head(1));
  {
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec(
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
        "INSERT INTO company (connection_id, id, revision, walk, last_seq) SELECT 'c1', i, 1, 1, 1 FROM n;"
        // A fault in the second part.
        "CREATE TRIGGER boom BEFORE DELETE ON company WHEN OLD.id = '9999' "
        "BEGIN SELECT raise(FAIL, 'boom'); END");
  }
  d.give({d.full_sync()});
  CHECK(d.sql("SELECT count(*) FROM company") == "12000");
  REQUIRE_FALSE(d.s->confirm_sweep());
  CHECK(d.sql("SELECT count(*) FROM company") == "2000");
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'swept'") == "10000");
  CHECK(proplus_counter(d, "sweeps_held") == 1);

  {
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec("DROP TRIGGER boom");
  }
  d.reopen();
  CHECK(*d.s->confirm_sweep() == 2000);
  CHECK(proplus_counter(d, "sweeps_held") == 0);
}

TEST_CASE("while another process writes nothing is changed, and the same works afterwards", "[proplus][again]") {
  database d;
  d.reopen(std::chrono::milliseconds{1});
  const std::vector<koppel::bus::event> events = {d.company("1", 1, {{"name", "a"}})};
  const koppel::bus::delivery delivery{events, {"e1", 1, events.back().id}, 0};
  {
    SQLite::Database other(d.file().string(), SQLite::OPEN_READWRITE);
    other.exec("BEGIN IMMEDIATE");
    const auto outcome = d.s->apply(delivery);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == boost::system::errc::resource_unavailable_try_again);
    CHECK(outcome.error().detail.find("in use by another process") != std::string::npos);
    CHECK_FALSE(d.s->begin_again());
    CHECK_FALSE(d.s->confirm_sweep());
    other.exec("ROLLBACK");
  }
  REQUIRE(d.s->apply(delivery));
  CHECK(d.sql("SELECT name FROM company") == "a");
  CHECK(d.sql("SELECT number FROM walk") == "1");
}
