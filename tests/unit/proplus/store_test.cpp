// SPDX-License-Identifier: Apache-2.0
// What each event does to the database: the rules that a consumer is told.

#include <fstream>

#include "database.hpp"
#include "schema.hpp"

using namespace koppel;
using koppel::proplus::testing::database;
namespace json = boost::json;

TEST_CASE("an upsert fills the columns: scalars as they are, lists and maps as JSON", "[proplus]") {
  database d;
  d.give({d.company("1", 1,
                    {{"name", "Acme"},
                     {"emails", {{{"type", "work"}, {"email", "a@b.c"}}}},
                     {"payment_term", {{"days", 30}}},
                     {"vat_number", nullptr},
                     {"something_new", 7}})});
  CHECK(d.sql("SELECT name FROM company") == "Acme");
  CHECK(d.sql("SELECT emails FROM company") == R"([{"type":"work","email":"a@b.c"}])");
  CHECK(d.sql("SELECT payment_term FROM company") == R"({"days":30})");
  CHECK(d.sql("SELECT vat_number FROM company") == "(null)");
  CHECK(d.sql("SELECT customer FROM connection") == "K1");
  CHECK(d.sql("SELECT seq FROM position") == "1");
}

TEST_CASE("an absent field keeps ours, null and empty are known to be empty, lists replace whole", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {{"name", "Acme"}, {"website", "w"}, {"iban", "i"}, {"tags", {"a", "b"}}})});
  d.give({d.company("1", 2, {{"name", "Acme 2"}, {"iban", nullptr}, {"tags", json::array()}})});
  CHECK(d.sql("SELECT name FROM company") == "Acme 2");
  CHECK(d.sql("SELECT website FROM company") == "w");
  CHECK(d.sql("SELECT iban FROM company") == "(null)");
  CHECK(d.sql("SELECT tags FROM company") == "[]");
}

TEST_CASE("a revision that is not newer is ignored", "[proplus]") {
  database d;
  d.give({d.company("1", 5, {{"name", "five"}}), d.company("1", 5, {{"name", "again"}}),
          d.company("1", 4, {{"name", "four"}})});
  CHECK(d.sql("SELECT name FROM company") == "five");
  d.give({d.company("1", 6, {{"name", "six"}})});
  CHECK(d.sql("SELECT name FROM company") == "six");
}

TEST_CASE("deletes and erasures remove, of the unknown too, an upsert after is a restore", "[proplus]") {
  database d;
  const auto gone = [&](const char* what, const char* id, int revision) {
    return d.make(std::string("sync.company.") + what, {{"entity", "company"}, {"id", id}, {"revision", revision}}, id);
  };
  d.give({gone("deleted", "unknown", 1), d.company("1", 1, {{"name", "a"}}), d.company("2", 3, {{"name", "b"}})});
  d.give({gone("deleted", "1", 2), gone("deleted", "2", 2)});
  CHECK(d.sql("SELECT count(*) FROM company WHERE id = '1'") == "0");
  CHECK(d.sql("SELECT count(*) FROM company WHERE id = '2'") == "1");  // the delete was older
  d.give({d.company("1", 3, {{"name", "back"}}), gone("erased", "2", 4)});
  CHECK(d.sql("SELECT name FROM company WHERE id = '1'") == "back");
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
}

TEST_CASE("the same record id in two connections is two records", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {{"name", "a"}}),
          d.make("sync.company.upserted", {{"id", "1"}, {"revision", 1}, {"data", {{"name", "b"}}}}, "1", "c2")});
  CHECK(d.sql("SELECT count(*) FROM company") == "2");
}

TEST_CASE("what arrives again is dropped and counted, and nothing is applied twice", "[proplus]") {
  database d;
  const std::vector<bus::event> events = {d.company("1", 1, {{"name", "a"}}), d.company("1", 2, {{"name", "b"}})};
  d.give(events);
  d.give(events);
  d.reopen();
  d.give(events);
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'duplicate'") == "4");
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'applied_twice'") == "0");
  CHECK(d.sql("SELECT count FROM applied WHERE type = 'sync.company.upserted'") == "2");
  CHECK(d.sql("SELECT seq FROM position") == "2");
}

