// SPDX-License-Identifier: Apache-2.0
// The client against a provider that lies, hangs, drips and hangs up: what is an answer, and what is which error.

#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "host/net/http_client.hpp"
#include "run.hpp"
#include "tests/support/show_result.hpp"
#include "tls_server.hpp"

namespace koppel::net {
namespace {

using test::act;
using namespace std::chrono_literals;

const std::string host = "api.provider.test";
const std::string url = "https://" + host + "/things.list?secret=canary";

std::string answer_of(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

/// One root for all cases: keys take time to make.
const test::test_ca& authority() {
  static const test::test_ca made;
  return made;
}

struct provider_fixture {
  explicit provider_fixture(std::function<act(const std::string&)> answer,
                            const test::certificate& own = authority().issue({host, {host}, false}))
      : server(context, own, std::move(answer)) {
    std::ofstream{ca_file} << authority().root_pem();
    options.routes.push_back({host, server.address(), ca_file});
  }
  ~provider_fixture() { std::filesystem::remove(ca_file); }

  http_client& client() {
    if (!made) {
      auto result = http_client::make(context.get_executor(), options);
      REQUIRE(result);
      made = std::move(*result);
    }
    return *made;
  }
  result<response> send(request r, exchange_limits limits = {}) {
    return test::run(context, client().send(std::move(r), limits));
  }
  result<response> get(exchange_limits limits = {}) {
    request r;
    r.url = url;
    return send(std::move(r), limits);
  }
  result<response> post(exchange_limits limits = {}) {
    request r;
    r.method = "POST";
    r.url = url;
    r.body = "{}";
    return send(std::move(r), limits);
  }

  boost::asio::io_context context;
  const std::string ca_file =
      (std::filesystem::temp_directory_path() / ("koppel-net-" + std::to_string(::getpid()) + ".pem")).string();
  test::tls_server server;
  client_options options;
  std::unique_ptr<http_client> made;
};

/// Every failure: the right code, and nothing of the request in the detail.
void require_failure(const result<response>& got, errc wanted) {
  REQUIRE_FALSE(got);
  INFO(got.error().detail);
  CHECK(got.error().code == wanted);
  CHECK(got.error().detail.find("canary") == std::string::npos);
  CHECK(got.error().detail.find(host) != std::string::npos);
}

exchange_limits within(std::chrono::milliseconds deadline) {
  exchange_limits limits;
  limits.deadline = deadline;
  return limits;
}

}  // namespace

TEST_CASE("a request arrives whole and its answer comes back with lower-case header names", "[net][client]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{\"a\":1}", "X-RateLimit-Limit: 200\r\n")}; });
  request r;
  r.method = "POST";
  r.url = "https://API.provider.test/things.list?x=%20y";
  r.headers = {{"Content-Type", "application/json"}, {"Host", "evil.test"}, {"Transfer-Encoding", "chunked"}};
  r.body = "{\"page\":1}";

  const auto got = f.send(r);

  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body == "{\"a\":1}");
  CHECK(got->header("x-ratelimit-limit") == "200");
  CHECK(got->headers.at(1).first == "x-ratelimit-limit");
  CHECK(f.server.requests().at(0) ==
        "POST /things.list?x=%20y HTTP/1.1\r\nHost: api.provider.test\r\nAccept-Encoding: identity\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"page\":1}");
  CHECK(f.server.server_names().at(0) == host);
}

TEST_CASE("only a certificate of the right name, date and root is accepted", "[net][client][tls]") {
  const auto answer = [](const std::string&) { return act{answer_of("{}")}; };
  const auto refused = [&](const test::certificate& own) {
    provider_fixture f(answer, own);
    const auto got = f.post();
    require_failure(got, errc::tls);
    CHECK(f.server.requests().empty());
  };

  SECTION("its own name among several") {
    provider_fixture f(answer, authority().issue({"x", {"other.test", host}, false}));
    CHECK(f.post());
  }
  SECTION("another host's") { refused(authority().issue({host, {"other.provider.test"}, false})); }
  SECTION("expired") { refused(authority().issue({host, {host}, true})); }
  SECTION("self-signed") { refused(test::test_ca::self_signed({host, {host}, false})); }
  SECTION("of an unknown root") { refused(test::test_ca{}.issue({host, {host}, false})); }
  SECTION("with the name in the common name only") { refused(authority().issue({host, {}, false})); }
}

