// SPDX-License-Identifier: Apache-2.0
// When webhook calls go out, what a test does to them on the way, and what is counted.
#include "outbox.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

using namespace koppel::provider_sim;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

struct post_office {
  outbox box{1};
  instant now{std::chrono::hours(1)};

  void change(int count, int from = 1, int attempts = 1) {
    std::vector<delivery> fresh;
    for (int n = from; n < from + count; ++n) {
      delivery one;
      one.url = "http://127.0.0.1:9/";
      one.body = std::to_string(n);
      one.attempts_left = attempts;
      fresh.push_back(one);
    }
    box.accept(std::move(fresh), now);
  }

  /// The bodies of what may go now, each answered with `status`.
  std::vector<std::string> sent(int status = 200) {
    std::vector<parcel> out;
    while (auto one = box.next(now)) out.push_back(*std::move(one));
    std::vector<std::string> bodies;
    for (auto& one : out) {
      bodies.push_back(one.what.body);
      --one.what.attempts_left;
      box.finished(std::move(one), {status, "", 0, 0}, now);
    }
    return bodies;
  }

  void rules(const std::string& text) { REQUIRE_FALSE(box.set_rules(json::parse(text).as_object())); }
  std::int64_t count(const char* name) const { return json::value(box.counts()).at(name).to_number<std::int64_t>(); }
};

using bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("deliveries go in the order in which they came, and not before they are due", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"delay_ms":500})");
  o.change(2);
  o.rules(R"({"delay_ms":0})");
  o.change(1, 3);

  CHECK(o.sent() == bodies{"3"});
  CHECK(o.box.wake_at() == o.now + 500ms);
  o.now += 500ms;
  CHECK(o.sent() == bodies{"1", "2"});
  CHECK_FALSE(o.box.wake_at());
}

TEST_CASE("the k-th delivery since the rules were set is dropped, and every so-many-th", "[provider_sim][webhooks]") {
  post_office o;
  o.change(1);
  o.rules(R"({"drop":[2],"drop_every":4})");
  o.change(8, 2);
  CHECK(o.sent() == bodies{"1", "2", "4", "6", "7", "8"});
  CHECK(o.count("dropped") == 3);
  CHECK(o.count("made") == 9);

  o.box.clear_rules();
  o.change(4);
  CHECK(o.sent().size() == 4);
}

TEST_CASE("some go twice, and a shuffled change keeps all of its deliveries", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"twice_every":2,"shuffle":true,"at_once":16})");
  o.change(20);
  auto sent = o.sent();
  REQUIRE(sent.size() == 16);
  CHECK(sent[0] != "1");
  const auto rest = o.sent();
  sent.insert(sent.end(), rest.begin(), rest.end());
  CHECK(sent.size() == 30);
  CHECK(std::set<std::string>(sent.begin(), sent.end()).size() == 20);
}

TEST_CASE("jitter changes the order and loses none", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"jitter_ms":1000,"at_once":100})");
  o.change(50);
  bodies sent;
  for (int step = 0; step <= 100; ++step, o.now += 10ms)
    for (auto& one : o.sent()) sent.push_back(std::move(one));
  REQUIRE(sent.size() == 50);
  bodies sorted;
  for (int n = 1; n <= 50; ++n) sorted.push_back(std::to_string(n));
  CHECK(sent != sorted);
  CHECK(std::set<std::string>(sent.begin(), sent.end()).size() == 50);
}

TEST_CASE("a call that is refused is tried again after its pause, as often as it may", "[provider_sim][webhooks]") {
  post_office o;
  o.change(1, 1, 3);
  CHECK(o.sent(503) == bodies{"1"});
  CHECK(o.sent(503).empty());
  o.now += 200ms;
  CHECK(o.sent(0) == bodies{"1"});
  o.now += 200ms;
  CHECK(o.sent(503) == bodies{"1"});
  o.now += 1h;
  CHECK(o.sent().empty());

  CHECK(o.count("attempts") == 3);
  CHECK(o.count("given_up") == 1);
  CHECK(o.count("taken") == 0);
  const json::value counts = o.box.counts();
  CHECK(counts.at("by_status").at("503") == 2);
  CHECK(counts.at("by_status").at("0") == 1);
}

TEST_CASE("no more than so many are under way, and none while paused", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"at_once":1})");
  o.change(2);
  auto first = o.box.next(o.now);
  REQUIRE(first);
  CHECK_FALSE(o.box.next(o.now));
  CHECK_FALSE(o.box.wake_at());
  o.rules(R"({"paused":true})");
  o.box.finished(*std::move(first), {200, "", 0, 0}, o.now);
  CHECK_FALSE(o.box.next(o.now));
  o.rules(R"({"paused":false})");
  CHECK(o.sent() == bodies{"2"});
}

TEST_CASE("what was delivered is delivered again to the byte, by count or by number", "[provider_sim][webhooks]") {
  post_office o;
  o.change(3);
  o.sent();
  CHECK(o.box.repeat(2, {}, o.now) == 2);
  CHECK(o.sent() == bodies{"2", "3"});
  CHECK(o.box.repeat(0, {1}, o.now) == 1);
  CHECK(o.sent() == bodies{"1"});
  CHECK(o.box.repeat(0, {77}, o.now) == 0);

  const auto log = json::parse(o.box.attempts_since(3, 10)).at("attempts").as_array();
  REQUIRE(log.size() == 3);
  CHECK(log[0].at("cause") == "again");
  CHECK(log[0].at("of") == 2);
  CHECK(json::parse(o.box.attempts_since(6, 10)).at("attempts").as_array().empty());
}

TEST_CASE("ordered deliveries go at the pace that was ordered, and no rule touches them", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"drop_every":1})");
  std::vector<delivery> fresh(10);
  o.box.accept_ordered(std::move(fresh), "flood", 5, o.now);
  CHECK(o.sent().size() == 1);
  o.now += 1s;
  CHECK(o.sent().size() == 5);
  o.now += 1s;
  CHECK(o.sent().size() == 4);
  CHECK(o.count("dropped") == 0);
}

TEST_CASE("what does not fit is counted and not kept", "[provider_sim][webhooks]") {
  post_office o;
  o.rules(R"({"paused":true})");
  o.box.accept_ordered(std::vector<delivery>(outbox::capacity + 7), "flood", 0, o.now);
  CHECK(o.count("waiting") == static_cast<std::int64_t>(outbox::capacity));
  CHECK(o.count("overflowed") == 7);
}

TEST_CASE("rules that make no sense change nothing", "[provider_sim][webhooks]") {
  post_office o;
  for (const auto* bad : {R"({"delay_ms":5,"no_such":1})", R"({"delay_ms":5,"drop":[0]})", R"({"drop":3})",
                          R"({"delay_ms":-1})", R"({"at_once":0})"})
    CHECK(o.box.set_rules(json::parse(bad).as_object()));
  CHECK(o.box.rules().at("delay_ms") == 0);
}