TEST_CASE("the watchdog in the tables counts an effect that lands a second time", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {{"name", "a"}})});
  {
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec("UPDATE company SET name = 'b', last_seq = last_seq");
  }
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'applied_twice'") == "1");
}

TEST_CASE("the status is kept literally, and a lower generation is ignored", "[proplus]") {
  database d;
  const auto status = [&](int generation, const char* display) {
    return d.make("auth.status", {{"status", "needs_reauth"},
                                  {"display", display},
                                  {"generation", generation},
                                  {"reason", "revoked"},
                                  {"hint", {{"nl", "N"}, {"fr", "F"}, {"en", "E"}}},
                                  {"account", {{"id", "a1"}, {"name", "Acme BV"}}}});
  };
  d.give({status(3, "Failed, Status code: BadRequest"), status(2, "Success")});
  CHECK(d.sql("SELECT auth_status FROM connection") == "Failed, Status code: BadRequest");
  CHECK(d.sql("SELECT hint_nl || hint_fr || hint_en || account_id || account_name FROM connection") == "NFEa1Acme BV");
  d.give({status(3, "Success")});
  CHECK(d.sql("SELECT auth_status FROM connection") == "Success");
}

TEST_CASE("a removed connection is marked, and purged where that is said", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {{"name", "a"}}), d.make("connection.removed", {{"purge", false}})});
  CHECK(d.sql("SELECT status FROM connection") == "removed");
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
  d.give({d.make("connection.removed", {{"purge", true}})});
  CHECK(d.sql("SELECT count(*) FROM company") == "0");
}

TEST_CASE("a renamed connection is renamed here", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {})});
  auto e = d.make("connection.changed", {});
  e.connection = "acme-2", e.customer = "K2";
  d.give({e});
  CHECK(d.sql("SELECT name || customer FROM connection") == "acme-2K2");
}

TEST_CASE("unknown types and entities are ignored, counted and passed", "[proplus]") {
  database d;
  d.give({d.make("sync.invoice.upserted", {{"id", "1"}, {"revision", 1}}), d.make("something.new", {}),
          d.make("sync.company.merged", {})});
  CHECK(d.sql("SELECT seq FROM position") == "3");
  CHECK(d.sql("SELECT count(*) FROM applied") == "3");
}

TEST_CASE("data that cannot be read is set aside with its reason, and the rest goes on", "[proplus]") {
  database d;
  auto bad = d.make("sync.company.upserted", {}, "1");
  bad.data = "\x81\xa1k\xa1\xff";
  d.give({bad, d.company("2", 1, {{"name", "b"}})});
  CHECK(d.sql("SELECT count(*) FROM unreadable") == "1");
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
}

TEST_CASE("effects and position are one transaction", "[proplus]") {
  database d;
  d.give({d.company("1", 1, {{"name", "a"}})});
  {
    // A fault in the middle of a delivery: the third event's table is gone.
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec("CREATE TRIGGER boom BEFORE INSERT ON company WHEN NEW.id = '3' BEGIN SELECT raise(FAIL, 'boom'); END");
  }
  const std::vector<bus::event> events = {d.company("2", 1, {{"name", "b"}}), d.company("3", 1, {{"name", "c"}})};
  REQUIRE_FALSE(d.s->apply({events, {"e1", 3, events.back().id}, 0}));
  CHECK(d.sql("SELECT count(*) FROM company") == "1");
  CHECK(d.sql("SELECT seq FROM position") == "1");
  {
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec("DROP TRIGGER boom");
  }
  d.reopen();
  d.give(events);
  CHECK(d.sql("SELECT count(*) FROM company") == "3");
  CHECK(d.sql("SELECT value FROM counter WHERE name = 'duplicate'") == "0");
}