TEST_CASE("a kept connection is used again, and not after its idle limit or for a fresh exchange",
          "[net][client][pool]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}")}; });

  SECTION("again") {
    for (int i = 0; i < 5; ++i) CHECK(f.post());
    CHECK(f.server.connections() == 1);
  }
  SECTION("idle for too long") {
    f.options.idle_limit = 0ms;
    for (int i = 0; i < 3; ++i) CHECK(f.post());
    CHECK(f.server.connections() == 3);
  }
  SECTION("fresh, neither taken from the pool nor given to it") {
    exchange_limits fresh;
    fresh.fresh_connection = true;
    CHECK(f.post());
    CHECK(f.post(fresh));
    CHECK(f.post(fresh));
    CHECK(f.post());
    CHECK(f.server.connections() == 3);
  }
}

TEST_CASE("a pooled connection that was closed meanwhile costs nothing", "[net][client][pool]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}"), act::then::close}; });

  // The answers say nothing of closing, so the client pools the connection and finds out later.
  for (int i = 0; i < 4; ++i) CHECK(f.get());

  CHECK(f.server.requests().size() == 4);
}

TEST_CASE("a request that a closing connection swallowed is repeated only if repeating is harmless",
          "[net][client][pool]") {
  int served = 0;
  provider_fixture f([&served](const std::string&) {
    return ++served == 2 ? act{"", act::then::cut} : act{answer_of("{}")};
  });
  CHECK(f.get());

  SECTION("GET is") {
    CHECK(f.get());
    CHECK(f.server.requests().size() == 3);
    CHECK(f.server.connections() == 2);
  }
  SECTION("what changes something is not: it may have been carried out") {
    for (const auto* method : {"POST", "PUT", "PATCH", "DELETE"}) {
      INFO(method);
      served = 0;
      CHECK(f.get());
      const auto before = f.server.requests().size();
      request r;
      r.method = method;
      r.url = url;
      require_failure(f.send(std::move(r)), errc::cut);
      CHECK(f.server.requests().size() == before + 1);
    }
  }
}

TEST_CASE("what follows an answer unasked never becomes the next one", "[net][client][pool]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}") + answer_of("smuggled")}; });

  for (int i = 0; i < 3; ++i) {
    const auto got = f.post();
    REQUIRE(got);
    CHECK(got->body == "{}");
  }

  CHECK(f.server.connections() == 3);
}

