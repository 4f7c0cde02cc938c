// SPDX-License-Identifier: Apache-2.0
// The consumer's half against the host's half, in one thread, with a clock of our own and a wire that loses, repeats
// and delays. Whatever the wire does, the consumer gets every event once, in order.

#include <catch2/catch.hpp>
#include <deque>
#include <koppel/bus/limits.hpp>
#include <random>
#include <utility>

#include "follow_client.hpp"
#include "follow_hub.hpp"
#include "memory_source.hpp"

using namespace koppel::bus;
using namespace std::chrono_literals;
using koppel::bus::testing::history;
using koppel::bus::testing::memory_source;

namespace {

const std::string wall = "2026-01-02T03:04:05Z";

std::string batch_of(const history& h, std::uint64_t first, std::uint64_t last, const std::vector<event>& events) {
  std::string bytes;
  for (event e : events) bytes += encode(e);
  return encode_host_message(batch_message{first, last, bytes, h.at(last)});
}
std::string acceptance(const position& at) { return encode_host_message(batch_message{at.seq + 1, at.seq, {}, at}); }

/// A client that was accepted at `at`.
follow_client accepted_client(const position& at, time_point now) {
  follower_options o;
  o.consumer = "pro";
  o.from = at;
  follow_client c(o, 1);
  c.connected(now);
  REQUIRE(c.receive(acceptance(at), now));
  return c;
}

/// Host and consumer joined by an unreliable wire.
class world {
 public:
  explicit world(std::uint32_t seed) : random_(seed), client_(options(), seed) {}

  /// One step of a tenth of a second.
  void step() {
    now_ += 100ms;
    if (chance(5) && committed_ < 400) commit();
    if (const auto at = client_.connect_at(); at && *at <= now_) connect();
    if (std::exchange(delivered_, false)) client_.waiting(now_);
    for (const std::string& m : client_.due(now_)) to_host(m);
    deliver_to_host();
    if (now_ >= beat_) {
      beat_ = now_ + 1s;
      for (outgoing& m : hub_->heartbeat(now_, wall)) to_client(std::move(m));
    }
    for (int i = 0; i < 2; ++i) send_batch();
    deliver_to_client();
  }
  void heal() { faults_ = false; }
  void restart_host() { hub_ = std::make_unique<follow_hub>(*source_, follow_hub::options{}); }

  std::vector<std::uint64_t> seen;
  std::uint64_t reconnects() const { return client_.reconnects(); }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t acked() const { return history_->acked("pro"); }