TEST_CASE("the journal is one range, unless an event is applied twice or never", "[proplus]") {
  database d;
  const auto journal = [&] { return d.sql("SELECT group_concat(walk || ': ' || first || '-' || last) FROM journal"); };
  d.give({d.company("1", 1, {{"name", "a"}}), d.company("2", 1, {{"name", "b"}})});
  auto again = d.company("3", 1, {{"name", "c"}});
  d.give({again});
  d.give({again});  // what the host sends twice is applied once
  d.reopen();
  d.give({d.full_sync()});
  CHECK(journal() == "1: 1-4");

  ++d.seq;
  d.give({d.company("5", 1, {{"name", "e"}})});
  CHECK(journal() == "1: 1-4,1: 6-6");

  REQUIRE(d.s->begin_again());
  CHECK(journal() == "(null)");
}

TEST_CASE("the journal begins behind a snapshot, whose seqs have holes", "[proplus]") {
  database d;
  const auto journal = [&] { return d.sql("SELECT group_concat(walk || ': ' || first || '-' || last) FROM journal"); };
  const auto next = [&](const std::string& id) { return d.company(id, 1, {{"name", "a"}}); };
  d.give({next("1")});
  REQUIRE(d.s->begin_again());
  d.seq = 10;
  auto first = next("1");
  d.seq = 20;
  d.walk({first, next("2")}, 40);
  d.reopen();
  d.seq = 30;
  auto third = next("3");
  d.seq = 39;
  d.give({third, next("4")});  // the last page
  CHECK(journal() == "(null)");
  d.give({next("5")});
  d.reopen();
  d.give({next("6")});
  CHECK(journal() == "2: 41-42");
}

TEST_CASE("a database of any other version is refused with what to do, and doing it helps", "[proplus]") {
  const int version = GENERATE(0, 1, 3);
  database d;
  d.give({d.company("1", 1, {{"name", "a"}})});
  d.s.reset();
  {
    SQLite::Database db(d.file().string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = " + std::to_string(version));
  }
  auto opened = proplus::store::open(d.file());
  REQUIRE_FALSE(opened);
  const auto& why = opened.error().detail;
  CHECK(why.find("version " + std::to_string(version) + ", this program reads version 2 only") != std::string::npos);
  CHECK(why.find("delete it") != std::string::npos);

  for (const auto* part : {"", "-wal", "-shm"}) std::filesystem::remove(d.file().string() + part);
  d.reopen();
  CHECK(d.s->start() == koppel::bus::start_at(koppel::bus::from_start{}));  // so it follows from the start
  d.give({d.company("1", 1, {{"name", "a"}})});
  CHECK(d.sql("SELECT name FROM company") == "a");
}

TEST_CASE("a database of another program is refused with a sentence", "[proplus]") {
  database d;
  d.s.reset();
  {
    SQLite::Database db((d.root / "other.db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE theirs (x)");
  }
  const auto opened = proplus::store::open(d.root / "other.db");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().detail.find("another program") != std::string::npos);
  std::ofstream(d.root / "text")
      << "this is no database at all, only a text that is long enough to be read as a header of one.";
  CHECK_FALSE(proplus::store::open(d.root / "text"));
  CHECK_FALSE(proplus::store::open(d.root / "nowhere" / "x.db"));
  d.s.reset();
}

TEST_CASE("the summary counts what is there", "[proplus][show]") {
  database d;
  d.give({d.company("1", 1, {{"name", "a"}}),
          d.make("auth.status", {{"status", "authorized"}, {"display", "Success"}, {"generation", 1}}), d.full_sync()});
  const auto s = proplus::summary(d.file());
  REQUIRE(s);
  const json::object& c = s->at("connections").as_array().at(0).as_object();
  CHECK(c.at("rows").as_object().at("company").as_int64() == 1);
  CHECK(c.at("auth_status").as_string() == "Success");
  const std::string table = proplus::table_of(*s);
  CHECK(table.find("Success") != std::string::npos);
  CHECK(table.find("position 3, 3 events applied, 0 duplicates dropped, 0 applied twice") != std::string::npos);
  CHECK_FALSE(proplus::summary(d.root / "nothing.db"));
}
