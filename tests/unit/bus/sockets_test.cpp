// SPDX-License-Identifier: Apache-2.0
// Server, follower and watcher over real sockets in a folder of our own. Waiting is always for something, with a bound.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <future>
#include <koppel/bus/client.hpp>
#include <koppel/bus/server.hpp>
#include <zmq.hpp>

#include "folder.hpp"
#include "memory_source.hpp"
#include "protocol.hpp"

using namespace koppel::bus;
using namespace std::chrono_literals;
using koppel::bus::testing::history;
using koppel::bus::testing::make_event;
using koppel::bus::testing::memory_source;

namespace {

constexpr auto beat = 100ms;  // a fast heart makes what depends on it fast to test

struct bus {
  bus() { restart(); }
  ~bus() {
    host.reset();
    std::filesystem::remove_all(root);
  }
  void restart() {
    host.reset();
    server_options o;
    o.heartbeat = beat;
    o.on_fatal = [this](const koppel::failure& f) { fatal.set_value(f.detail); };
    o.on_broken = [this](const koppel::failure& f) {
      if (!std::exchange(said_broken, true)) broken.set_value(f.detail);
    };
    host = std::make_unique<server>(folder(), std::make_unique<memory_source>(h), o);
    REQUIRE(host->start());
  }
  void commit(std::size_t count, const std::string& connection = "acme", std::size_t padding = 0) {
    h->commit(count, connection, padding);
    host->notify(h->head());
  }
  std::filesystem::path folder() const { return root / "bus"; }
  follower_options options(const std::string& name = "") const {
    follower_options o;
    o.folder = folder();
    o.consumer = name;
    o.heartbeat = beat;
    return o;
  }
  static std::filesystem::path make_root() {
    char name[] = "/tmp/koppel-bus-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    return name;
  }

  std::filesystem::path root = make_root();
  std::shared_ptr<history> h = std::make_shared<history>();
  std::promise<std::string> fatal, broken;
  bool said_broken = false;
  std::unique_ptr<server> host;
};

/// Takes deliveries until the position is `seq`; the seqs of all events on the way.
std::vector<std::uint64_t> take_until(follower& f, std::uint64_t seq) {
  std::vector<std::uint64_t> seqs;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  std::uint64_t at = 0;
  while (at < seq && std::chrono::steady_clock::now() < deadline) {
    auto got = f.next(500ms);
    REQUIRE(got);
    if (!*got) continue;
    for (const event& e : (*got)->events) seqs.push_back(e.seq);
    at = (*got)->complete_up_to.seq;
  }
  REQUIRE(at == seq);
  return seqs;
}

std::vector<std::uint64_t> up_to(std::uint64_t last, std::uint64_t first = 1) {
  std::vector<std::uint64_t> out;
  for (; first <= last; ++first) out.push_back(first);
  return out;
}

}  // namespace

TEST_CASE("history first, then live, over one socket", "[bus][sockets]") {
  bus b;
  b.commit(3);
  follower f(b.options("pro"));
  CHECK(take_until(f, 3) == up_to(3));
  b.commit(2);
  CHECK(take_until(f, 5) == up_to(5, 4));

  REQUIRE(f.ack(b.h->at(5)));
  while (b.h->acked("pro") != 5) REQUIRE(f.next(50ms));
  const auto sessions = b.host->sessions();
  REQUIRE(sessions.size() == 1);
  CHECK(sessions[0].name == "pro");
  CHECK(sessions[0].at == b.h->at(5));
  CHECK_FALSE(sessions[0].connected_since.empty());
}

TEST_CASE("a follower that was there before the host connects when it comes", "[bus][sockets]") {
  bus b;
  b.host.reset();
  std::filesystem::remove_all(b.folder());
  follower f(b.options());
  REQUIRE_FALSE(*f.next(10ms));
  b.restart();
  b.commit(2);
  CHECK(take_until(f, 2) == up_to(2));
}

TEST_CASE("a follower survives a restart of the host without losing or repeating", "[bus][sockets]") {
  bus b;
  b.commit(3);
  follower f(b.options("pro"));
  CHECK(take_until(f, 3) == up_to(3));
  b.restart();
  b.commit(2);
  CHECK(take_until(f, 5) == up_to(5, 4));
  CHECK(f.reconnects() > 0);
}

TEST_CASE("filters hold over the wire", "[bus][sockets]") {
  bus b;
  b.commit(3, "acme"), b.commit(2, "other"), b.commit(1, "acme");
  auto o = b.options();
  o.filter.connections = {"c-other"};
  follower f(o);
  CHECK(take_until(f, 6) == up_to(5, 4));
}

