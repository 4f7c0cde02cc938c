// SPDX-License-Identifier: Apache-2.0
// Look-ups that hang: this program's own getaddrinfo stands before the system's.

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/http.hpp"
#include "host/net/http_client.hpp"
#include "host/net/look_ups.hpp"
#include "run.hpp"

namespace {

/// Holds look-ups of names in "hangs.test" and "hangs-too.test" until the test lets go of them.
class gate {
 public:
  void shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    shut_ = false;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds{20}, [this] { return !shut_; });
    --inside_;
    changed_.notify_all();
  }
  bool wait_for(int inside) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return inside_ == inside; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_ = false;
  int inside_ = 0;
};
gate of_hanging_names;

/// What names lead to, and how often anybody asked. A name that is not here is the system's.
std::map<std::string, std::vector<std::string>> leads_to;
std::atomic<int> asked_for = 0;

addrinfo* entry_of(const char* address, const char* service, const addrinfo* hints,
                   decltype(&::getaddrinfo) of_system) {
  addrinfo numeric = hints != nullptr ? *hints : addrinfo{};
  numeric.ai_flags = AI_NUMERICHOST;
  addrinfo* one = nullptr;
  return of_system(address, service, &numeric, &one) == 0 ? one : nullptr;
}

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  const std::string_view name = node == nullptr ? "" : node;
  if (name.ends_with("hangs.test") || name.ends_with("hangs-too.test")) {
    ++asked_for;
    of_hanging_names.pass();
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const auto known = node == nullptr ? leads_to.end() : leads_to.find(node);
  if (known == leads_to.end()) return real(node, service, hints, found);
  ++asked_for;
  *found = nullptr;
  for (const auto& address : known->second) {
    auto* one = entry_of(address.c_str(), service, hints, real);
    if (one == nullptr) continue;
    auto* last = one;
    while (last->ai_next != nullptr) last = last->ai_next;
    last->ai_next = *found;
    *found = one;
  }
  return *found == nullptr ? EAI_NONAME : 0;
}

namespace koppel::net {

using namespace std::chrono_literals;

namespace {

/// Look-ups on the test's own context, of which each ends where the test can see it.
struct several {
  several() { of_hanging_names.shut(); }
  ~several() { of_hanging_names.open(); }
  void begin(const std::string& host, std::chrono::milliseconds limit) {
    boost::asio::co_spawn(
        context, names.find(host, 443, std::chrono::steady_clock::now() + limit),
        [this](std::exception_ptr, result<look_ups::endpoints> came) {
          ended.push_back(came ? "found" : make_error_code(errc::timeout) == came.error().code ? "timeout" : "failed");
        });
  }
  result<look_ups::endpoints> find(const std::string& host) {
    return test::run(context, names.find(host, 443, std::chrono::steady_clock::now() + 10s));
  }
  void let_go() {
    of_hanging_names.open();
    test::run_until(context, [&] { return names.under_way() == 0; });
  }