 private:
  static follower_options options() {
    follower_options o;
    o.consumer = "pro";
    o.credit_bytes = limits::credit_min;
    return o;
  }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  void commit() {
    committed_ += history_->commit(1 + random_() % 20, "acme", random_() % 30'000).size();
    hub_->head(committed_);
  }
  void connect() {
    ++connection_;
    wire_in_.clear(), wire_out_.clear();
    to_host(client_.connected(now_));
  }
  std::string peer() const { return "peer" + std::to_string(connection_); }

  void to_host(const std::string& m) { put(wire_in_, m); }
  void to_client(outgoing m) {
    if (m.peer == peer()) put(wire_out_, m.bytes);
  }
  void put(std::deque<std::string>& wire, const std::string& m) {
    if (faults_ && chance(3)) return;  // lost
    wire.push_back(m);
    if (faults_ && chance(3)) wire.push_back(m);  // twice
    if (faults_ && chance(2) && wire.size() > 1) std::swap(wire.back(), wire[wire.size() - 2]);
  }
  void deliver_to_host() {
    while (!wire_in_.empty() && !(faults_ && chance(10))) {
      auto answers = hub_->receive(peer(), wire_in_.front(), now_, wall);
      wire_in_.pop_front();
      REQUIRE(answers);
      for (outgoing& a : *answers) to_client(std::move(a));
    }
  }
  void send_batch() {
    auto m = hub_->next();
    REQUIRE(m);
    if (!*m) return;
    if (faults_ && chance(5)) return hub_->would_block((*m)->peer);
    if ((*m)->peer != peer()) return hub_->unreachable((*m)->peer);
    hub_->sent((*m)->peer);
    to_client(std::move(**m));
  }
  void deliver_to_client() {
    while (!wire_out_.empty() && !(faults_ && chance(10))) {
      auto got = client_.receive(wire_out_.front(), now_);
      wire_out_.pop_front();
      if (!got) {
        // A repeated follow, acknowledgement or credit can end in a refusal: the consumer's process starts again.
        restart_client();
        return;
      }
      if (!*got) continue;
      delivered_ = true;
      for (const event& e : (*got)->events) seen.push_back(e.seq);
      client_.acknowledge((*got)->complete_up_to);
      stored_ = (*got)->complete_up_to;
    }
  }
  void restart_client() {
    follower_options o = options();
    if (!stored_.epoch.empty()) o.from = stored_;
    client_ = follow_client(o, random_());
  }

  std::mt19937 random_;
  std::shared_ptr<history> history_ = std::make_shared<history>();
  std::unique_ptr<memory_source> source_ = std::make_unique<memory_source>(history_);
  std::unique_ptr<follow_hub> hub_ = std::make_unique<follow_hub>(*source_, follow_hub::options{});
  follow_client client_;
  std::deque<std::string> wire_in_, wire_out_;
  time_point now_{}, beat_{};
  position stored_;
  bool faults_ = true, delivered_ = false;
  int connection_ = 0;
  std::uint64_t committed_ = 0;
};

}  // namespace

TEST_CASE("whatever the wire loses, repeats or delays: every event once and in order", "[bus][client][simulation]") {
  std::uint64_t reconnects = 0, events = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    world w(seed);
    for (int i = 0; i < 1'500; ++i) {
      if (i == 700 && seed % 3 == 0) w.restart_host();
      w.step();
    }
    w.heal();
    for (int i = 0; i < 300; ++i) w.step();

    REQUIRE(w.seen.size() == w.committed());
    for (std::size_t i = 0; i < w.seen.size(); ++i) REQUIRE(w.seen[i] == i + 1);
    REQUIRE(w.acked() == w.committed());
    reconnects += w.reconnects();
    events += w.committed();
  }
  CHECK(reconnects > 60);  // else the wire was too kind to prove anything
  CHECK(events > 20'000);
}

TEST_CASE("a gap is a protocol fault: a new connection from the last position", "[bus][client]") {
  history h;
  h.commit(1);
  time_point now{};
  auto c = accepted_client(h.at(1), now);
  const auto lost = h.commit(1), next = h.commit(1);
  const auto got = c.receive(batch_of(h, 3, 3, next), now);
  REQUIRE(got);
  CHECK_FALSE(*got);
  REQUIRE(c.connect_at());
  CHECK(*c.connect_at() <= now + 500ms);
  CHECK(c.at() == h.at(1));
  CHECK(c.last_fault().find("gap") != std::string::npos);

  const auto again = parse_consumer_message(c.connected(now));
  REQUIRE(again);
  CHECK(std::get<position>(std::get<follow_request>(*again).from) == h.at(1));
}

TEST_CASE("what was delivered before is dropped and counted", "[bus][client]") {
  history h;
  time_point now{};
  auto c = accepted_client(position{"e1", 0, ""}, now);
  const auto events = h.commit(3);
  REQUIRE((*c.receive(batch_of(h, 1, 3, events), now))->events.size() == 3);
  const auto more = h.commit(1);
  auto all = events;
  all.push_back(more[0]);
  const auto got = c.receive(batch_of(h, 1, 4, all), now);
  REQUIRE(*got);
  CHECK((*got)->events.size() == 1);
  CHECK((*got)->duplicates == 3);
  CHECK((*got)->complete_up_to == h.at(4));
}

TEST_CASE("batches in the wrong order, of another epoch or with broken bytes are faults", "[bus][client]") {
  history h;
  const auto events = h.commit(3);
  time_point now{};
  const auto fault_of = [&](const std::string& message) {
    auto c = accepted_client(position{"e1", 0, ""}, now);
    const auto got = c.receive(message, now);
    return got && !*got && c.connect_at().has_value() && c.at().seq == 0;
  };
  CHECK_FALSE(fault_of(batch_of(h, 1, 3, events)));
  CHECK(fault_of(batch_of(h, 1, 3, {events[1], events[0], events[2]})));
  CHECK(fault_of(batch_of(h, 1, 2, events)));  // an event beyond what it claims
  CHECK(fault_of(encode_host_message(batch_message{1, 3, {}, {"e2", 3, "x"}})));
  CHECK(fault_of(encode_host_message(batch_message{1, 3, "\xc1garbage", h.at(3)})));
  CHECK(fault_of("garbage"));
}

TEST_CASE("silence beyond two and a half heartbeats makes a new connection, the application's own time does not",
          "[bus][client]") {
  history h;
  h.commit(1);
  time_point now{};
  auto c = accepted_client(h.at(1), now);
  now += 30s;  // the application worked
  c.waiting(now);
  CHECK_FALSE(c.due(now).empty());
  CHECK_FALSE(c.connect_at());
  now += 2'499ms;
  c.due(now);
  CHECK_FALSE(c.connect_at());
  now += 1ms;
  c.due(now);
  CHECK(c.connect_at());
}

TEST_CASE("an acknowledgement after long work goes out, and is no word about the host's silence", "[bus][client]") {
  history h;
  time_point now{};
  auto c = accepted_client(position{"e1", 0, ""}, now);
  REQUIRE(*c.receive(batch_of(h, 1, 2, h.commit(2)), now));
  c.acknowledge(h.at(2));

  now += 30s;  // the application worked
  const auto sent = c.outbox(now);
  REQUIRE(sent.size() == 1);
  CHECK(std::holds_alternative<ack_request>(*parse_consumer_message(sent[0])));
  now += 30s;  // and did something else before it asked again
  c.waiting(now);
  c.due(now);
  CHECK_FALSE(c.connect_at());
}

TEST_CASE("silence is noticed by a consumer that asks in short waits, also before the host accepted it",
          "[bus][client]") {
  const time_point start = time_point{} + 1h;
  follower_options o;
  o.consumer = "pro";
  follow_client c(o, 1);
  c.connected(start);

  // Each turn: the application asks, waits 200 ms for nothing, and gets its turn again at once.
  time_point now = start;
  for (; !c.connect_at() && now < start + 10s; now += 200ms) {
    c.waiting(now);
    c.due(now);
    c.returning(now + 200ms);
  }
  REQUIRE(c.connect_at());
  REQUIRE(now < start + 3s);
}

TEST_CASE("credit goes back when the application waits again, a ping goes out each second", "[bus][client]") {
  history h;
  time_point now{};
  auto c = accepted_client(position{"e1", 0, ""}, now);
  const std::string message = batch_of(h, 1, 3, h.commit(3));
  const std::string real = batch_of(h, 1, 3, {});
  c.receive(real, now);
  CHECK(c.due(now).empty());
  c.waiting(now);
  auto due = c.due(now);
  REQUIRE(due.size() == 1);
  CHECK(std::get<credit_request>(*parse_consumer_message(due[0])).bytes == real.size());
  CHECK(c.due(now + 999ms).empty());
  due = c.due(now + 1s);
  REQUIRE(due.size() == 1);
  CHECK(std::holds_alternative<ping_request>(*parse_consumer_message(due[0])));
}

TEST_CASE("a host that restarted is followed anew, refusals that are final are errors", "[bus][client]") {
  history h;
  h.commit(1);
  time_point now{};
  const auto refused = [](std::string code) { return encode_host_message(refused_message{std::move(code), "why"}); };
  auto c = accepted_client(h.at(1), now);
  REQUIRE(c.receive(refused("no_session"), now));
  CHECK(c.connect_at());
  for (const errc e : {errc::epoch_changed, errc::position_expired, errc::position_ahead, errc::replaced,
                       errc::too_many, errc::history_broken, errc::bad_request}) {
    auto other = accepted_client(h.at(1), now);
    const auto got = other.receive(refused(std::string(code_of(e))), now);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == e);
    CHECK(got.error().detail == "why");
  }
}

TEST_CASE("from now the first delivery says where now is", "[bus][client]") {
  follower_options o;
  o.from = from_now{};
  follow_client c(o, 1);
  c.connected(time_point{});
  const auto got = c.receive(acceptance({"e1", 17, "x"}), time_point{});
  REQUIRE(got);
  REQUIRE(*got);
  CHECK((*got)->complete_up_to == position{"e1", 17, "x"});
}
