// SPDX-License-Identifier: Apache-2.0
// What a consumer may say: every bad request we could think of is refused with a sentence, ends the session of its
// sender, changes nothing else, and the next good request works.

#include <catch2/catch.hpp>
#include <koppel/bus/limits.hpp>

#include "follow_hub.hpp"
#include "memory_source.hpp"
#include "msgpack_view.hpp"

using namespace koppel::bus;
using koppel::bus::testing::history;
using koppel::bus::testing::memory_source;

namespace {

namespace json = boost::json;

json::object good_follow() {
  return {{"op", "follow"},         {"v", 1}, {"consumer", "pro"}, {"from", "start"}, {"filters", json::object()},
          {"credit_bytes", 4 << 20}};
}
json::object follow_at(const json::value& seq, const std::string& epoch = "e1") {
  json::object out = good_follow();
  out["from"] = {{"epoch", epoch}, {"seq", seq}, {"id", "x"}};
  return out;
}

struct desk {
  std::shared_ptr<history> h = std::make_shared<history>();
  memory_source source{h};
  follow_hub hub{source, {}};
  time_point now{};

  desk() { h->commit(10); }

  std::vector<outgoing> say(const std::string& bytes, const std::string& peer = "A") {
    auto answers = hub.receive(peer, bytes, now, "2026-01-02T03:04:05Z");
    REQUIRE(answers);
    return std::move(*answers);
  }
  /// The code that this message is refused with; empty if it is not.
  std::string refusal(const std::string& bytes) {
    const auto answers = say(bytes);
    if (answers.empty()) return {};
    const auto reply = parse_host_message(answers.back().bytes);
    REQUIRE(reply);
    const auto* refused = std::get_if<refused_message>(&*reply);
    if (refused == nullptr) return {};
    CHECK_FALSE(refused->text.empty());
    return refused->code;
  }
  std::string refusal(const json::object& message) { return refusal(msgpack_from_json(message)); }
};

}  // namespace

TEST_CASE("a good follow is accepted with an empty batch that names the position", "[bus][follow][bad]") {
  desk d;
  const auto answers = d.say(msgpack_from_json(good_follow()));
  REQUIRE(answers.size() == 1);
  const auto reply = parse_host_message(answers[0].bytes);
  REQUIRE(reply);
  const auto& batch = std::get<batch_message>(*reply);
  CHECK(batch.last < batch.first);
  CHECK(batch.complete_up_to == position{"e1", 0, ""});
  CHECK(d.hub.sessions().size() == 1);
}

