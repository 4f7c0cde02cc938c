// SPDX-License-Identifier: Apache-2.0
// Who goes first: within a connection (connection_gate), and between connections that share a limit (fair_queue).

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>

#include "host/auth/connection_gate.hpp"
#include "host/auth/fair_queue.hpp"
#include "host/auth/request_limits.hpp"
#include "tests/unit/net/run.hpp"

namespace koppel::auth {
namespace {

using runtime::awaitable;

/// Enters, notes its name, and stays until `leave` fires.
awaitable<void> visit(connection_gate& gate, std::string id, std::string name, std::vector<std::string>& inside,
                      boost::asio::steady_timer& leave) {
  const auto pass = co_await gate.enter(std::move(id));
  inside.push_back(name);
  co_await leave.async_wait(runtime::token);
}

struct visitors {
  boost::asio::io_context io;
  connection_gate gate;
  boost::asio::steady_timer leave{io, boost::asio::steady_timer::time_point::max()};
  std::vector<std::string> inside;
  int ended = 0;
  void send(const std::string& id, const std::string& name, boost::asio::cancellation_slot slot = {}) {
    boost::asio::co_spawn(io, visit(gate, id, name, inside, leave),
                          boost::asio::bind_cancellation_slot(slot, [this](std::exception_ptr) { ++ended; }));
    io.restart();
    io.poll();
  }
  void let_go() {
    leave.cancel();
    io.restart();
    io.poll();
  }
};

TEST_CASE("one at a time and in order for a connection, others do not wait", "[auth][gate]") {
  visitors v;
  v.send("a", "first");
  v.send("a", "second");
  v.send("a", "third");
  v.send("b", "neighbour");
  CHECK(v.inside == std::vector<std::string>{"first", "neighbour"});
  v.let_go();
  CHECK(v.inside == std::vector<std::string>{"first", "neighbour", "second"});
  v.let_go();
  v.let_go();
  CHECK(v.inside.back() == "third");
  CHECK(v.ended == 4);
  v.send("a", "later");
  CHECK(v.inside.back() == "later");  // and is still inside when everything goes
}

TEST_CASE("who stops waiting leaves the queue whole", "[auth][gate]") {
  visitors v;
  boost::asio::cancellation_signal impatient;
  v.send("a", "first");
  v.send("a", "second", impatient.slot());
  v.send("a", "third");
  impatient.emit(boost::asio::cancellation_type::terminal);
  v.io.restart();
  v.io.poll();
  CHECK(v.ended == 1);
  v.let_go();
  CHECK(v.inside == std::vector<std::string>{"first", "third"});
}

struct shared_limit {
  boost::asio::io_context io;
  runtime::manual_clock clock{core::instant{std::chrono::hours{1}}};
  fair_queue queue;
  int left = 0;
  std::vector<std::string> served;
  int ended = 0;
  std::optional<core::instant> told;

  fair_queue::taker taker(const std::string& name) {
    return [this, name](core::instant now) -> std::optional<core::instant> {
      if (left == 0) return now + std::chrono::seconds{10};
      --left;
      served.push_back(name);
      return std::nullopt;
    };
  }
  void ask(const std::string& connection, const std::string& name, boost::asio::cancellation_slot slot = {},
           std::chrono::seconds patience = std::chrono::hours{1}) {
    boost::asio::co_spawn(
        io, queue.wait_turn(connection, clock.now() + patience, clock, taker(name)),
        boost::asio::bind_cancellation_slot(slot, [this](std::exception_ptr, std::optional<core::instant> t) {
          ++ended;
          told = t;
        }));
    turn();
  }
  void give(int requests) {
    left = requests;
    queue.wake();
    turn();
  }
  void turn() {
    io.restart();
    io.poll();
  }
};

TEST_CASE("connections that share a limit take turns, whoever asks more", "[auth][fair]") {
  shared_limit s;
  for (const auto* name : {"big1", "big2", "big3", "big4"}) s.ask("big", name);
  s.ask("small", "small1");
  s.ask("tiny", "tiny1");
  CHECK(s.served.empty());
  s.give(1);
  CHECK(s.served == std::vector<std::string>{"big1"});
  s.give(3);
  CHECK(s.served == std::vector<std::string>{"big1", "small1", "tiny1", "big2"});
  s.give(2);
  CHECK(s.ended == 6);
}

/// Takes its place, and keeps it until `answer` fires.
awaitable<void> one_request(request_limits::bucket b, std::string name, const runtime::clock& clock,
                            std::vector<std::string>& sent, boost::asio::steady_timer& answer, bool is_lost) {
  counted_request out(clock);
  const auto later = co_await out.wait_turn(b, name, clock.now() + std::chrono::hours{1});
  sent.push_back(later ? "later" : name);
  co_await answer.async_wait(runtime::token);
  net::response said;
  said.status = 200;
  if (!is_lost) out.answered(said);
}

TEST_CASE("where few may be under way at once, each that ends lets the next one go, answered or lost", "[auth][fair]") {
  boost::asio::io_context io;
  runtime::manual_clock clock{core::instant{std::chrono::hours{1}}};
  request_limits limits;
  core::limit_rule rule{"requests", {"account"}, 100, std::chrono::seconds{60}, {}, {}, {}};
  rule.at_once = 2;
  const auto bucket = limits.of(rule, {"atlas", "client", "42", "acme"});
  std::vector<std::string> sent;
  std::vector<std::unique_ptr<boost::asio::steady_timer>> answers;
  const auto turn = [&] {
    io.restart();
    io.poll();
  };
  for (const std::string name : {"a", "b", "c", "d"}) {
    answers.push_back(std::make_unique<boost::asio::steady_timer>(io, boost::asio::steady_timer::time_point::max()));
    boost::asio::co_spawn(io, one_request(bucket, name, clock, sent, *answers.back(), name == "b"),
                          [](std::exception_ptr) {});
    turn();
  }
  CHECK(sent == std::vector<std::string>{"a", "b"});
  answers[0]->cancel();
  turn();
  CHECK(sent == std::vector<std::string>{"a", "b", "c"});
  answers[1]->cancel();
  turn();
  CHECK(sent == std::vector<std::string>{"a", "b", "c", "d"});
  for (auto& one : answers) one->cancel();
  turn();
}

TEST_CASE("a limit that comes too late is told at once", "[auth][fair]") {
  shared_limit s;
  s.ask("a", "1", {}, std::chrono::seconds{10});
  CHECK(s.ended == 1);
  CHECK(s.told == s.clock.now() + std::chrono::seconds{10});
}

TEST_CASE("who is cancelled in the queue takes nothing and wakes the next", "[auth][fair]") {
  shared_limit s;
  boost::asio::cancellation_signal gone;
  s.ask("a", "a1", gone.slot());
  s.ask("b", "b1");
  gone.emit(boost::asio::cancellation_type::terminal);
  s.turn();
  CHECK(s.ended == 1);
  s.give(1);
  CHECK(s.served == std::vector<std::string>{"b1"});
}

}  // namespace
}  // namespace koppel::auth
