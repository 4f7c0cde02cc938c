// SPDX-License-Identifier: Apache-2.0
// A withdrawal comes after whatever was being registered, or ends it, and nothing is registered behind it.

#include <catch2/catch.hpp>

#include "tests/unit/hooks/hooks_world.hpp"

namespace koppel::test {

using namespace std::chrono_literals;
using Catch::Contains;
using texts = std::vector<std::string>;

namespace {

const std::string add_here = std::string("add ") + here, drop_here = std::string("drop ") + here;

void be_registering(hooks_world& w, hooks::registrar::limits limits = {}) {
  w.server->hold();
  w.begin(here, limits);
  run_until(w.io, [&] { return w.server->held() == 1; });
}

}  // namespace

TEST_CASE("a withdrawal waits for the registration that is under way", "[hooks][withdrawal]") {
  hooks_world w;
  be_registering(w);
  w.withdraw();
  w.io.restart();
  w.io.poll();
  CHECK_FALSE(w.left);
  CHECK(w.asked() == texts{add_here});

  w.server->release();
  run_until(w.io, [&] { return w.left.has_value(); });
  CHECK(w.left->empty());
  CHECK(w.asked() == texts{add_here, drop_here});
  CHECK_FALSE(w.kept().places.any());
}

TEST_CASE("a registration that takes too long is ended by a withdrawal, and removed", "[hooks][withdrawal]") {
  hooks_world w;
  be_registering(w, {10s, 20ms, 60s});
  w.withdraw();
  run_until(w.io, [&] { return w.asked().size() == 2; });
  w.server->release();
  run_until(w.io, [&] { return w.left.has_value(); });
  CHECK(w.left->empty());
  CHECK(w.asked() == texts{add_here, drop_here});
  CHECK_FALSE(w.kept().places.any());
}

TEST_CASE("what the provider does not answer in time is told, and removed when it does", "[hooks][withdrawal]") {
  hooks_world w;
  w.begin(here, {40ms, 20ms, 60s});
  w.until(address_state::registered);
  w.server->hold();
  CHECK_THAT(w.withdrawn(), Contains(here) && Contains("has not answered yet"));
  w.server->release();
  run_until(w.io, [&] { return w.idle(); });
  CHECK_FALSE(w.kept().places.any());
}

TEST_CASE("a removal that takes longer than the withdrawal goes on behind the connection's own",
          "[hooks][withdrawal]") {
  hooks_world w;
  w.begin(here, {40ms, 20ms, 60s});
  w.until(address_state::registered);
  w.says["POST /hooks/drop"] = {http_answer(200, R"({"more":true})"), done};
  w.server->hold();
  CHECK_THAT(w.withdrawn(), Contains("has not answered yet"));
  w.write([&](ledger::transaction& tx) {
    REQUIRE(tx.remove_connection(w.c.id, false));
    w.c = *tx.find_connection(w.c.id);
  });
  w.provider->forget(w.c.id);
  w.registrar->connection_changed(w.c);
  w.server->release();
  run_until(w.io, [&] { return w.idle(); });
  CHECK(w.asked() == texts{add_here, drop_here, drop_here});
  CHECK_THAT(w.server->requests().back(), Contains("Authorization: Bearer old-token"));
}

TEST_CASE("what the provider refuses to remove is told with its words and stays known", "[hooks][withdrawal]") {
  hooks_world w;
  w.registered_at(here);
  w.says["POST /hooks/drop"] = {busy};
  CHECK_THAT(w.withdrawn(), Contains(here) && Contains("it is busy"));
  CHECK(w.kept().places.current == here);
}

TEST_CASE("after a withdrawal nothing is registered again while the connection is removed", "[hooks][withdrawal]") {
  hooks_world w;
  w.registered_at(here);
  CHECK(w.withdrawn().empty());
  w.change([](auto& changed) { changed.settings["door"] = "back"; });
  w.advance(25h);
  run_until(w.io, [&] { return w.idle(); });
  CHECK(w.asked() == texts{add_here, drop_here});
  // A second one has nothing left to do.
  CHECK(w.withdrawn().empty());
  CHECK(w.asked().size() == 2);
}

TEST_CASE("a withdrawal where nothing was ever registered asks nobody", "[hooks][withdrawal]") {
  hooks_world w;
  w.begin("");
  run_until(w.io, [&] { return w.idle(); });
  CHECK(w.withdrawn().empty());
  CHECK(w.asked().empty());
}

TEST_CASE("with its connection a registration under way ends", "[hooks][withdrawal]") {
  hooks_world w;
  be_registering(w);
  w.write([&](ledger::transaction& tx) {
    REQUIRE(tx.remove_connection(w.c.id, false));
    w.c = *tx.find_connection(w.c.id);
  });
  w.registrar->connection_changed(w.c);
  run_until(w.io, [&] { return w.idle(); });
  CHECK(w.server->held() == 1);  // nobody waits for its answer any more
  w.server->release();
  w.io.restart();
  w.io.poll();
  CHECK(w.asked() == texts{add_here});
}

}  // namespace koppel::test