TEST_CASE("no answer takes longer than its deadline", "[net][client][deadline]") {
  act what;
  const auto answer = [&what](const std::string&) { return what; };

  SECTION("silence") { what = {"", act::then::hang}; }
  SECTION("silence after the headers") { what = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", act::then::hang}; }
  SECTION("a drip of body") { what = {"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", act::then::drip}; }
  SECTION("a drip of header") { what = {"HTTP/1.1 200 OK\r\nX: ", act::then::drip}; }

  provider_fixture f(answer);
  const auto begin = std::chrono::steady_clock::now();
  require_failure(f.post(within(150ms)), errc::timeout);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("an answer that came while the process was frozen is read, though its deadline has passed",
          "[net][client][deadline]") {
  std::atomic<bool> asked = false;
  boost::asio::io_context elsewhere;     // the provider is not frozen with us
  const std::string body(100'000, 'x');  // more than one read
  test::tls_server server(elsewhere, authority().issue({host, {host}, false}), [&](const std::string&) {
    asked = true;
    return act{answer_of(body), act::then::keep};
  });
  provider_fixture p([](const std::string&) { return act{}; });
  p.options.routes.front().address = server.address();
  std::thread provider([&] { elsewhere.run(); });
  exchange_limits limits;
  limits.deadline = 300ms;
  std::optional<result<response>> got;
  request r;
  r.url = url;
  boost::asio::co_spawn(p.context, p.client().send(std::move(r), limits),
                        [&](std::exception_ptr, result<response> answer) { got.emplace(std::move(answer)); });
  while (!asked) p.context.run_one_for(1ms);

  std::this_thread::sleep_for(700ms);
  test::run_until(p.context, [&] { return got.has_value(); });

  elsewhere.stop();
  provider.join();
  REQUIRE(*got);
  CHECK((*got)->body == body);
}

TEST_CASE("an answer is refused for its size, its framing or its coding", "[net][client][answer]") {
  struct row {
    const char* name;
    std::string bytes;
    errc wanted;
    act::then after = act::then::keep;
  };
  std::string many_headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) many_headers += "X-" + std::to_string(i) + ": y\r\n";
  std::string informational;
  for (int i = 0; i < 100; ++i) informational += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
  std::string short_headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 300; ++i) short_headers += "a: b\r\n";
  const std::vector<row> rows{
      {"a body beyond the limit", answer_of(std::string(1001, 'x')), errc::too_large},
      {"chunks beyond the limit", chunked + "\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n", errc::too_large},
      {"10,000 headers", many_headers + "\r\n", errc::too_large},
      {"300 short headers", short_headers + "Content-Length: 0\r\n\r\n", errc::too_large},
      {"a header without end", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'y'), errc::too_large},
      {"a chunk extension without end", chunked + "\r\n1;" + std::string(100'000, 'y'), errc::too_large},
      {"a trailer without end", chunked + "\r\n0\r\nX: " + std::string(100'000, 'y'), errc::too_large},
      {"a chunk of 16 F's", chunked + "\r\nFFFFFFFFFFFFFFFF\r\n", errc::too_large},
      {"100 informational answers", informational, errc::malformed},
      {"a switch of protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", errc::malformed},
      {"gzip", answer_of("zzz", "Content-Encoding: gzip\r\n"), errc::malformed},
      {"an unknown coding", answer_of("zzz", "content-encoding: identity\r\nContent-Encoding: br\r\n"),
       errc::malformed},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", errc::malformed},
      {"length and chunks", chunked + "Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", errc::malformed},
      {"gzip as transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       errc::malformed},
      {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errc::malformed},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", errc::malformed},
      {"a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", errc::malformed},
      {"a longer length than body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", errc::cut, act::then::close},
      {"an unfinished chunk", chunked + "\r\n9\r\n{}", errc::cut, act::then::close},
      {"nothing at all", "", errc::cut, act::then::close},
      {"half a header", "HTTP/1.1 200 OK\r\nX: ", errc::cut, act::then::cut},
      {"a body that ends with the connection, cut", "HTTP/1.1 200 OK\r\n\r\n{}", errc::cut, act::then::cut},
  };
  for (const row& r : rows) {
    DYNAMIC_SECTION(r.name) {
      provider_fixture f([&r](const std::string&) { return act{r.bytes, r.after}; });
      exchange_limits limits;
      limits.body = 1000;
      require_failure(f.post(limits), r.wanted);
    }
  }
}

TEST_CASE("an answer is taken as it is", "[net][client][answer]") {
  struct row {
    const char* name;
    std::string bytes;
    int status;
    std::string body;
    act::then after = act::then::keep;
  };
  const std::vector<row> rows{
      {"a body of just the limit", answer_of(std::string(1000, 'x')), 200, std::string(1000, 'x')},
      {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3;x=y\r\n\":1\r\n0\r\nT: u\r\n\r\n",
       200, "{\"\":1"},
      {"a redirect, not followed", "HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n",
       302, ""},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"an early hint first", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer_of("{}"), 200, "{}"},
      {"identity said aloud", answer_of("{}", "Content-Encoding: identity\r\n"), 200, "{}"},
      {"an end by close_notify", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", 200, "{}", act::then::close},
      {"an error", "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad", 500, "bad"},
  };
  for (const row& r : rows) {
    DYNAMIC_SECTION(r.name) {
      provider_fixture f([&r](const std::string&) { return act{r.bytes, r.after}; });
      exchange_limits limits;
      limits.body = 1000;
      const auto got = f.post(limits);
      REQUIRE(got);
      CHECK(got->status == r.status);
      CHECK(got->body == r.body);
      CHECK(f.server.requests().size() == 1);
    }
  }
}

TEST_CASE("an answer in single bytes is the same answer", "[net][client][answer]") {
  provider_fixture f([](const std::string&) {
    return act{"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", act::then::drip};
  });

  const auto got = f.post();

  REQUIRE(got);
  CHECK(got->body == std::string(20, 'x'));
}

TEST_CASE("HEAD has no body, whatever its headers say", "[net][client][answer]") {
  provider_fixture f([](const std::string&) { return act{"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"}; });
  request r;
  r.method = "HEAD";
  r.url = url;

  const auto got = f.send(r);

  REQUIRE(got);
  CHECK(got->body.empty());
  CHECK(got->header("content-length") == "99999999");
}

TEST_CASE("requests beyond the connections of a host wait in line", "[net][client][pool]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}")}; });
  f.options.connections_per_host = 3;
  f.server.hold();
  int answered = 0, late = 0;
  const auto count = [&](std::exception_ptr, const result<response>& got) {
    if (got) ++answered;
    if (!got && got.error().code == errc::timeout) ++late;
  };
  request r;
  r.url = url;
  for (int i = 0; i < 20; ++i) boost::asio::co_spawn(f.context, f.client().send(r, {}), count);
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(f.context, f.client().send(r, within(50ms)), count);

  // Those at the end of the line give up in it, without a place of their own and without leaving one behind.
  test::run_until(f.context, [&] { return late == 5 && f.server.held() == 3; });
  CHECK(f.server.connections() == 3);
  f.server.release();
  test::run_until(f.context, [&] { return answered == 20; });

  CHECK(f.server.connections() == 3);
  CHECK(f.server.requests().size() == 20);
}

TEST_CASE("a cancelled exchange gives its place to the next", "[net][client][pool]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}")}; });
  f.options.connections_per_host = 1;
  f.server.hold();
  boost::asio::cancellation_signal first, second;
  int ended = 0;
  const auto count = [&](std::exception_ptr, const result<response>&) { ++ended; };
  request r;
  r.url = url;
  boost::asio::co_spawn(f.context, f.client().send(r, {}), boost::asio::bind_cancellation_slot(first.slot(), count));
  boost::asio::co_spawn(f.context, f.client().send(r, {}), boost::asio::bind_cancellation_slot(second.slot(), count));
  test::run_until(f.context, [&] { return f.server.held() == 1; });

  second.emit(boost::asio::cancellation_type::all);
  first.emit(boost::asio::cancellation_type::all);
  test::run_until(f.context, [&] { return ended == 2; });
  f.server.release();

  CHECK(f.get(within(5s)));
}