  boost::asio::io_context context;
  // A thread that is left alone is no work of the context's, which would not wait for what it hands in.
  const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> waits{context.get_executor()};
  look_ups names{context.get_executor()};
  std::vector<std::string> ended;
};

}  // namespace

TEST_CASE("a look-up that nobody waits for any more is counted until the system lets go of it", "[net][client]") {
  several all;
  const auto outcome =
      test::run(all.context, all.names.find("hangs.test", 443, std::chrono::steady_clock::now() + 50ms));

  REQUIRE(outcome.has_error());
  CHECK(outcome.error().code == errc::timeout);
  CHECK(all.names.under_way() == 1);

  all.let_go();
  CHECK(all.find("localhost").has_value());
  CHECK(all.names.under_way() == 0);
}

TEST_CASE("names of a zone that does not answer stand before no other zone's", "[net][client]") {
  leads_to["answers.test"] = {"203.0.113.7"};
  asked_for = 0;
  several all;
  for (const auto* host : {"a.hangs.test", "b.hangs.test", "c.hangs.test", "d.hangs.test", "e.hangs.test"})
    all.begin(host, 100ms);

  const auto found = all.find("answers.test");

  REQUIRE(found.has_value());
  REQUIRE(found->size() == 1);
  CHECK(found->front().address().to_string() == "203.0.113.7");
  CHECK(found->front().port() == 443);
  CHECK(all.names.under_way() == limits::look_ups_of_zone);
  test::run_until(all.context, [&] { return all.ended.size() == 5; });
  CHECK(all.ended == std::vector<std::string>(5, "timeout"));
  // Whoever left the line is looked up for no more: four hung, one was found, the fifth was never asked about.
  all.let_go();
  CHECK(asked_for == 5);
}

TEST_CASE("a host that does not answer leaves room for the others of its zone", "[net][client]") {
  several all;
  for (int n = 0; n < 4; ++n) all.begin("x.hangs.test", 10s);
  all.begin("y.hangs.test", 10s);

  all.context.poll();
  CHECK(all.names.under_way() == limits::look_ups_of_host + 1);

  // Those who waited in line have their turn when the others end.
  REQUIRE(of_hanging_names.wait_for(static_cast<int>(limits::look_ups_of_host) + 1));
  asked_for = 0;
  all.let_go();
  test::run_until(all.context, [&] { return all.ended.size() == 5; });
  CHECK(all.ended == std::vector<std::string>(5, "failed"));
  CHECK(asked_for == 2);
}

TEST_CASE("an address needs no look-up", "[net][client]") {
  leads_to["203.0.113.9"] = {"203.0.113.10"};
  asked_for = 0;
  several all;

  const auto v4 = all.find("203.0.113.9"), v6 = all.find("2001:db8::1");

  REQUIRE(v4.has_value());
  CHECK(v4->front().address().to_string() == "203.0.113.9");
  REQUIRE(v6.has_value());
  CHECK(asked_for == 0);
}

TEST_CASE("a look-up may outlive everybody who could take what it finds", "[net][client]") {
  {
    several all;
    all.begin("hangs.test", 10s);
    test::run_until(all.context, [&] { return all.names.under_way() == 1; });
    CHECK(of_hanging_names.wait_for(1));
  }
  CHECK(of_hanging_names.wait_for(0));
}

namespace {

result<response> ask(const std::string& host, bool private_addresses) {
  boost::asio::io_context context;
  auto client = std::move(*http_client::make(context.get_executor(), {}));
  request r;
  r.url = "https://" + host + "/canary";
  exchange_limits limits;
  limits.deadline = 5s;
  limits.private_addresses = private_addresses;
  return test::run(context, client->send(std::move(r), limits));
}

}  // namespace

TEST_CASE("a name is asked about once, and none that leads into a private network is connected to", "[net][client]") {
  const std::vector<std::vector<std::string>> networks{
      {"127.0.0.1"},        {"10.0.0.7"},        {"172.16.0.1"},    {"192.168.1.1"}, {"169.254.169.254"},
      {"100.64.0.1"},       {"0.0.0.0"},         {"::1"},           {"fe80::1"},     {"fd00:ec2::254"},
      {"::ffff:127.0.0.1"}, {"64:ff9b::7f00:1"}, {"2002:7f00:1::"}, {"::127.0.0.1"}, {"fc00::1", "10.1.2.3"},
      {"127.0.0.1", "::1"}};
  for (const auto& addresses : networks) {
    INFO(addresses.front());
    leads_to["rebinds.test"] = addresses;
    asked_for = 0;

    const auto got = ask("rebinds.test", false);

    REQUIRE(got.has_error());
    CHECK(got.error().code == errc::address_refused);
    CHECK(got.error().detail.find("canary") == std::string::npos);
    CHECK(asked_for == 1);
  }
}

TEST_CASE("a host that an operator named may be in a private network", "[net][client]") {
  leads_to["intranet.test"] = {"127.0.0.1"};

  const auto got = ask("intranet.test", true);

  // Whoever listens at 443 here, if anybody: it was connected to, or refused the connection.
  REQUIRE(got.has_error());
  CHECK(got.error().code != errc::address_refused);
  CHECK(ask("intranet.test", false).error().code == errc::address_refused);
}

}  // namespace koppel::net
