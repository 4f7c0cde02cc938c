// SPDX-License-Identifier: Apache-2.0
// The envelope: what is written is what is read, ids are derived, types and topics.

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <koppel/bus/error.hpp>
#include <koppel/bus/limits.hpp>

#include "memory_source.hpp"
#include "msgpack_view.hpp"

using namespace koppel::bus;
using koppel::bus::testing::make_event;

TEST_CASE("an event survives encoding and decoding with every attribute", "[bus][codec]") {
  event e = make_event(7);
  const std::string bytes = encode(e);

  const auto back = decode(bytes);

  REQUIRE(back);
  CHECK(back->id == e.id);
  CHECK(back->source == e.source);
  CHECK(back->type == "eu.koppel.sync.company.upserted.v1");
  CHECK(back->subject == "r7");
  CHECK(back->time == e.time);
  CHECK(back->epoch == "e1");
  CHECK(back->seq == 7);
  CHECK(back->provider == "teamleader");
  CHECK(back->connection_id == "c-acme");
  CHECK(back->connection == "acme");
  CHECK(back->customer == "K1");
  CHECK(back->data == e.data);
}

TEST_CASE("an id has epoch, seq and a digest of the content, and is the same for the same content", "[bus][codec]") {
  event a = make_event(7), b = make_event(7), c = make_event(7);
  c.customer = "K2";
  encode(a), encode(b), encode(c);

  CHECK(a.id.starts_with("e1-7-"));
  CHECK(a.id.size() == std::string("e1-7-").size() + 16);
  CHECK(a.id == b.id);
  CHECK(a.id != c.id);
}

TEST_CASE("an id that is there is kept, and an event without seq gets none", "[bus][codec]") {
  event e = make_event(7);
  encode(e);
  const std::string id = e.id;
  e.data.clear();
  const auto thin = decode(encode(e));
  REQUIRE(thin);
  CHECK(thin->id == id);
  CHECK(thin->data.empty());

  event live = make_event(0);
  encode(live);
  CHECK(live.id.empty());
}

TEST_CASE("events of a concatenation are peeked one by one", "[bus][codec]") {
  event a = make_event(1), b = make_event(2);
  const std::string both = encode(a) + encode(b);

  const auto first = peek(both);
  REQUIRE(first);
  CHECK(first->seq == 1);
  const auto second = peek(std::string_view(both).substr(first->raw.size()));
  REQUIRE(second);
  CHECK(second->seq == 2);
  CHECK(second->id == b.id);
  CHECK(first->raw.size() + second->raw.size() == both.size());
}

TEST_CASE("short types lose prefix and version, and nothing else is touched", "[bus][codec]") {
  CHECK(short_type("eu.koppel.auth.status.v1") == "auth.status");
  CHECK(short_type("eu.koppel.sync.teamleader.deal.upserted.v1") == "sync.teamleader.deal.upserted");
  // A major version that we do not know is a type that we do not know.
  CHECK(short_type("eu.koppel.sync.company.upserted.v2") == "eu.koppel.sync.company.upserted.v2");
  CHECK(short_type("eu.koppel.sync.company.upserted.v11") == "eu.koppel.sync.company.upserted.v11");
  CHECK(short_type("eu.koppel.auth.status") == "eu.koppel.auth.status");
  CHECK(short_type("eu.koppel.auth.status.v") == "eu.koppel.auth.status.v");
  CHECK(short_type("eu.koppel.auth.status.v1x") == "eu.koppel.auth.status.v1x");
  CHECK(short_type("com.other.thing.v1") == "com.other.thing.v1");
  CHECK(long_type("auth.status") == "eu.koppel.auth.status.v1");
}

TEST_CASE("a topic ends in a slash and shows absent parts as a dash", "[bus][codec]") {
  event e = make_event(1);
  CHECK(topic_of(e) == "teamleader/acme/sync.company.upserted/");
  e.connection.clear();
  CHECK(topic_of(e) == "teamleader/-/sync.company.upserted/");
}

TEST_CASE("msgpack becomes JSON: 64 bits stay, bytes become base64, what JSON cannot say becomes null", "[bus][json]") {
  std::string bytes;
  string_sink sink(bytes);
  packer to(sink);
  to.pack_map(5);
  to.pack("big").pack(std::uint64_t{18446744073709551615ULL});
  to.pack("small").pack(std::int64_t{-9223372036854775807LL - 1});
  to.pack("nan").pack(std::numeric_limits<double>::quiet_NaN());
  to.pack("bin");
  to.pack_bin(3);
  to.pack_bin_body("\x01\x02\xff", 3);
  to.pack("list").pack_array(2);
  to.pack(true).pack_nil();

  const auto value = json_from_msgpack(bytes);

  REQUIRE(value);
  const auto& map = value->as_object();
  CHECK(map.at("big").as_uint64() == 18446744073709551615ULL);
  CHECK(map.at("small").as_int64() == std::numeric_limits<std::int64_t>::min());
  CHECK(map.at("nan").is_null());
  CHECK(map.at("bin").as_string() == "AQL/");
  CHECK(map.at("list").as_array().size() == 2);
}

TEST_CASE("JSON to msgpack and back is the same tree", "[bus][json]") {
  const boost::json::value tree = {{"a", {1, -2, 3.5, nullptr, true}}, {"b", {{"c", "d"}}}, {"", ""}};
  const auto back = json_from_msgpack(msgpack_from_json(tree));
  REQUIRE(back);
  CHECK(boost::json::serialize(*back) == boost::json::serialize(tree));
}

TEST_CASE("an event as JSON has its seq as a string and its data as a tree", "[bus][json]") {
  event e = make_event(7);
  encode(e);
  const auto shown = to_json(e);
  REQUIRE(shown);
  CHECK(shown->at("seq").as_string() == "7");
  CHECK(shown->at("data").as_object().at("revision").as_uint64() == 7);
  CHECK(shown->at("specversion").as_string() == "1.0");
}
