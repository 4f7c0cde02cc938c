// SPDX-License-Identifier: Apache-2.0
// Snapshots: each subject's newest event as of a moment, in pages, then what came after it. Host and consumer as
// transcripts, and joined by a wire that loses, repeats and delays.

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
using koppel::bus::testing::make_event;
using koppel::bus::testing::memory_source;

namespace {

/// Commits one event for each of these subjects, as one batch.
void commit(history& h, const std::vector<std::string>& subjects, std::size_t padding = 0) {
  std::vector<event> events;
  std::uint64_t seq = h.head();
  for (const auto& subject : subjects) {
    event e = make_event(++seq);
    e.subject = subject;
    if (padding > 0) e.data = msgpack_from_json({{"pad", std::string(padding, 'x')}});
    events.push_back(std::move(e));
  }
  h.commit(std::move(events));
}

struct page {
  std::uint64_t after = 0, up_to = 0, head = 0;
  bool last = false;
  position of;
  std::vector<std::uint64_t> seqs;
  std::size_t cost = 0;
};

struct host {
  std::shared_ptr<history> h = std::make_shared<history>();
  memory_source source{h};
  follow_hub hub{source, {}};

  /// "" where it is accepted.
  std::string follow(start_at from, filters filter = {}, std::uint64_t credit = limits::credit_max) {
    const auto answers = say(follow_request{"pro", std::move(from), std::move(filter), credit});
    const auto reply = parse_host_message(answers.back().bytes);
    REQUIRE(reply);
    const auto* r = std::get_if<refused_message>(&*reply);
    return r != nullptr ? r->code : "";
  }
  std::vector<outgoing> say(const consumer_message& m) {
    auto answers = hub.receive("A", encode_consumer_message(m), {}, "t");
    REQUIRE(answers);
    return std::move(*answers);
  }
  static std::vector<std::uint64_t> seqs_in(std::string_view events) {
    std::vector<std::uint64_t> out;
    while (!events.empty()) {
      const auto e = peek(events);
      REQUIRE(e);
      out.push_back(e->seq);
      events.remove_prefix(e->raw.size());
    }
    return out;
  }
  std::optional<std::string> next() {
    const auto m = hub.next();
    REQUIRE(m);
    if (!*m) return std::nullopt;
    hub.sent("A");
    return (*m)->bytes;
  }
  std::optional<page> next_page() {
    const auto bytes = next();
    if (!bytes) return std::nullopt;
    const auto reply = parse_host_message(*bytes);
    REQUIRE(reply);
    const auto* p = std::get_if<page_message>(&*reply);
    REQUIRE(p != nullptr);
    return page{p->after, p->up_to, p->head, p->last, p->of, seqs_in(p->events), bytes->size()};
  }
  std::vector<std::uint64_t> next_batch() {
    const auto bytes = next();
    REQUIRE(bytes);
    const auto reply = parse_host_message(*bytes);
    return seqs_in(std::get<batch_message>(*reply).events);
  }
};

}  // namespace

TEST_CASE("a snapshot is each subject's newest event, and goes on with what came after its moment", "[bus][snapshot]") {
  host t;
  commit(*t.h, {"a", "b", "c"});
  commit(*t.h, {"a", "d"});
  CHECK(t.follow(from_snapshot{}).empty());
  commit(*t.h, {"b"});  // its older event may be left out, its newer one comes behind the snapshot
  t.hub.head(6);

  const auto p = t.next_page();
  REQUIRE(p);
  CHECK(p->seqs == std::vector<std::uint64_t>{3, 4, 5});
  CHECK(p->of == t.h->at(5));
  CHECK(p->last);
  CHECK(p->head == 6);
  CHECK(t.next_batch() == std::vector<std::uint64_t>{6});
  CHECK_FALSE(t.next());
}

TEST_CASE("an empty history has a snapshot too, and filters hold for it", "[bus][snapshot]") {
  host t;
  CHECK(t.follow(from_snapshot{}).empty());
  const auto p = t.next_page();
  REQUIRE(p);
  CHECK(p->last);
  CHECK(p->seqs.empty());
  commit(*t.h, {"a"});
  t.h->commit({make_event(2, "auth.status")});
  t.hub.head(2);
  CHECK(t.next_batch() == std::vector<std::uint64_t>{1, 2});

  CHECK(t.follow(from_snapshot{}, {{}, {}, {"auth"}}).empty());
  CHECK(t.next_page()->seqs == std::vector<std::uint64_t>{2});
}

