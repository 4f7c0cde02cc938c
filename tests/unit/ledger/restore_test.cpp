// SPDX-License-Identifier: Apache-2.0
// An older copy of the database in the place of the one there was: noticed by the host, and by each consumer.

#include <koppel/bus/limits.hpp>

#include "follow_hub.hpp"
#include "host/ledger/high_water.hpp"
#include "tests/support/show_result.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using tests::data_folder;
using tests::doing;
using tests::good;

namespace {

struct situation {
  data_folder d;
  std::unique_ptr<ledger::ledger> l = d.open();
  ledger::connection c = tests::connected(*l);

  situation() { store_pair(0); }
  void store_pair(std::uint64_t expected) {
    doing(*l, [&](auto& tx) {
      ledger::credentials pair;
      pair.access_token = core::secret("access");
      pair.refresh_token = core::secret("refresh");
      good(tx.store_credentials(c.id, pair, expected));
    });
  }
  void tell(int events = 1) {
    doing(*l, [&](auto& tx) {
      for (int i = 0; i < events; ++i) good(tx.append({"auth.status", "", &c, "", {}}));
    });
  }
  void attempt() {
    doing(*l, [&](auto& tx) {
      ledger::attempt a;
      a.state_hash = "hash";
      a.connection_id = c.id;
      a.verifier = core::secret("verifier");
      a.expires_at = tx.now() + std::chrono::hours(1);
      good(tx.insert_attempt(std::move(a)));
    });
  }
  std::string backup() const { return d.root / "backup.db"; }
  void back_up() {
    l.reset();
    std::filesystem::copy_file(d.database(), backup());
    l = d.open();
  }
  void restore() {
    l.reset();
    for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(d.database() + end);
    std::filesystem::copy_file(backup(), d.database(), std::filesystem::copy_options::overwrite_existing);
  }
  std::optional<core::refresh_intent> intent() {
    std::optional<core::refresh_intent> out;
    doing(*l, [&](auto& tx) { out = good(tx.find_credentials(c.id))->intent; });
    return out;
  }
};

}  // namespace

TEST_CASE("an older copy with fewer events is noticed: its tokens are in doubt, its links void", "[ledger][restore]") {
  situation s;
  s.tell();
  s.attempt();
  s.back_up();
  CHECK_FALSE(s.intent());
  s.tell();
  s.restore();

  s.l = s.d.open();

  const auto intent = s.intent();
  REQUIRE(intent);
  CHECK(intent->presented == 1);
  CHECK(intent->generation == 1);
  CHECK(intent->began_at == s.d.clock.now());
  doing(*s.l, [&](auto& tx) { CHECK_FALSE(tx.consume_attempt("hash")); });

  // Once: what is settled stays so.
  doing(*s.l, [&](auto& tx) { good(tx.clear_refresh_intent(s.c.id, 1)); });
  s.l.reset();
  s.l = s.d.open();
  CHECK_FALSE(s.intent());
  s.restore();  // the same copy again
  s.l = s.d.open();
  CHECK(s.intent());
}

TEST_CASE("an older copy is noticed by its token pairs alone, whose renewal is no event", "[ledger][restore]") {
  situation s;
  s.back_up();
  SECTION("a pair was stored since") { s.store_pair(1); }
  SECTION("a renewal was begun since") {
    doing(*s.l, [&](auto& tx) { good(tx.store_refresh_intent(s.c.id, {1, tx.now(), 1})); });
  }
  s.restore();
  s.l = s.d.open();
  REQUIRE(s.intent());
  CHECK(s.intent()->presented == 1);
}

TEST_CASE("a copy that is as new, a database of its own and a mark that cannot be read are no older copy",
          "[ledger][restore]") {
  situation s;
  s.tell(3);
  s.back_up();
  SECTION("as new") { s.restore(); }
  SECTION("an unreadable mark") {
    s.l.reset();
    std::ofstream(s.d.folder + "/ledger.mark", std::ios::trunc) << "junk";
  }
  SECTION("a cut mark") {
    s.l.reset();
    std::filesystem::resize_file(s.d.folder + "/ledger.mark", 30);
  }
  SECTION("the mark of another database") {
    s.l.reset();
    ledger::high_water_file(s.d.folder).write({"0123456789abcdef", 99, 99});
  }
  s.l = s.d.open();
  CHECK_FALSE(s.intent());
}

TEST_CASE("an operator can say that the database is an older copy", "[ledger][restore]") {
  situation s;
  s.l.reset();
  s.l = good(ledger::ledger::open(
      {s.d.folder, s.d.key_file, true}, s.d.clock, [](failure) {}, [](std::uint64_t) {}));
  CHECK(s.intent());
}

TEST_CASE("consumers that are ahead of a restored database are told, the others go on", "[ledger][restore]") {
  situation s;
  s.tell(5);
  s.back_up();
  s.tell(5);
  std::vector<bus::position> positions;
  for (const auto& e : tests::events_in(*s.l)) positions.push_back({e.epoch, e.seq, e.id});
  s.restore();
  s.l = s.d.open();
  const auto source = s.l->make_event_source();
  const auto answer_to = [&](std::size_t seq) {
    bus::follow_hub hub(*source, {});
    const bus::follow_request request{"pro", positions[seq - 1], {}, bus::limits::credit_min};
    const auto answers = good(hub.receive("A", bus::encode_consumer_message(request), {}, "t"));
    const auto reply = bus::parse_host_message(answers.back().bytes);
    const auto* refused = std::get_if<bus::refused_message>(&*reply);
    return refused ? refused->code : "";
  };

  CHECK(answer_to(5).empty());
  CHECK(answer_to(6) == "position_ahead");
  s.d.clock.advance(std::chrono::hours(1));
  s.tell(10);
  CHECK(answer_to(5).empty());
  for (std::size_t seq = 6; seq <= 10; ++seq) CHECK(answer_to(seq) == "epoch_changed");
}