TEST_CASE("where a request may not go, nothing is sent", "[net][client][destination]") {
  provider_fixture f([](const std::string&) { return act{answer_of("{}")}; });
  const auto send_to = [&f](const std::string& to) {
    request r;
    r.url = to;
    return f.send(r, within(5s));
  };

  SECTION("a URL that is none of ours") {
    for (const char* bad :
         {"http://api.provider.test/", "api.provider.test", "https://", "https://u:p@api.provider.test/",
          "https://api.provider.test/#x", "https://127.0.0.1/", "https://[::1]/", "https://2130706433/",
          "https://127.1/", "https://0x7f.1/", "https://api.provider.test:0/", "https://a b/",
          "https://api.provider.test/\r\nX: y", "https://api.provider.test:99999/", ""}) {
      INFO(bad);
      const auto got = send_to(bad);
      REQUIRE_FALSE(got);
      CHECK(got.error().code == errc::bad_url);
    }
  }
  SECTION("a name that leads to loopback without a route") {
    const auto got = send_to("https://localhost/");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::address_refused);
  }
  SECTION("a header with a line break") {
    request r;
    r.url = url;
    r.headers = {{"X", "a\r\nAuthorization: b"}};
    require_failure(f.send(r), errc::bad_request);
  }
  CHECK(f.server.connections() == 0);
}

TEST_CASE("a host where nobody listens is a connect error", "[net][client]") {
  boost::asio::io_context context;
  client_options options;
  {
    provider_fixture gone([](const std::string&) { return act{}; });
    options.routes = gone.options.routes;
    std::filesystem::copy_file(gone.ca_file, gone.ca_file + ".kept", std::filesystem::copy_options::overwrite_existing);
    options.routes[0].ca_file = gone.ca_file + ".kept";
  }
  auto client = http_client::make(context.get_executor(), options);
  std::filesystem::remove(options.routes[0].ca_file);
  REQUIRE(client);
  request r;
  r.url = url;

  require_failure(test::run(context, (*client)->send(r, {})), errc::connect);
}

TEST_CASE("a route that cannot be used is an error at the start", "[net][client]") {
  boost::asio::io_context context;
  for (const route& bad : {route{host, "127.0.0.1:1", "/nonexistent/ca.pem"}, route{host, "localhost:1", ""},
                           route{host, "127.0.0.1", ""}, route{host, "127.0.0.1:0", ""}}) {
    client_options options;
    options.routes = {bad};
    CHECK_FALSE(http_client::make(context.get_executor(), options));
  }
}

}  // namespace koppel::net