TEST_CASE("bytes that are no request are refused and end the session of their sender only", "[bus][follow][bad]") {
  desk d;
  const std::string good = msgpack_from_json(good_follow());
  d.say(good, "B");  // is replaced by A below, so give it a name of its own
  json::object other = good_follow();
  other["consumer"] = "other";
  d.say(msgpack_from_json(other), "B");

  std::vector<std::string> bad = {
      "",          "\xc0",        "\x93\x01\x02\x03",        "\xc1",
      good + good, good + "\x01", std::string(65'537, '\0'), "\x82\xa2op\xa4ping\xa2op\xa4ping"};
  for (std::size_t size = 1; size < good.size(); ++size) bad.push_back(good.substr(0, size));
  for (const std::string& bytes : bad) {
    REQUIRE(d.refusal(good) == "");
    REQUIRE(d.hub.sessions().size() == 2);
    REQUIRE(d.refusal(bytes) == "bad_request");
    REQUIRE(d.hub.sessions().size() == 1);
  }
}

TEST_CASE("version and op must be right", "[bus][follow][bad]") {
  desk d;
  for (const json::value& v :
       {json::value(0), json::value(2), json::value(255), json::value("1"), json::value(nullptr)}) {
    json::object m = good_follow();
    m["v"] = v;
    CHECK(d.refusal(m) == "bad_request");
  }
  json::object m = good_follow();
  m.erase("v");
  CHECK(d.refusal(m) == "bad_request");
  for (const json::value& op : {json::value("snapshot"), json::value(""), json::value(7), json::value(json::array())}) {
    m = good_follow();
    m["op"] = op;
    CHECK(d.refusal(m) == "bad_request");
  }
}

TEST_CASE("a position that is no position is refused, one of another history has its own code", "[bus][follow][bad]") {
  desk d;
  for (const json::value& seq : {json::value(-1), json::value(1.5), json::value("3"), json::value(nullptr)})
    CHECK(d.refusal(follow_at(seq)) == "bad_request");
  CHECK(d.refusal(follow_at(std::uint64_t{1} << 63)) == "position_ahead");
  CHECK(d.refusal(follow_at(~std::uint64_t{0})) == "position_ahead");
  CHECK(d.refusal(follow_at(11)) == "position_ahead");
  CHECK(d.refusal(follow_at(3, "e0")) == "epoch_changed");
  CHECK(d.refusal(follow_at(3)) == "epoch_changed");  // the id is another one
  json::object m = good_follow();
  for (const json::value& from :
       {json::value("end"), json::value(3), json::value(nullptr), json::value(json::array())}) {
    m["from"] = from;
    CHECK(d.refusal(m) == "bad_request");
  }
  m.erase("from");
  CHECK(d.refusal(m) == "bad_request");
  for (const char* part : {"id", "epoch"}) {  // no other history's, with which a consumer would begin again
    m = follow_at(3);
    m["from"].as_object().erase(part);
    CHECK(d.refusal(m) == "bad_request");
  }
  m = follow_at(3);
  m["from"].as_object()["id"] = "";  // what complete_up_to may say in thinned history
  CHECK(d.refusal(m) == "epoch_changed");
  m = follow_at(3);
  m["from"].as_object()["id"] = std::string(200, 'x');
  CHECK(d.refusal(m) == "bad_request");
}

TEST_CASE("a consumer's name is 1 to 64 of a-z, 0-9 and -, or empty", "[bus][follow][bad]") {
  desk d;
  json::object m = good_follow();
  for (const json::value& name :
       {json::value("*"), json::value("Pro"), json::value("a b"), json::value(std::string("a\0b", 3)),
        json::value(std::string(65, 'a')), json::value(std::string(64'000, 'a')), json::value(7)}) {
    m["consumer"] = name;
    CHECK(d.refusal(m) == "bad_request");
  }
  m["consumer"] = std::string(64, 'a');
  CHECK(d.refusal(m) == "");
  m["consumer"] = "";
  CHECK(d.refusal(m) == "");
}

TEST_CASE("credit is at least one batch and never more than the limit", "[bus][follow][bad]") {
  desk d;
  json::object m = good_follow();
  for (const json::value& credit :
       {json::value(0), json::value(-1), json::value(limits::credit_min - 1), json::value(1.5)}) {
    m["credit_bytes"] = credit;
    CHECK(d.refusal(m) == "bad_request");
  }
  m["credit_bytes"] = limits::credit_min;
  CHECK(d.refusal(m) == "");
  m["credit_bytes"] = ~std::uint64_t{0};
  CHECK(d.refusal(m) == "");
  CHECK(d.hub.sessions().at("A").session.credit() == limits::credit_max);

  for (const json::value& bytes :
       {json::value(0), json::value(-1), json::value(limits::credit_max + 1), json::value("1")}) {
    REQUIRE(d.refusal(m) == "");
    CHECK(d.refusal(json::object{{"op", "credit"}, {"v", 1}, {"bytes", bytes}}) == "bad_request");
    CHECK(d.hub.sessions().empty());
  }
}

TEST_CASE("filters have at most 256 terms of 1 to 128 bytes", "[bus][follow][bad]") {
  desk d;
  json::object m = good_follow();
  const auto with = [&](const json::value& types) {
    m["filters"] = {{"types", types}};
    return d.refusal(m);
  };
  CHECK(with(json::array(256, "a")) == "");
  CHECK(with(json::array(257, "a")) == "bad_request");
  CHECK(with(json::array(20'000, "a")) == "bad_request");
  CHECK(with({std::string(129, 'a')}) == "bad_request");
  CHECK(with({""}) == "bad_request");
  CHECK(with({7}) == "bad_request");
  CHECK(with("sync") == "bad_request");
  CHECK(with(json::array()) == "bad_request");  // nothing, or everything?
  m["filters"] = {{"connections", json::array()}};
  CHECK(d.refusal(m) == "bad_request");
  m["filters"] = 7;
  CHECK(d.refusal(m) == "bad_request");
  m["filters"] = {{"types", json::array(200, "a")}, {"providers", json::array(57, "a")}};
  CHECK(d.refusal(m) == "bad_request");
}

TEST_CASE("bytes and extensions have no place in a request", "[bus][follow][bad]") {
  desk d;
  std::string bytes;
  string_sink sink(bytes);
  packer to(sink);
  to.pack_map(2).pack("op").pack("ping").pack("v");
  to.pack_bin(1), to.pack_bin_body("\x01", 1);
  CHECK(d.refusal(bytes) == "bad_request");
  bytes.clear();
  to.pack_map(2).pack("op").pack("ping").pack("v");
  to.pack_ext(1, 5), to.pack_ext_body("\x01", 1);
  CHECK(d.refusal(bytes) == "bad_request");
}

TEST_CASE("an acknowledgement of what was not sent is refused, one that goes back changes nothing",
          "[bus][follow][bad]") {
  desk d;
  const auto ack = [&](std::uint64_t seq, const std::string& epoch = "e1") {
    return json::object{{"op", "ack"}, {"v", 1}, {"position", {{"epoch", epoch}, {"seq", seq}, {"id", "x"}}}};
  };
  REQUIRE(d.refusal(good_follow()) == "");
  CHECK(d.refusal(ack(1)) == "bad_request");  // nothing was sent yet
  REQUIRE(d.refusal(good_follow()) == "");
  const auto batch = d.hub.next();
  REQUIRE(batch);
  REQUIRE(*batch);
  d.hub.sent("A");

  CHECK(d.refusal(ack(7)) == "");
  CHECK(d.h->acked("pro") == 7);
  CHECK(d.refusal(ack(3)) == "");
  CHECK(d.h->acked("pro") == 7);
  CHECK(d.refusal(ack(10, "e0")) == "bad_request");
  CHECK(d.h->acked("pro") == 7);
  CHECK(d.refusal(ack(7)) == "no_session");
}

TEST_CASE("whoever has no session is told so", "[bus][follow][bad]") {
  desk d;
  CHECK(d.refusal(json::object{{"op", "ping"}, {"v", 1}}) == "no_session");
  CHECK(d.refusal(json::object{{"op", "credit"}, {"v", 1}, {"bytes", 10}}) == "no_session");
  CHECK(d.refusal(json::object{{"op", "bye"}, {"v", 1}}) == "");
}

TEST_CASE("a thousand requests of one peer are one session", "[bus][follow][bad]") {
  desk d;
  for (int i = 0; i < 1'000; ++i) CHECK(d.say(msgpack_from_json(good_follow())).size() == 1);
  CHECK(d.hub.sessions().size() == 1);
}
