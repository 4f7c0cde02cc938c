// SPDX-License-Identifier: Apache-2.0
// No personal data on XPUB: what travels whole and what loses its data.

#include <catch2/catch.hpp>

#include "live_feed.hpp"
#include "memory_source.hpp"

using namespace koppel::bus;
using koppel::bus::testing::make_event;

TEST_CASE("status and run events travel whole, records and the unknown without data", "[bus][live]") {
  for (const char* type : {"auth.status", "sync.started", "sync.completed", "sync.held", "provider.status",
                           "plugin.crashed", "connection.removed", "consumer.lagging"})
    CHECK(is_public(long_type(type)));
  for (const char* type : {"sync.company.upserted", "sync.teamleader.deal.upserted", "sync.contact.erased",
                           "dead_letter.added", "authority.x", "something.new", "sync"})
    CHECK_FALSE(is_public(long_type(type)));
}

TEST_CASE("a record on XPUB keeps its identity and loses its data, unless everything goes", "[bus][live]") {
  event e = make_event(3);
  const std::string bytes = encode(e);
  const auto view = *peek(bytes);

  const live_message thin = live_form(view, live_detail::thin);
  CHECK(thin.topic == "teamleader/acme/sync.company.upserted/");
  const auto seen = decode(thin.body);
  REQUIRE(seen);
  CHECK(seen->data.empty());
  CHECK(seen->id == e.id);
  CHECK(seen->seq == 3);

  CHECK(live_form(view, live_detail::whole).body == bytes);
  event status = make_event(4, "auth.status");
  const std::string status_bytes = encode(status);
  CHECK(live_form(*peek(status_bytes), live_detail::thin).body == status_bytes);
}

TEST_CASE("what is live only gets an id, no seq", "[bus][live]") {
  event e = make_event(9, "sync.progress");
  const auto seen = decode(live_form(e, "e1", 5).body);
  REQUIRE(seen);
  CHECK(seen->seq == 0);
  CHECK(seen->id == "e1-live-5");
  const auto beat = heartbeat_form("e1", 17, "2026-01-02T03:04:05Z", 6);
  CHECK(beat.topic == heartbeat_topic);
  CHECK(data_as_json(*decode(beat.body))->at("head").as_uint64() == 17);
}
