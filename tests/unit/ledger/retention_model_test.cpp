// SPDX-License-Identifier: Apache-2.0
// Random histories, trimmed at random moments, against every consumer there could be: each is either told that its
// position expired, or ends with exactly what the whole history says.

#include <map>
#include <random>
#include <set>

#include "follow_client.hpp"
#include "follow_hub.hpp"
#include "tests/support/show_result.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using namespace std::chrono_literals;
using ledger::run_mode;
using tests::core_facet;
using tests::data_folder;
using tests::doing;
using tests::good;
using tests::said;

namespace {

/// What a consumer has made of the events it met.
class view {
 public:
  void apply(const bus::event& e) {
    const std::string type(bus::short_type(e.type));
    const auto data = tests::data_of(e);
    if (e.connection_id.empty()) return;
    if (type == "connection.removed" && data.at("purge").as_bool())
      std::erase_if(facts_, [&](const auto& fact) { return fact.first.starts_with(e.connection_id + "/"); });
    const std::string of = e.connection_id + "/";
    if (type == "sync.company.upserted")
      facts_[of + "record/" + e.subject] = boost::json::serialize(data);
    else if (type == "sync.company.deleted")
      facts_.erase(of + "record/" + e.subject);
    else if (type == "auth.status" || type == "connection.created" || type == "connection.removed")
      facts_[of + type] = e.id;
    else if (type == "sync.completed")
      completed(of, e, data);
  }
  bool operator==(const view&) const = default;
  std::string text() const {
    std::string out;
    for (const auto& [name, value] : facts_) out += name + " = " + value + "\n";
    return out;
  }

 private:
  void completed(const std::string& of, const bus::event& e, const boost::json::object& data) {
    const std::string stream(data.at("stream").as_string());
    facts_[of + "completed/" + stream] = e.id;
    if (data.at("mode") == "full") facts_[of + "full/" + stream] = e.id;
  }
  std::map<std::string, std::string> facts_;
};

/// One row at a time, so that whoever walks is met in the middle by what happens meanwhile.
class small_pages final : public bus::event_source {
 public:
  explicit small_pages(std::unique_ptr<bus::event_source> of) : of_(std::move(of)) {}
  const std::string& epoch() const override { return of_->epoch(); }
  result<std::uint64_t> head() override { return of_->head(); }
  result<std::uint64_t> horizon() override { return of_->horizon(); }
  result<std::string> id_at(std::uint64_t seq) override { return of_->id_at(seq); }
  result<std::vector<bus::stored_batch>> read(std::uint64_t after, std::size_t) override { return of_->read(after, 1); }
  result<bus::newest_events> read_newest(std::uint64_t after, std::uint64_t last, std::size_t) override {
    return of_->read_newest(after, last, 1);
  }
  void acknowledge(const std::string& consumer, std::uint64_t seq) override { of_->acknowledge(consumer, seq); }

 private:
  std::unique_ptr<bus::event_source> of_;
};

/// Records without the word that their connection was purged are no whole picture.
const std::vector<bus::filters> all_filters = {{},
                                               {{}, {}, {"sync.company", "connection.removed"}},
                                               {{}, {"acme/first"}, {}},
                                               {{}, {}, {"auth.status", "connection"}}};

bool lets_through(const bus::filters& filter, bus::event e) {
  const auto bytes = bus::encode(e);
  return filter.matches(good(bus::peek(bytes)));
}

/// A consumer and the host's half of its session.
class consumer {
 public:
  consumer(bus::follow_hub& hub, std::string peer, bus::start_at from, bus::filters filter, view known)
      : seen(std::move(known)),
        hub_(hub),
        peer_(std::move(peer)),
        client_(options(std::move(from), std::move(filter)), 1) {
    give(good(hub_.receive(peer_, client_.connected(now_), now_, "t")));
  }
  ~consumer() { good(hub_.receive(peer_, bus::encode_consumer_message(bus::bye_request{}), now_, "t")); }

  /// The next message of the host, if there is one.
  bool step() {
    if (refused) return false;
    auto m = good(hub_.next());
    if (!m) return false;
    hub_.sent(m->peer);
    REQUIRE(m->peer == peer_);
    give({*m});
    return true;
  }

  std::optional<failure> refused;
  bus::position at;
  std::optional<bus::from_snapshot> walking;
  view seen;

 private:
  static bus::follower_options options(bus::start_at from, bus::filters filter) {
    bus::follower_options o;
    o.from = std::move(from);
    o.filter = std::move(filter);
    return o;
  }
  void give(const std::vector<bus::outgoing>& messages) {
    for (const auto& m : messages) {
      const auto got = client_.receive(m.bytes, now_);
      if (!got) {
        refused = got.error();
        return;
      }
      INFO(client_.last_fault());
      REQUIRE_FALSE(client_.connect_at());  // a gap or a broken order
      if (!*got) continue;
      for (const auto& e : (*got)->events) seen.apply(e);
      at = (*got)->complete_up_to;
      walking = (*got)->walking;
    }
  }

