// SPDX-License-Identifier: Apache-2.0
// Look-ups that hang: this program's own getaddrinfo stands before the system's.

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "host/net/client_connection.hpp"
#include "host/net/http.hpp"
#include "host/net/http_client.hpp"
#include "run.hpp"

namespace {

std::promise<void> let_go;

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
  if (node != nullptr && std::strcmp(node, "hangs.test") == 0) {
    let_go.get_future().wait_for(std::chrono::seconds{20});
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

TEST_CASE("a look-up that nobody waits for any more is counted until the system lets go of it", "[net][client]") {
  boost::asio::io_context context;
  const auto under_way = std::make_shared<std::size_t>(0);

  const auto outcome =
      test::run(context, look_up("hangs.test", 443, std::chrono::steady_clock::now() + 50ms, under_way));

  REQUIRE(outcome.has_error());
  CHECK(outcome.error().code == errc::timeout);
  CHECK(*under_way == 1);

  let_go.set_value();
  test::run_until(context, [&] { return *under_way == 0; });
  const auto next = test::run(context, look_up("localhost", 443, std::chrono::steady_clock::now() + 10s, under_way));
  CHECK(next.has_value());
  CHECK(*under_way == 0);
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
