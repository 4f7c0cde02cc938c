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
