// SPDX-License-Identifier: Apache-2.0
// Look-ups that hang: this program's own getaddrinfo stands before the system's.

#include <dlfcn.h>
#include <netdb.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <future>

#include "host/net/client_connection.hpp"
#include "host/net/http.hpp"
#include "run.hpp"

namespace {

std::promise<void> let_go;

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  if (node != nullptr && std::strcmp(node, "hangs.test") == 0) {
    let_go.get_future().wait_for(std::chrono::seconds{20});
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, found);
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

}  // namespace koppel::net