TEST_CASE("pages are as large as batches, no larger than the credit, and follow each other", "[bus][snapshot]") {
  host t;
  for (int i = 0; i < 60; ++i) commit(*t.h, {"x" + std::to_string(i), "y" + std::to_string(i)}, 40'000);
  CHECK(t.follow(from_snapshot{}, {}, limits::credit_min).empty());
  std::uint64_t up_to = 0, credit = limits::credit_min, events = 0;
  for (int pages = 0; pages < 100 && up_to < 120; ++pages) {
    const auto p = t.next_page();
    if (!p) {
      t.say(credit_request{limits::credit_min - credit});
      credit = limits::credit_min;
      continue;
    }
    CHECK(p->after == up_to);
    CHECK(p->cost <= credit);
    CHECK(p->last == (p->up_to == 120));
    credit -= p->cost;
    up_to = p->up_to;
    events += p->seqs.size();
  }
  CHECK(events == 120);
}

TEST_CASE("a walk goes on where it was, as long as what came after its moment is there", "[bus][snapshot]") {
  host t;
  for (const char* subject : {"a", "b", "a", "c"}) commit(*t.h, {subject});
  const position moment = t.h->at(3);
  CHECK(t.follow(from_snapshot{moment, 2}).empty());
  CHECK(t.next_page()->seqs == std::vector<std::uint64_t>{3});
  CHECK(t.follow(from_snapshot{{"e0", 3, "x"}, 2}) == "epoch_changed");
  CHECK(t.follow(from_snapshot{{"e1", 3, "x"}, 2}) == "epoch_changed");
  CHECK(t.follow(from_snapshot{{"e1", 9, "x"}, 2}) == "position_ahead");
  commit(*t.h, {"a"});
  t.h->thin_to(5);
  CHECK(t.follow(from_snapshot{moment, 2}) == "position_expired");
}

TEST_CASE("what is damaged refuses the walk that needs it", "[bus][snapshot]") {
  host t;
  commit(*t.h, {"a"});
  CHECK(t.follow(from_snapshot{}).empty());
  t.h->damage_batch(0);
  const auto bytes = t.next();
  REQUIRE(bytes);
  const auto reply = parse_host_message(*bytes);
  CHECK(std::get<refused_message>(*reply).code == "history_broken");
}

TEST_CASE("in the middle of a snapshot there is nothing to acknowledge", "[bus][snapshot]") {
  host t;
  commit(*t.h, {"a"});
  CHECK(t.follow(from_snapshot{}).empty());
  const auto answers = t.say(ack_request{t.h->at(1)});
  REQUIRE(answers.size() == 1);
  const auto reply = parse_host_message(answers[0].bytes);
  CHECK(std::get<refused_message>(*reply).code == "bad_request");
}

TEST_CASE("where a walk begins and goes on survives the wire, and what cannot be is refused", "[bus][snapshot]") {
  for (const start_at& from : {start_at(from_snapshot{}), start_at(from_snapshot{{"e1", 7, "x"}, 7}),
                               start_at(from_snapshot{{"e1", 0, ""}, 0})}) {
    const auto read = parse_consumer_message(encode_consumer_message(follow_request{"pro", from, {}, 2 << 20}));
    REQUIRE(read);
    CHECK(std::get<follow_request>(*read).from == from);
  }
  const auto refused = [](const boost::json::value& from) {
    return !parse_consumer_message(msgpack_from_json(
        {{"op", "follow"}, {"v", std::uint64_t{1}}, {"from", from}, {"credit_bytes", limits::credit_min}}));
  };
  const boost::json::object at = {{"epoch", "e1"}, {"seq", std::uint64_t{7}}, {"id", "x"}};
  CHECK_FALSE(refused({{"snapshot", at}, {"after", std::uint64_t{7}}}));
  CHECK(refused({{"snapshot", at}, {"after", std::uint64_t{8}}}));
  CHECK(refused({{"snapshot", at}, {"after", -1}}));
  CHECK(refused({{"snapshot", at}}));
  CHECK(refused({{"snapshot", "e1"}, {"after", std::uint64_t{7}}}));
  CHECK(refused({{"snapshot", {{"seq", std::uint64_t{7}}}}, {"after", std::uint64_t{7}}}));
}

namespace {

std::string page_of(const history& h, page_message p, std::vector<event> events) {
  std::string bytes;
  for (event& e : events) bytes += encode(e);
  if (p.of.epoch.empty()) p.of = h.at(4);
  p.events = bytes;
  return encode_host_message(p);
}

}  // namespace

TEST_CASE("a consumer takes pages in order, keeps how far it is, and follows from the moment", "[bus][snapshot]") {
  history h;
  const auto e = h.commit(4);
  follower_options o;
  o.from = from_snapshot{};
  follow_client c(o, 1);
  c.connected({});
  REQUIRE(c.receive(page_of(h, {{}, 0, 0, false, 4, {}}, {}), {}));

  auto got = c.receive(page_of(h, {{}, 0, 2, false, 5, {}}, {e[0], e[1]}), {});
  REQUIRE(got);
  REQUIRE(*got);
  CHECK((*got)->events.size() == 2);
  CHECK((*got)->walking == from_snapshot{h.at(4), 2});
  CHECK(c.head() == 5);

  SECTION("cut in the middle it asks for the rest") {
    const auto again = parse_consumer_message(c.connected({}));
    CHECK(std::get<from_snapshot>(std::get<follow_request>(*again).from) == from_snapshot{h.at(4), 2});
    REQUIRE(c.receive(page_of(h, {{}, 2, 2, false, 4, {}}, {}), {}));
  }
  SECTION("what comes again is dropped") {
    got = c.receive(page_of(h, {{}, 1, 3, false, 5, {}}, {e[1], e[2]}), {});
    REQUIRE(*got);
    CHECK((*got)->events.size() == 1);
    CHECK((*got)->duplicates == 1);
  }
  SECTION("the last page makes it a position") {
    got = c.receive(page_of(h, {{}, 2, 4, true, 7, {}}, {e[3]}), {});
    REQUIRE(*got);
    CHECK_FALSE((*got)->walking);
    CHECK((*got)->complete_up_to == h.at(4));
    CHECK(c.head() == 7);
    const auto again = parse_consumer_message(c.connected({}));
    CHECK(std::get<position>(std::get<follow_request>(*again).from) == h.at(4));
  }
  SECTION("anything else is a fault") {
    const auto wrong = GENERATE_REF(page_of(h, {{}, 3, 4, true, 7, {}}, {e[3]}),        // a gap
                                    page_of(h, {{}, 2, 3, true, 7, {}}, {e[2]}),        // the end before the end
                                    page_of(h, {{}, 2, 4, false, 7, {}}, {e[3]}),       // no end at the end
                                    page_of(h, {{}, 2, 4, true, 7, {}}, {e[3], e[2]}),  // no order
                                    page_of(h, {h.at(3), 2, 3, true, 7, {}}, {e[2]}),   // another moment
                                    encode_host_message(batch_message{5, 5, {}, {"e1", 5, "x"}}));
    const auto none = c.receive(wrong, {});
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK(c.connect_at());
  }
}

TEST_CASE("a page that nobody asked for is a fault", "[bus][snapshot]") {
  history h;
  h.commit(4);
  follow_client c({}, 1);
  c.connected({});
  REQUIRE(c.receive(page_of(h, {{}, 0, 4, true, 4, {}}, {}), {}));
  CHECK(c.connect_at());
}

namespace {

/// A batch a page, so that a walk takes long.
struct small_pages final : memory_source {
  using memory_source::memory_source;
  koppel::result<newest_events> read_newest(std::uint64_t after, std::uint64_t last, std::size_t) override {
    return memory_source::read_newest(after, last, 1);
  }
};

/// A host whose history is trimmed, a consumer that keeps a table, and an unreliable wire between them.
class world {
 public:
  explicit world(std::uint32_t seed) : random_(seed), client_(options(from_start{}), seed) {}

  void step() {
    now_ += 100ms;
    if (committed_ < 300 && chance(20)) change();
    if (chance(3)) {
      horizon_ = std::max(horizon_, committed_ * (random_() % 101) / 100);
      history_->thin_to(horizon_);
    }
    if (faults_ && chance(2)) {  // the consumer is away for a while, and comes back with what it kept
      client_ = follow_client(options(kept_), random_());
      away_until_ = now_ + 4s;
    }
    if (now_ < away_until_) return;
    if (const auto at = client_.connect_at(); at && *at <= now_) connect();
    if (std::exchange(delivered_, false)) client_.waiting(now_);
    for (const std::string& m : client_.due(now_)) put(wire_in_, m);
    while (!wire_in_.empty() && !(faults_ && chance(10))) {
      auto answers = hub_.receive(peer(), wire_in_.front(), now_, "t");
      wire_in_.pop_front();
      REQUIRE(answers);
      for (outgoing& a : *answers) to_client(a);
    }
    if (now_ >= beat_) {
      beat_ = now_ + 1s;
      for (outgoing& m : hub_.heartbeat(now_, "t")) to_client(m);
    }
    send();
    while (!wire_out_.empty() && !(faults_ && chance(10))) take();
  }
  void heal() { faults_ = false; }
  std::map<std::string, std::uint64_t> truth;  ///< subject -> newest seq
  std::map<std::string, std::uint64_t> table;  ///< the same, as the consumer knows it
  int snapshots = 0, resumed = 0;

 private:
  static follower_options options(start_at from) {
    follower_options o;
    o.consumer = "pro";
    o.from = std::move(from);
    o.credit_bytes = limits::credit_min;
    return o;
  }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  std::string peer() const { return "peer" + std::to_string(connection_); }
  void change() {
    std::vector<std::string> subjects;
    for (auto count = random_() % 3 + 1; count > 0; --count) {
      subjects.push_back("s" + std::to_string(random_() % 30));
      truth[subjects.back()] = ++committed_;
    }
    commit(*history_, subjects, random_() % 15'000);
    hub_.head(committed_);
  }
  void connect() {
    ++connection_;
    wire_in_.clear(), wire_out_.clear();
    put(wire_in_, client_.connected(now_));
  }
  void to_client(const outgoing& m) {
    if (m.peer == peer()) put(wire_out_, m.bytes);
  }
  void put(std::deque<std::string>& wire, const std::string& m) {
    if (faults_ && chance(4)) return;  // lost
    wire.push_back(m);
    if (faults_ && chance(3)) wire.push_back(m);  // twice
    if (faults_ && chance(2) && wire.size() > 1) std::swap(wire.back(), wire[wire.size() - 2]);
  }
  void send() {
    auto m = hub_.next();
    REQUIRE(m);
    if (!*m) return;
    if (faults_ && chance(5)) return hub_.would_block((*m)->peer);
    if ((*m)->peer != peer()) return hub_.unreachable((*m)->peer);
    hub_.sent((*m)->peer);
    to_client(**m);
  }
  void take() {
    auto got = client_.receive(wire_out_.front(), now_);
    wire_out_.pop_front();
    if (!got) {
      if (got.error().code == errc::position_expired) {
        ++snapshots;
        kept_ = from_snapshot{};
        table.clear();  // what it does not meet in the walk or behind it would be swept
      }
      client_ = follow_client(options(kept_), random_());
      return;
    }
    if (!*got) return;
    delivered_ = true;
    for (const event& e : (*got)->events) {
      CHECK(table[e.subject] < e.seq);
      table[e.subject] = e.seq;
    }
    if ((*got)->walking) {
      kept_ = *(*got)->walking;
      if (faults_ && chance(10)) {  // its process ends and begins with what it kept
        ++resumed;
        client_ = follow_client(options(kept_), random_());
      }
    } else {
      kept_ = (*got)->complete_up_to;
      client_.acknowledge((*got)->complete_up_to);
    }
  }

  std::mt19937 random_;
  std::shared_ptr<history> history_ = std::make_shared<history>();
  small_pages source_{history_};
  follow_hub hub_{source_, {}};
  follow_client client_;
  start_at kept_ = from_start{};
  std::deque<std::string> wire_in_, wire_out_;
  time_point now_{}, beat_{};
  bool faults_ = true, delivered_ = false;
  int connection_ = 0;
  time_point away_until_{};
  std::uint64_t committed_ = 0, horizon_ = 1;
};

}  // namespace

TEST_CASE("whatever the wire does while history changes and expires, the consumer ends with what there is",
          "[bus][snapshot][simulation]") {
  int snapshots = 0, resumed = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    world w(seed);
    for (int i = 0; i < 700; ++i) w.step();
    w.heal();
    for (int i = 0; i < 300; ++i) w.step();
    REQUIRE(w.table == w.truth);
    snapshots += w.snapshots;
    resumed += w.resumed;
  }
  CHECK(snapshots > 30);
  CHECK(resumed > 10);
}