  bus::follow_hub& hub_;
  const std::string peer_;
  const bus::time_point now_{};
  bus::follow_client client_;
};

/// A host with two connections that does things at random.
class random_host {
 public:
  explicit random_host(std::uint32_t seed) : random_(seed) {
    for (const char* name : {"first", "second"}) connect(name);
  }

  void act() {
    const auto what = pick(20);
    if (what < 10)
      page();
    else if (what < 12)
      complete(pick(2) == 0 ? "full" : "incremental");
    else if (what < 14)
      tell("auth.status", {{"status", "authorized"}});
    else if (what < 15)
      tell("sync.failed", {{"stream", "companies"}});
    else if (what < 16 && pick(3) == 0)
      replace_connection();
    else
      trim();
    learn();
  }
  void trim() {
    d.clock.advance(std::chrono::hours(pick(40)));
    std::chrono::milliseconds wait{};
    doing(*l, [&](auto& tx) { wait = tx.begin_trimming({24h, 72h}); });
    if (wait > 0ms) return;
    ledger::trim_outcome slice;
    do {
      doing(*l, [&](auto& tx) { slice = good(tx.trim(slice.up_to)); });
      trimmed += slice.events;
      CHECK(slice.damage.empty());
    } while (slice.more);
  }

  std::unique_ptr<bus::event_source> source() { return std::make_unique<small_pages>(l->make_event_source()); }
  /// What the whole history up to a seq says, through a filter.
  view truth(std::uint64_t up_to, const bus::filters& filter) const {
    view out;
    for (const auto& e : all)
      if (e.seq <= up_to && lets_through(filter, e)) out.apply(e);
    return out;
  }
  bus::position position_at(std::uint64_t seq) const { return {l->epoch(), seq, seq == 0 ? "" : all[seq - 1].id}; }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  // In memory where there is such a place: thousands of commits, and none of them has to survive anything.
  data_folder d{std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp"};
  std::unique_ptr<ledger::ledger> l = d.open();
  std::vector<bus::event> all;  ///< as they were when they were new
  std::uint64_t trimmed = 0;

 private:
  void connect(const char* name) {
    auto c = tests::connected(*l, name);
    doing(*l, [&](auto& tx) { good(tx.append({"connection.created", "", &c, "", {{"app", "a"}}})); });
    connections_[name] = std::move(c);
  }
  ledger::connection& some() { return connections_[pick(2) == 0 ? "first" : "second"]; }
  void tell(const std::string& type, boost::json::object data) {
    doing(*l, [&](auto& tx) { good(tx.append({type, "", &some(), "", std::move(data)})); });
  }
  void complete(const char* mode) {
    tell("sync.completed", {{"stream", pick(2) == 0 ? "companies" : "others"}, {"mode", mode}, {"complete", true}});
  }
  void page() {
    messages::page p;
    std::set<std::uint64_t> ids;
    for (auto count = pick(4) + 1; count > 0; --count) ids.insert(pick(5));
    for (const auto id : ids) {
      const auto name = std::to_string(id);
      switch (pick(6)) {
        case 0:
          p.records.push_back(tests::gone(name));
          break;
        case 1:
          p.records.push_back(said(name, {core_facet(R"({"not_a_field":1})")}));
          break;
        default:
          p.records.push_back(said(name, {core_facet(R"({"name":")" + std::to_string(pick(3)) + "\"}")}));
      }
    }
    const auto& c = some();
    doing(*l, [&](auto& tx) {
      auto r = good(tx.begin_run(c, "companies", "company", run_mode::incremental, "manual"));
      good(tx.commit_page(r, c, p, 1, "provider_deleted", false));
    });
  }
  void replace_connection() {
    const auto name = some().name;
    const bool purge = pick(2) == 0;
    doing(*l, [&](auto& tx) {
      const auto& c = connections_[name];
      good(tx.remove_connection(c.id, purge));
      good(tx.append({"auth.status", "", &c, "", {{"status", "removed"}}}));
      good(tx.append({"connection.removed", "", &c, "", {{"purge", purge}}}));
    });
    connect(name.c_str());
  }
  /// The events that are new, before anything can take them away.
  void learn() {
    const auto source = l->make_event_source();
    const std::uint64_t known = all.size();
    for (const auto& batch : good(source->read(known, std::size_t{64} << 20)))
      for (std::string_view rest = batch.bytes; !rest.empty();) {
        const auto e = good(bus::peek(rest));
        rest.remove_prefix(e.raw.size());
        if (e.seq > known) all.push_back(bus::copy_of(e));
      }
    REQUIRE(all.size() == good(source->head()));
  }

