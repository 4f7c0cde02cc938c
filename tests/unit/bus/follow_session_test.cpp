// SPDX-License-Identifier: Apache-2.0
// The host's side of `follow` as transcripts: no sockets, no clock.

#include <catch2/catch.hpp>
#include <koppel/bus/limits.hpp>
#include <map>

#include "follow_hub.hpp"
#include "memory_source.hpp"

using namespace koppel::bus;
using namespace std::chrono_literals;
using koppel::bus::testing::history;
using koppel::bus::testing::make_event;
using koppel::bus::testing::memory_source;

namespace {

struct received {
  std::uint64_t first = 0, last = 0;
  std::vector<std::uint64_t> seqs;
  position up_to;
  std::size_t cost = 0;
};

struct host {
  std::shared_ptr<history> h = std::make_shared<history>();
  memory_source source{h};
  std::vector<std::string> broken;
  follow_hub hub{source, {4, 6'000ms, [this](const koppel::failure& f) { broken.push_back(f.detail); }}};
  time_point now{};
  std::vector<std::string> keep;  ///< messages that views point into

  host_message answer(const outgoing& m) {
    keep.push_back(m.bytes);
    auto reply = parse_host_message(keep.back());
    REQUIRE(reply);
    return *reply;
  }
  std::vector<outgoing> say(const consumer_message& m, const std::string& peer = "A") {
    auto answers = hub.receive(peer, encode_consumer_message(m), now, "t");
    REQUIRE(answers);
    return std::move(*answers);
  }
  void follow(const std::string& peer, start_at from = from_start{}, filters filter = {}, std::string name = "",
              std::uint64_t credit = limits::credit_max) {
    const auto answers = say(follow_request{std::move(name), std::move(from), std::move(filter), credit}, peer);
    REQUIRE(std::holds_alternative<batch_message>(answer(answers.back())));
  }
  std::string refused(start_at from) {
    const auto answers = say(follow_request{"", std::move(from), {}, limits::credit_max}, "Z");
    const auto m = answer(answers.back());
    const auto* r = std::get_if<refused_message>(&m);
    return r != nullptr ? r->code : "";
  }
  /// The next batch and to whom, as sent; or nothing.
  std::optional<std::pair<std::string, received>> next() {
    auto m = hub.next();
    REQUIRE(m);
    if (!*m) return std::nullopt;
    const auto reply = answer(**m);
    const auto& batch = std::get<batch_message>(reply);
    received out{batch.first, batch.last, {}, batch.complete_up_to, (*m)->bytes.size()};
    for (std::string_view rest = batch.events; !rest.empty();) {
      const auto e = peek(rest);
      REQUIRE(e);
      out.seqs.push_back(e->seq);
      rest.remove_prefix(e->raw.size());
    }
    hub.sent((*m)->peer);
    return std::pair{(*m)->peer, out};
  }
};

}  // namespace

TEST_CASE("from the start everything comes in order, then what is committed", "[bus][follow]") {
  host t;
  t.h->commit(3), t.h->commit(2);
  t.follow("A");

  const auto history_batch = t.next();
  REQUIRE(history_batch);
  CHECK(history_batch->second.seqs == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(history_batch->second.up_to == t.h->at(5));
  CHECK_FALSE(t.next());

  t.h->commit(1);
  CHECK_FALSE(t.next());  // nobody said so yet
  t.hub.head(6);
  const auto live = t.next();
  REQUIRE(live);
  CHECK(live->second.first == 6);
  CHECK(live->second.seqs == std::vector<std::uint64_t>{6});
}

TEST_CASE("from now only what comes after", "[bus][follow]") {
  host t;
  t.h->commit(3);
  t.follow("A", from_now{});
  CHECK(t.hub.sessions().at("A").session.at() == t.h->at(3));
  CHECK_FALSE(t.next());
  t.h->commit(1);
  t.hub.head(4);
  CHECK(t.next()->second.seqs == std::vector<std::uint64_t>{4});
}

TEST_CASE("a position in the middle of a stored batch gets the rest of it", "[bus][follow]") {
  host t;
  t.h->commit(5);
  t.follow("A", t.h->at(3));
  const auto batch = t.next();
  CHECK(batch->second.first == 4);
  CHECK(batch->second.seqs == std::vector<std::uint64_t>{4, 5});
}

TEST_CASE("without a filter the stored bytes travel as they are", "[bus][follow]") {
  host t;
  t.h->commit(5);
  t.follow("A");
  auto m = t.hub.next();
  REQUIRE(m);
  const auto reply = t.answer(**m);
  const auto stored = t.source.read(0, 1 << 20);
  CHECK(std::get<batch_message>(reply).events == stored->front().bytes);
}

TEST_CASE("a position is checked against epoch, head, horizon and the id at it", "[bus][follow]") {
  host t;
  t.h->commit(10), t.h->commit(10);
  CHECK(t.refused(position{"", 0, ""}) == "");
  CHECK(t.refused(position{"e1", 0, ""}) == "");
  CHECK(t.refused(position{"e0", 0, ""}) == "epoch_changed");
  CHECK(t.refused(t.h->at(20)) == "");
  CHECK(t.refused(position{"e1", 21, "x"}) == "position_ahead");
  CHECK(t.refused(position{"e1", 5, t.h->id_at(6)}) == "epoch_changed");
  CHECK(t.refused(position{"e1", 5, ""}) == "epoch_changed");

  const position old = t.h->at(9), edge = t.h->at(10), kept = t.h->at(11);
  t.h->trim_to(11);
  CHECK(t.refused(old) == "position_expired");
  CHECK(t.refused(edge) == "position_expired");  // cannot be compared any more
  CHECK(t.refused(kept) == "");
  CHECK(t.refused(from_start{}) == "");
}

TEST_CASE("a position that is trimmed while it is looked at has expired, the history is no other", "[bus][follow]") {
  struct trimming final : memory_source {
    trimming(std::shared_ptr<history> of, std::uint64_t to) : memory_source(of), h(std::move(of)), horizon_then(to) {}
    koppel::result<std::string> id_at(std::uint64_t seq) override {
      h->trim_to(horizon_then);
      return memory_source::id_at(seq);
    }
    std::shared_ptr<history> h;
    const std::uint64_t horizon_then;
  };
  auto h = std::make_shared<history>();
  h->commit(5), h->commit(5);
  const position at = h->at(3);
  trimming source(h, 6);
  follow_hub hub(source, {});

  const auto answers =
      hub.receive("A", encode_consumer_message(follow_request{"", at, {}, limits::credit_max}), {}, "t");

  REQUIRE(answers);
  const auto reply = parse_host_message(answers->back().bytes);
  CHECK(std::get<refused_message>(*reply).code == "position_expired");
  CHECK(
      std::get<refused_message>(*reply).text.ends_with("begin again with a snapshot."));  // the start may expire again
}

TEST_CASE("a filter never looks like a gap: the position moves on without events", "[bus][follow][filter]") {
  host t;
  t.h->commit(3, "acme"), t.h->commit(2, "other");
  t.follow("A", from_start{}, {{}, {"teamleader/other"}, {}});
  const auto batch = t.next();
  CHECK(batch->second.first == 1);
  CHECK(batch->second.seqs == std::vector<std::uint64_t>{4, 5});
  t.h->commit(1, "acme");
  t.hub.head(6);
  const auto empty = t.next();
  REQUIRE(empty);
  CHECK(empty->second.seqs.empty());
  CHECK(empty->second.up_to == t.h->at(6));
}

TEST_CASE("filters match providers, connections by name or id, and types on a dot", "[bus][follow][filter]") {
  event e = make_event(1, "sync.company.upserted", "acme");
  const std::string bytes = encode(e);
  const auto view = *peek(bytes);
  CHECK(filters{}.matches(view));
  CHECK(filters{{"teamleader"}, {}, {}}.matches(view));
  CHECK(filters{{"zoho", "teamleader"}, {}, {}}.matches(view));
  CHECK_FALSE(filters{{"team"}, {}, {}}.matches(view));
  CHECK(filters{{}, {"c-acme"}, {}}.matches(view));
  CHECK(filters{{}, {"teamleader/acme"}, {}}.matches(view));
  CHECK_FALSE(filters{{}, {"acme"}, {}}.matches(view));
  CHECK_FALSE(filters{{}, {"zoho/acme"}, {}}.matches(view));
  CHECK(filters{{}, {}, {"sync"}}.matches(view));
  CHECK(filters{{}, {}, {"sync.company"}}.matches(view));
  CHECK(filters{{}, {}, {"sync.company.upserted"}}.matches(view));
  CHECK_FALSE(filters{{}, {}, {"sync.comp"}}.matches(view));
  CHECK_FALSE(filters{{"teamleader"}, {"c-acme"}, {"auth"}}.matches(view));
  event lone = make_event(2, "plugin.loaded");
  lone.connection.clear(), lone.connection_id.clear();
  const std::string lone_bytes = encode(lone);
  CHECK_FALSE(filters{{}, {""}, {}}.matches(*peek(lone_bytes)));
  CHECK_FALSE(filters{{}, {"teamleader/"}, {}}.matches(*peek(lone_bytes)));
}

TEST_CASE("no more is sent than there is credit for, and credit opens the way again", "[bus][follow][credit]") {
  host t;
  for (int i = 0; i < 30; ++i) t.h->commit(2, "acme", 50'000);  // 3 MB
  t.follow("A", from_start{}, {}, "", limits::credit_min);

  std::uint64_t cost = 0, last = 0;
  const auto drain = [&] {
    while (const auto batch = t.next()) {
      CHECK(batch->second.first == last + 1);
      last = batch->second.last;
      cost += batch->second.cost;
    }
  };
  drain();
  CHECK(cost <= limits::credit_min);
  CHECK(last > 0);
  CHECK(last < 60);
  CHECK(t.hub.sessions().at("A").session.credit() == limits::credit_min - cost);
  const int reads = t.source.reads;
  CHECK_FALSE(t.next());
  CHECK(t.source.reads == reads);  // starved sessions cost no reads
  CHECK_FALSE(t.hub.sessions().at("A").session.wants(60));

  for (int rounds = 0; last < 60 && rounds < 100; ++rounds) {
    t.say(credit_request{cost});
    cost = 0;
    drain();
  }
  CHECK(last == 60);
}

TEST_CASE("sessions take turns, batch by batch", "[bus][follow][fair]") {
  host t;
  for (int i = 0; i < 6; ++i) t.h->commit(16, "acme", 60'000);
  t.follow("A"), t.follow("B"), t.follow("C");
  std::string turns;
  for (int i = 0; i < 9; ++i) turns += t.next()->first;
  CHECK(turns == "ABCABCABC");
}

TEST_CASE("a peer with a full pipe does not hold up another, and goes on where it was", "[bus][follow][fair]") {
  host t;
  for (int i = 0; i < 3; ++i) t.h->commit(16, "acme", 60'000);
  t.follow("A"), t.follow("B");
  auto m = t.hub.next();
  REQUIRE((*m)->peer == "A");
  t.hub.would_block("A");
  for (std::uint64_t last : {16, 32, 48}) {
    const auto batch = t.next();
    CHECK(batch->first == "B");
    CHECK(batch->second.last == last);
  }
  CHECK_FALSE(t.next());
  t.say(ping_request{});
  CHECK(t.next()->second.first == 1);
}

TEST_CASE("the newer session of a name replaces the older, which is told", "[bus][follow]") {
  host t;
  t.h->commit(1);
  t.follow("A", from_start{}, {}, "pro");
  const auto answers = t.say(follow_request{"pro", from_start{}, {}, limits::credit_max}, "B");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].peer == "A");
  CHECK(std::get<refused_message>(t.answer(answers[0])).code == "replaced");
  CHECK(answers[1].peer == "B");
  CHECK(t.hub.sessions().size() == 1);
  t.follow("C"), t.follow("D");  // anonymous ones do not replace each other
  CHECK(t.hub.sessions().size() == 3);
}

TEST_CASE("there are no more sessions than allowed", "[bus][follow]") {
  host t;
  for (const char* peer : {"A", "B", "C", "D"}) t.follow(peer);
  CHECK(t.refused(from_start{}) == "too_many");
  t.say(bye_request{}, "A");
  CHECK(t.refused(from_start{}) == "");
}

TEST_CASE("heartbeats carry the head, whoever is silent for six of them is dropped", "[bus][follow]") {
  host t;
  t.h->commit(3);
  t.follow("A"), t.follow("B");
  t.now += 5s;
  t.say(ping_request{}, "B");
  t.now += 1'001ms;
  const auto beats = t.hub.heartbeat(t.now, "t");
  REQUIRE(beats.size() == 1);
  CHECK(beats[0].peer == "B");
  CHECK(std::get<heartbeat_message>(t.answer(beats[0])).head == 3);
}

TEST_CASE("consumers at the head share one read", "[bus][follow]") {
  host t;
  t.h->commit(1);
  for (const char* peer : {"A", "B", "C"}) t.follow(peer, from_now{});
  t.h->commit(1);
  t.hub.head(2);
  const int reads = t.source.reads;
  for (int i = 0; i < 3; ++i) CHECK(t.next()->second.last == 2);
  CHECK(t.source.reads == reads + 1);
}

TEST_CASE("retention that overtakes a session ends it, but one may begin in thinned history", "[bus][follow]") {
  host t;
  for (int i = 0; i < 4; ++i) t.h->commit(16, "acme", 60'000);
  t.follow("A", t.h->at(8));
  t.next();
  t.h->trim_to(49);
  t.follow("B");
  std::map<std::string, std::string> got;
  for (int i = 0; i < 2; ++i) {
    auto m = t.hub.next();
    REQUIRE(m);
    REQUIRE(*m);
    const auto reply = t.answer(**m);
    if (const auto* r = std::get_if<refused_message>(&reply)) got[(*m)->peer] = r->code;
    if (const auto* b = std::get_if<batch_message>(&reply)) got[(*m)->peer] = std::to_string(b->last);
    t.hub.sent((*m)->peer);
  }
  CHECK(got["A"] == "position_expired");
  CHECK(got["B"] == "64");
}

TEST_CASE("whoever needs events that are missing or damaged is refused with a sentence, the others go on",
          "[bus][follow]") {
  host t;
  t.h->commit(2), t.h->commit(2), t.h->commit(2);
  const bool hole = GENERATE(true, false);
  t.follow("A");
  t.follow("B", t.h->at(4));
  t.follow("C", from_now{});
  if (hole)
    t.h->drop_batch(1);
  else
    t.h->damage_batch(1);

  std::map<std::string, std::string> got;
  for (int i = 0; i < 4; ++i) {
    const auto m = t.hub.next();
    REQUIRE(m);
    if (!*m) break;
    const auto reply = t.answer(**m);
    if (const auto* b = std::get_if<batch_message>(&reply)) got[(*m)->peer] += std::to_string(b->last);
    if (const auto* r = std::get_if<refused_message>(&reply)) {
      got[(*m)->peer] += r->code;
      CHECK(r->text.find("restores a backup") != std::string::npos);
    }
    t.hub.sent((*m)->peer);
  }
  CHECK(got["A"] == (hole ? "history_broken" : "2history_broken"));
  CHECK(got["B"] == "6");
  CHECK(t.hub.sessions().size() == 2);
  CHECK(t.broken.size() == 1);
  if (!hole) {
    CHECK(t.refused(t.h->at(3)) == "history_broken");
  }
  CHECK(t.refused(t.h->at(5)) == "");
}

TEST_CASE("a source that fails is reported, not retried", "[bus][follow]") {
  host t;
  t.h->commit(2);
  t.follow("A");
  t.h->fail_reads();
  CHECK_FALSE(t.hub.next());
}

TEST_CASE("a batch message is never larger than 1 MiB + 1 KiB", "[bus][follow]") {
  host t;
  for (int i = 0; i < 100; ++i) t.h->commit(1, "acme", 60'000);
  t.follow("A");
  std::uint64_t last = 0;
  while (const auto batch = t.next()) {
    CHECK(batch->second.cost <= limits::batch_message_bytes);
    last = batch->second.last;
  }
  CHECK(last == 100);
}