TEST_CASE("many megabytes go through little credit", "[bus][sockets]") {
  bus b;
  for (int i = 0; i < 100; ++i) b.commit(16, "acme", 10'000);  // 16 MB
  auto o = b.options();
  o.credit_bytes = limits::credit_min;
  follower f(o);
  CHECK(take_until(f, 1600) == up_to(1600));
}

TEST_CASE("the newer of two sessions of one name wins, the older is told", "[bus][sockets]") {
  bus b;
  b.commit(1);
  follower first(b.options("pro"));
  take_until(first, 1);
  follower second(b.options("pro"));
  take_until(second, 1);
  auto got = first.next(2s);
  while (got && *got) got = first.next(2s);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::replaced);
  b.commit(1);
  CHECK(take_until(second, 2) == up_to(2, 2));
}

TEST_CASE("a peer that never reads does not hold up another", "[bus][sockets]") {
  bus b;
  for (int i = 0; i < 60; ++i) b.commit(16, "acme", 60'000);  // 58 MB: more than the sleeper's pipes hold
  zmq::context_t context;
  zmq::socket_t sleeper(context, zmq::socket_type::dealer);
  sleeper.set(zmq::sockopt::linger, 0);
  sleeper.set(zmq::sockopt::rcvhwm, 1);
  sleeper.connect(follow_endpoint(b.folder()));
  const std::string hello = encode_consumer_message(follow_request{"sleeper", from_start{}, {}, limits::credit_max});
  REQUIRE(sleeper.send(zmq::buffer(hello)));
  while (b.host->sessions().empty()) std::this_thread::yield();

  follower f(b.options("awake"));
  CHECK(take_until(f, 960).size() == 960);
  b.commit(1);
  CHECK(take_until(f, 961) == up_to(961, 961));
}

TEST_CASE("a peer whose pipe is full is paused, and loses nothing when it reads again", "[bus][sockets]") {
  constexpr std::uint64_t count = 1'000;  // one message each: more than the pipe and the kernel's buffers hold
  bus b;
  zmq::context_t context;
  zmq::socket_t sleeper(context, zmq::socket_type::dealer);
  sleeper.set(zmq::sockopt::linger, 0);
  sleeper.set(zmq::sockopt::rcvhwm, 1);
  sleeper.set(zmq::sockopt::rcvtimeo, 5'000);
  sleeper.connect(follow_endpoint(b.folder()));
  const std::string hello = encode_consumer_message(follow_request{"sleeper", from_start{}, {}, limits::credit_max});
  const std::string ping = encode_consumer_message(ping_request{});
  REQUIRE(sleeper.send(zmq::buffer(hello)));
  while (b.host->sessions().empty()) std::this_thread::yield();

  follower awake(b.options("awake"));
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    b.commit(1, "acme", 2'000);
    take_until(awake, seq);
    if (seq % 20 == 0) REQUIRE(sleeper.send(zmq::buffer(ping)));  // alive, but it does not read
  }
  const auto sessions = b.host->sessions();
  REQUIRE(sessions.size() == 2);
  CHECK(std::min(sessions[0].at.seq, sessions[1].at.seq) < count);  // it was paused

  std::uint64_t at = 0;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (at < count && std::chrono::steady_clock::now() < deadline) {
    zmq::message_t m;
    REQUIRE(sleeper.recv(m));
    REQUIRE(sleeper.send(zmq::buffer(ping)));
    const auto reply = parse_host_message({static_cast<const char*>(m.data()), m.size()});
    REQUIRE(reply);
    const auto* batch = std::get_if<batch_message>(&*reply);
    if (batch == nullptr || batch->last < batch->first) continue;
    REQUIRE(batch->first == at + 1);
    at = batch->last;
  }
  CHECK(at == count);
}

TEST_CASE("a peer that follows again and again and never reads makes the host queue no more than one session may need",
          "[bus][sockets]") {
  bus b;
  b.commit(1, "acme", 60'000);
  zmq::context_t context;
  zmq::socket_t greedy(context, zmq::socket_type::dealer);
  greedy.set(zmq::sockopt::linger, 0);
  greedy.set(zmq::sockopt::rcvhwm, 1);
  greedy.connect(follow_endpoint(b.folder()));
  const std::string hello = encode_consumer_message(follow_request{"", from_start{}, {}, limits::credit_max});
  const std::string bye = encode_consumer_message(bye_request{});
  follower awake(b.options("awake"));
  take_until(awake, 1);
  const auto greedy_is_at = [&] {
    for (const auto& s : b.host->sessions())
      if (s.name.empty()) return std::optional(s.at.seq);
    return std::optional<std::uint64_t>();
  };
  // An acceptance and a batch at least for each session, until the pipe is full.
  int sessions = 0;
  for (; sessions < 300; ++sessions) {
    REQUIRE(greedy.send(zmq::buffer(hello)));
    while (!greedy_is_at()) std::this_thread::yield();
    for (int turns = 0; turns < 2; ++turns) {  // served in turn: who was served twice has left the other its turn
      b.commit(1);
      take_until(awake, b.h->head());
    }
    if (greedy_is_at() == 0u) break;
    REQUIRE(greedy.send(zmq::buffer(bye)));
    while (greedy_is_at()) std::this_thread::yield();
  }
  CHECK(sessions > 10);
  CHECK(2 * sessions < limits::follower_hwm + 50);  // and what the kernel's buffers hold
}

TEST_CASE("a silent peer is dropped", "[bus][sockets]") {
  bus b;
  zmq::context_t context;
  zmq::socket_t mute(context, zmq::socket_type::dealer);
  mute.set(zmq::sockopt::linger, 0);
  mute.connect(follow_endpoint(b.folder()));
  const std::string hello = encode_consumer_message(follow_request{"mute", from_start{}, {}, limits::credit_max});
  REQUIRE(mute.send(zmq::buffer(hello)));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (b.host->sessions().empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  REQUIRE_FALSE(b.host->sessions().empty());
  while (!b.host->sessions().empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(b.host->sessions().empty());
}

TEST_CASE("a message of many frames or over 64 KiB harms nobody", "[bus][sockets]") {
  bus b;
  b.commit(1);
  zmq::context_t context;
  zmq::socket_t odd(context, zmq::socket_type::dealer);
  odd.set(zmq::sockopt::linger, 0);
  odd.connect(follow_endpoint(b.folder()));
  for (int i = 0; i < 100; ++i) REQUIRE(odd.send(zmq::str_buffer("x"), zmq::send_flags::sndmore));
  REQUIRE(odd.send(zmq::str_buffer("y")));
  zmq::message_t answer;
  odd.set(zmq::sockopt::rcvtimeo, 5'000);
  REQUIRE(odd.recv(answer));
  const auto reply = parse_host_message({static_cast<const char*>(answer.data()), answer.size()});
  REQUIRE(reply);
  CHECK(std::get<refused_message>(*reply).code == "bad_request");
  const std::string huge(limits::request_bytes + 1, 'x');
  REQUIRE(odd.send(zmq::buffer(huge)));
  follower f(b.options());
  CHECK(take_until(f, 1) == up_to(1));
}

TEST_CASE("watchers see topics, records without data, heartbeats, and what is live only", "[bus][sockets]") {
  bus b;
  watcher w(b.folder(), {});
  // A subscription arrives when it arrives: the first heartbeat says that it has.
  auto got = w.next(5s);
  REQUIRE(got);
  REQUIRE(*got);
  CHECK((*got)->type == "eu.koppel.heartbeat.v1");

  b.commit(1);
  b.host->publish_live(make_event(0, "sync.progress"));
  bool record = false, progress = false;
  for (int i = 0; i < 50 && !(record && progress); ++i) {
    got = w.next(5s);
    REQUIRE(got);
    REQUIRE(*got);
    const event& e = **got;
    if (short_type(e.type) == "sync.company.upserted") record = e.data.empty() && e.id == b.h->id_at(1);
    if (short_type(e.type) == "sync.progress") progress = e.seq == 0;
  }
  CHECK(record);
  CHECK(progress);
}

TEST_CASE("long work between a delivery and its acknowledgement costs no new connection", "[bus][sockets]") {
  bus b;
  b.commit(1);
  follower f(b.options("slow"));
  take_until(f, 1);
  std::this_thread::sleep_for(beat * 4);  // beyond the silence that a host is allowed, within what a consumer is
  REQUIRE(f.ack(b.h->at(1)));
  REQUIRE(f.next(beat));
  CHECK(f.reconnects() == 0);
}

TEST_CASE("damaged events end the session that needs them, the bus and its watchers go on", "[bus][sockets]") {
  bus b;
  b.commit(1);
  b.commit(1);
  b.h->damage_batch(0);
  follower f(b.options());
  auto got = f.next(2s);
  if (got) got = f.next(2s);  // accepted first
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::history_broken);
  CHECK(b.broken.get_future().wait_for(5s) == std::future_status::ready);

  follower_options now = b.options();
  now.from = from_now{};
  follower other(now);
  REQUIRE(*other.next(2s));
  b.commit(1);
  CHECK(take_until(other, 3) == std::vector<std::uint64_t>{3});
}

TEST_CASE("a source that fails ends the bus and says so", "[bus][sockets]") {
  bus b;
  b.commit(1);
  b.h->fail_reads();
  follower f(b.options());
  CHECK(*f.next(500ms));  // accepted, "the start is here"
  auto fatal = b.fatal.get_future();
  REQUIRE(fatal.wait_for(10s) == std::future_status::ready);
  CHECK(fatal.get() == "disk");
}

TEST_CASE("a bus folder that is not ours alone is refused", "[bus][sockets][folder]") {
  const auto root = bus::make_root();
  const auto folder = root / "bus";
  REQUIRE(prepare_folder(folder));
  struct stat about {};
  REQUIRE(::stat(folder.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  CHECK(prepare_folder(folder));

  std::filesystem::permissions(folder, std::filesystem::perms(0750));
  CHECK(prepare_folder(folder).error().code == errc::folder_unsafe);
  std::filesystem::permissions(folder, std::filesystem::perms(0700));
  std::filesystem::create_directory_symlink(folder, root / "link");
  CHECK(prepare_folder(root / "link").error().code == errc::folder_unsafe);
  CHECK(prepare_folder(root / std::string(120, 'x')).error().code == errc::folder_unsafe);
  std::filesystem::remove_all(root);
}

TEST_CASE("stopping takes no longer than a turn, with peers or without", "[bus][sockets]") {
  bus b;
  b.commit(5);
  follower f(b.options());
  take_until(f, 5);
  b.host->stop();
  b.host->stop();
  REQUIRE_FALSE(*f.next(1ms));
}

TEST_CASE("a topic may have 128 bytes, and a watcher refuses a longer one with a sentence", "[bus][sockets]") {
  bus b;
  auto e = make_event(0, "sync.progress");
  e.connection = std::string(limits::topic_bytes - e.provider.size() - 2, 'x');  // "teamleader/xxx.../"
  const auto topic = topic_of(e).substr(0, limits::topic_bytes);
  REQUIRE(topic.ends_with("x/"));
  watcher w(b.folder(), {topic});
  bool came = false;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!came && std::chrono::steady_clock::now() < deadline) {
    b.host->publish_live(e);  // a subscription arrives when it arrives
    const auto got = w.next(50ms);
    REQUIRE(got);
    came = got->has_value();
  }
  CHECK(came);

  watcher longer(b.folder(), {topic, topic + "s"});
  const auto refused = longer.next(1ms);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::bad_request);
  CHECK(refused.error().detail.find("has 129 bytes; a topic has at most 128") != std::string::npos);
}

TEST_CASE("a second host is refused the bus of one that runs, which goes on", "[bus][sockets][folder]") {
  bus b;
  b.commit(1);
  {
    server second(b.folder(), std::make_unique<memory_source>(std::make_shared<history>()), {});
    const auto started = second.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().code == errc::folder_in_use);
    CHECK(started.error().detail.find(b.folder().string()) != std::string::npos);
  }
  follower f(b.options());
  CHECK(take_until(f, 1) == up_to(1));
  watcher w(b.folder(), {"-/-/heartbeat/"});
  const auto got = w.next(10s);
  REQUIRE(got);
  CHECK(got->has_value());
  b.restart();  // a host that has ended leaves its folder to the next
  b.commit(1);
  CHECK(take_until(f, 2) == up_to(2, 2));
}

TEST_CASE("many connections are told once, and again when they had become few", "[bus][sockets]") {
  bus b;
  b.host.reset();
  std::vector<std::size_t> told;
  std::atomic<std::size_t> times{0};
  server_options o;
  o.heartbeat = beat;
  o.many_connections = 4;
  o.on_many_connections = [&](std::size_t count) {
    told.push_back(count);
    ++times;
  };
  b.host = std::make_unique<server>(b.folder(), std::make_unique<memory_source>(b.h), o);
  REQUIRE(b.host->start());
  b.commit(1);
  zmq::context_t context;
  const auto crowd = [&](std::size_t count) {
    std::vector<zmq::socket_t> out;
    for (std::size_t i = 0; i < count; ++i) {
      out.emplace_back(context, i % 2 == 0 ? zmq::socket_type::dealer : zmq::socket_type::sub);
      out.back().set(zmq::sockopt::linger, 0);
      out.back().connect(i % 2 == 0 ? follow_endpoint(b.folder()) : live_endpoint(b.folder()));
    }
    return out;
  };
  const auto wait_for = [&](auto done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!done() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    REQUIRE(done());
  };
  {
    const auto few = crowd(3);
    wait_for([&] { return b.host->connections() == 3; });
    CHECK(times == 0);
    const auto more = crowd(3);
    wait_for([&] { return b.host->connections() == 6 && times > 0; });
    CHECK(times == 1);
  }
  wait_for([&] { return b.host->connections() == 0; });
  const auto again = crowd(5);
  wait_for([&] { return times == 2; });
  b.host->stop();
  // Those that came together are counted together.
  REQUIRE(told.size() == 2);
  CHECK((told[0] >= 4 && told[0] <= 6));
  CHECK((told[1] >= 4 && told[1] <= 5));
}