  std::mt19937 random_;
  std::map<std::string, ledger::connection> connections_;
};

bool expired(const consumer& c) {
  if (!c.refused) return false;
  INFO(c.refused->detail);
  REQUIRE(c.refused->code == bus::errc::position_expired);
  return true;
}

}  // namespace

TEST_CASE("every consumer of a trimmed history is refused, or knows in the end what the whole history says",
          "[ledger][retention][model]") {
  std::uint64_t trimmed = 0, refused = 0, right = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    random_host host(seed);
    for (int i = 0; i < 60; ++i) host.act();
    const auto source = host.source();
    bus::follow_hub hub(*source, {});
    const std::uint64_t head = host.all.size(), horizon = good(source->horizon());

    for (const auto& filter : all_filters) {
      const auto truth = host.truth(head, filter);
      consumer late(hub, "late", bus::from_start{}, filter, {});
      while (late.step()) {
      }
      REQUIRE_FALSE(late.refused);
      CHECK(late.seen.text() == truth.text());
      view known;
      for (std::uint64_t seq = 0; seq <= head; ++seq) {
        CAPTURE(seq, horizon);
        if (seq > 0 && lets_through(filter, host.all[seq - 1])) known.apply(host.all[seq - 1]);
        consumer c(hub, "c", host.position_at(seq), filter, known);
        while (c.step()) {
        }
        // seq 0 is the start: whoever has nothing begins there.
        CHECK(expired(c) == (seq != 0 && seq + 1 < horizon + (seq < horizon && good(source->id_at(seq)).empty())));
        if (c.refused) ++refused;
        if (c.refused) continue;
        CHECK(c.seen.text() == truth.text());
        CHECK(c.at.seq == (seq == head ? 0 : head));
        ++right;
      }
    }
    trimmed += host.trimmed;
  }
  CHECK(trimmed > 200);  // else nothing was proven
  CHECK(refused > 500);
  CHECK(right > 500);
}

TEST_CASE("a consumer that walks while history changes and is trimmed is right in the end, or begins again",
          "[ledger][retention][model]") {
  std::uint64_t overtaken = 0, snapshots = 0, cut = 0;
  for (std::uint32_t seed = 101; seed <= 140; ++seed) {
    CAPTURE(seed);
    random_host host(seed);
    for (int i = 0; i < 20; ++i) host.act();
    const auto source = host.source();
    bus::follow_hub hub(*source, {});
    const auto filter = all_filters[seed % all_filters.size()];
    std::optional<consumer> c;
    c.emplace(hub, "c", bus::from_start{}, filter, view{});

    const auto begin_again = [&] {
      ++overtaken;
      c.emplace(hub, "c", bus::from_snapshot{}, filter, view{});
    };
    for (int i = 0; i < 60; ++i) {
      host.act();
      hub.head(host.all.size());
      for (auto steps = host.pick(5); steps > 0; --steps) c->step();
      if (c->walking) ++snapshots;
      if (c->walking && host.pick(4) == 0) {  // the consumer's process ends, and goes on with what it kept
        ++cut;
        const auto kept = *c->walking;
        view seen = c->seen;
        c.emplace(hub, "c", kept, filter, std::move(seen));
      }
      if (expired(*c)) begin_again();
    }
    while (c->step())
      if (expired(*c)) begin_again();

    REQUIRE_FALSE(c->walking);
    CHECK(c->seen.text() == host.truth(host.all.size(), filter).text());
  }
  CHECK(overtaken > 10);
  CHECK(snapshots > 10);
  CHECK(cut > 3);
}

TEST_CASE("a snapshot of a trimmed history is each newest event, once, in pages", "[ledger][retention][model]") {
  for (std::uint32_t seed = 201; seed <= 210; ++seed) {
    CAPTURE(seed);
    random_host host(seed);
    for (int i = 0; i < 60; ++i) host.act();
    const auto source = host.source();
    bus::follow_hub hub(*source, {});
    consumer walker(hub, "walker", bus::from_snapshot{}, {}, {});
    std::size_t pages = 0;
    while (walker.step()) ++pages;

    CHECK(walker.seen.text() == host.truth(host.all.size(), {}).text());
    CHECK(walker.at == host.position_at(host.all.size()));
    CHECK(pages > 5);
    const auto whole = good(host.l->make_event_source()->read_newest(0, host.all.size(), 64 << 20));
    CHECK(whole.up_to == host.all.size());
    std::set<std::string> records;
    for (std::string_view rest = whole.bytes; !rest.empty();) {
      const auto e = good(bus::peek(rest));
      rest.remove_prefix(e.raw.size());
      if (bus::short_type(e.type).starts_with("sync.company"))
        CHECK(records.insert(std::string(e.connection_id) + std::string(e.subject)).second);
    }
    CHECK(records.size() > 3);
  }
}
