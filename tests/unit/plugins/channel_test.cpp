// SPDX-License-Identifier: Apache-2.0
// Frames from a hostile child (list E9 1-9, 40), and the queue towards one that does not read.

#include "host/plugins/channel.hpp"

#include <sys/socket.h>

#include "host/runtime/supervisor.hpp"
#include "support.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;
namespace messages = koppel::messages;

namespace {

std::string length(std::uint32_t n) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((n >> shift) & 0xFFu);
  return bytes;
}

std::string frame(const std::string& message) { return length(static_cast<std::uint32_t>(message.size())) + message; }

messages::message line(const std::string& text) {
  messages::log l;
  l.level = "info";
  l.text = text;
  return l;
}

struct heard {
  std::vector<std::string> lines;
  frame_reader::sink sink = [this](messages::message m) {
    if (const auto* l = std::get_if<messages::log>(&m)) lines.push_back(l->text);
    return std::string();
  };
};

std::string taken(const std::string& bytes) {
  frame_reader reader;
  heard h;
  return reader.take(bytes, h.sink);
}

struct pair_of_sockets {
  descriptor ours, theirs;
  pair_of_sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
};

}  // namespace

TEST_CASE("messages arrive whole however the bytes are cut", "[plugins][channel]") {
  const std::string bytes = frame(messages::encode(line("one"))) + frame(messages::encode(line("two"))) +
                            frame(messages::encode(line(std::string(100'000, 'x'))));
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, bytes.size()}) {
    frame_reader reader;
    heard h;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      REQUIRE(reader.take(std::string_view(bytes).substr(at, step), h.sink).empty());
    CHECK(h.lines == std::vector<std::string>{"one", "two", std::string(100'000, 'x')});
    CHECK(reader.pending() == 0);
  }
}

TEST_CASE("a frame that is empty, too long or no message is a violation with its reason", "[plugins][channel]") {
  CHECK(taken(length(0)) == "it sent an empty frame");
  CHECK(taken(length(UINT32_MAX)) == "it sent a frame of 4294967295 bytes; at most 4194304 are allowed");
  CHECK(taken(length(messages::max_from_plugin + 1)).find("at most 4194304") != std::string::npos);
  CHECK(taken(length(messages::max_from_plugin)).empty());  // allowed; the bytes are still to come
  CHECK(taken(frame("garbage")).starts_with("it sent bytes that are no message: "));
  CHECK(taken(frame("\xc1")).starts_with("it sent bytes that are no message: "));
  CHECK(taken(frame(messages::encode(line("x")) + "x")).starts_with("it sent bytes that are no message: "));
}

TEST_CASE("a promised length takes no memory before the bytes arrive", "[plugins][channel]") {
  frame_reader reader;
  heard h;
  REQUIRE(reader.take(length(messages::max_from_plugin) + "abc", h.sink).empty());
  CHECK(reader.pending() == 7);
}

TEST_CASE("a message of a later version is ignored, what follows is read", "[plugins][channel]") {
  const std::string later = "\x81\xa1t\xa6tuning";
  frame_reader reader;
  heard h;
  CHECK(reader.take(frame(later) + frame(messages::encode(line("after"))), h.sink).empty());
  CHECK(h.lines == std::vector<std::string>{"after"});
}

TEST_CASE("what the sink objects to ends the reading there", "[plugins][channel]") {
  frame_reader reader;
  int seen = 0;
  const frame_reader::sink strict = [&](messages::message) {
    return ++seen == 2 ? std::string("enough") : std::string();
  };
  const std::string one = frame(messages::encode(line("x")));
  CHECK(reader.take(one + one + one, strict) == "enough");
  CHECK(seen == 2);
}

TEST_CASE("every truncation and every flipped byte of a message is read or refused, never a crash",
          "[plugins][channel]") {
  messages::page p;
  p.job = 1;
  p.records.resize(2);
  p.records[0].entity = "company";
  p.records[0].facets.push_back({"core", "\x80"});
  const std::string whole = messages::encode(p);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size)
    if (!taken(frame(whole.substr(0, size))).empty()) ++refused;
  CHECK(refused == whole.size());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    taken(frame(bytes));
  }
}

TEST_CASE("a reader ends without a complaint when the other end closes, in the middle of a frame too",
          "[plugins][channel]") {
  asio::io_context context;
  pair_of_sockets sockets;
  channel link(context.get_executor(), std::move(sockets.ours));
  heard h;
  const std::string bytes = frame(messages::encode(line("whole"))) + length(100) + "half";
  REQUIRE(::send(sockets.theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  sockets.theirs.reset();

  CHECK(run(context, link.read(h.sink)).empty());
  CHECK(h.lines == std::vector<std::string>{"whole"});
}

TEST_CASE("a runner that does not read makes senders wait, and closing releases them", "[plugins][channel]") {
  asio::io_context context;
  koppel::runtime::supervisor tasks(context.get_executor());
  pair_of_sockets sockets;
  channel link(context.get_executor(), std::move(sockets.ours));
  tasks.run("writer", link.write());

  std::vector<started<bool>> sends;
  for (int i = 0; i < 5; ++i) sends.emplace_back(context, link.send(std::string(std::size_t{5} << 20, 'x')));
  run_until(context, [&] { return sends[2].done(); });
  for (int i = 0; i < 100; ++i) context.poll_one();
  CHECK_FALSE(sends[3].done());  // 3 x 5 MiB are queued, 16 are allowed
  CHECK_FALSE(sends[4].done());

  link.close();
  run_until(context, [&] { return sends[3].done() && sends[4].done() && tasks.running() == 0; });
  CHECK(sends[0].get());
  CHECK_FALSE(sends[3].get());
}

TEST_CASE("a finished channel writes out its queue, then ends its side alone", "[plugins][channel]") {
  asio::io_context context;
  koppel::runtime::supervisor tasks(context.get_executor());
  pair_of_sockets sockets;
  channel link(context.get_executor(), std::move(sockets.ours));
  link.post(messages::encode(line("last words")));
  link.finish();
  link.post(messages::encode(line("too late")));
  tasks.run("writer", link.write());
  run_until(context, [&] { return tasks.running() == 0; });

  std::string received(4096, '\0');
  const ssize_t n = ::recv(sockets.theirs.get(), received.data(), received.size(), MSG_DONTWAIT);
  REQUIRE(n > 0);
  CHECK(received.substr(0, static_cast<std::size_t>(n)) == frame(messages::encode(line("last words"))));
  CHECK(::recv(sockets.theirs.get(), received.data(), 1, MSG_DONTWAIT) == 0);

  const std::string answer = frame(messages::encode(line("still heard")));
  REQUIRE(::send(sockets.theirs.get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0);
  sockets.theirs.reset();
  heard h;
  run(context, link.read(h.sink));
  CHECK(h.lines == std::vector<std::string>{"still heard"});
}

TEST_CASE("a flood of messages waits in its socket, and none is lost", "[plugins][channel]") {
  asio::io_context context;
  pair_of_sockets sockets;
  channel c(context.get_executor(), std::move(sockets.ours));
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += frame(messages::encode(line("x")));
  const int room = 1 << 20;
  REQUIRE(::setsockopt(sockets.theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
  REQUIRE(::send(sockets.theirs.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  sockets.theirs.reset();
  heard h;
  const auto before = std::chrono::steady_clock::now();

  CHECK(run(context, c.read(h.sink)).empty());

  CHECK(h.lines.size() == 3000);
  CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds{200});
}
