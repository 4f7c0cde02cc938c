// SPDX-License-Identifier: Apache-2.0
// The server against peers who write their bytes by hand: what is answered, when it is closed, who is let in.

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/net/http_server.hpp"
#include "host/net/server_sockets.hpp"
#include "run.hpp"
#include "tests/support/show_result.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using runtime::token;

runtime::awaitable<outbound_response> echo(inbound_request r) {
  outbound_response answer;
  answer.headers = {{"X-Path", r.path}, {"Content-Length", "999"}};
  answer.content_type = "text/plain";
  answer.body = r.method + ':' + r.body;
  for (const auto& [name, value] : r.query) answer.body += '|' + name + '=' + value;
  if (r.path == "/throws") throw std::runtime_error("canary");
  if (r.path == "/splits") answer.headers.emplace_back("X", "a\r\nSet-Cookie: b");
  if (r.path == "/much") answer.body.assign(std::size_t{64} << 20, 'x');
  if (r.path == "/nothing") answer.status = 204;
  if (r.path == "/slow") co_await runtime::sleep_for(60s);
  co_return answer;
}

struct server_fixture {
  explicit server_fixture(server_options wanted = {}) : options(std::move(wanted)) { options.name = "test"; }
  ~server_fixture() {
    server.reset();
    context.restart();
    test::run(context, supervisor.stop(5s));
  }

  http_server& start() {
    auto listening = http_server::listen(supervisor, options, echo);
    REQUIRE(listening);
    server = std::move(*listening);
    return *server;
  }

  asio::io_context context;
  runtime::supervisor supervisor{context.get_executor()};
  server_options options;
  std::unique_ptr<http_server> server;
};

/// Writes `bytes`, then reads until the server closes.
template <class Socket>
runtime::awaitable<std::string> talk(Socket& socket, std::string bytes) {
  co_await asio::async_write(socket, asio::buffer(bytes), token);
  std::string all;
  co_await asio::async_read(socket, asio::dynamic_buffer(all), token);
  co_return all;
}

/// Writes, and reads one answer without waiting for an end.
template <class Socket>
runtime::awaitable<std::string> exchange(Socket& socket, std::string bytes) {
  co_await asio::async_write(socket, asio::buffer(bytes), token);
  std::string all(4096, ' ');
  const auto [ec, n] = co_await socket.async_read_some(asio::buffer(all), token);
  all.resize(n);
  co_return all;
}

asio::ip::tcp::socket connect_to(server_fixture& f) {
  asio::ip::tcp::socket socket(f.context);
  socket.connect({asio::ip::address_v4::loopback(), f.server->port()});
  return socket;
}

std::string ask(server_fixture& f, const std::string& bytes) {
  if (!f.server) f.start();
  auto socket = connect_to(f);
  return test::run(f.context, talk(socket, bytes));
}

int status_of(const std::string& answer) {
  return answer.substr(0, 9) == "HTTP/1.1 " ? std::stoi(answer.substr(9, 3)) : 0;
}

const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

std::string post(const std::string& body, std::size_t length) {
  return "POST /hook?a=b HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a request is answered with its length, no caching and a close", "[net][server]") {
  server_fixture f;

  CHECK(ask(f, post("{}", 2)) ==
        "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        "Content-Type: text/plain\r\nContent-Length: 11\r\nX-Path: /hook\r\n\r\nPOST:{}|a=b");
}

TEST_CASE("HEAD and 204 have no body", "[net][server]") {
  server_fixture f;

  const auto head = ask(f, "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  CHECK(head.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
  const auto nothing = ask(f, "GET /nothing HTTP/1.1\r\nHost: a.test\r\n\r\n");
  CHECK(status_of(nothing) == 204);
  CHECK(nothing.find("Content-Length") == std::string::npos);
}

TEST_CASE("what a handler throws or splits stays inside", "[net][server]") {
  server_fixture f;

  for (const char* path : {"/throws", "/splits"}) {
    const auto answer = ask(f, std::string{"GET "} + path + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
    CHECK(status_of(answer) == 500);
    CHECK(answer.find("canary") == std::string::npos);
    CHECK(answer.find("Set-Cookie") == std::string::npos);
  }
  CHECK(status_of(ask(f, get)) == 200);
}

TEST_CASE("a bad request is answered and the next good one works", "[net][server][bad-input]") {
  server_fixture f;
  struct row {
    const char* name;
    std::string bytes;
    int status;
  };
  using namespace std::string_literals;
  std::string noise(4096, ' ');
  std::uint32_t seed = 1;
  for (char& c : noise) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  const std::vector<row> rows{
      {"4 KiB of noise", noise, 400},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"a target of 64 KiB", "GET /" + std::string(65536, 'x') + " HTTP/1.1\r\nHost: a.test\r\n\r\n", 414},
      {"a header of 100 KiB", "GET / HTTP/1.1\r\nX: " + std::string(102400, 'x') + "\r\n\r\n", 431},
      {"a body of the limit and one byte", post(std::string(65537, 'x'), 65537), 413},
      {"a length of 2^63", post("", std::size_t{1} << 63), 413},
      {"a chunk of 16 F's", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
       400},
      {"a chunk extension of 1 MiB",
       "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(1 << 20, 'x'), 400},
      {"a path with an encoded slash", "GET /a%2Fb HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"an encoded NUL", "GET /?state=%00 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
  };
  for (const row& r : rows) {
    DYNAMIC_SECTION(r.name) {
      const auto answer = ask(f, r.bytes);
      // Of a megabyte that nobody reads the kernel may keep the answer from the peer; served it never is.
      if (r.bytes.size() <= limits::linger_bytes || !answer.empty()) CHECK(status_of(answer) == r.status);
      CHECK(status_of(ask(f, get)) == 200);
    }
  }
  CHECK(status_of(ask(f, post(std::string(65536, 'x'), 65536))) == 200);
}

TEST_CASE("the server's own refusals have the form that every other has", "[net][server]") {
  server_fixture f;
  const auto body_of = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); };
  CHECK(body_of(ask(f, post("", 65537))) == R"({"error":{"code":"too_large","message":"the body is too large"}})");
  CHECK(body_of(ask(f, "GET / HTTP/1.1\r\n\r\n")) == R"({"error":{"code":"bad_request","message":"Host is missing"}})");
}

TEST_CASE("a refused request below a path that is told leaves one line in the log, and nothing of itself",
          "[net][server]") {
  server_options options;
  options.told_below = "/webhook/";
  server_fixture f(options);
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  const auto chunked = [](const std::string& path) {
    return "POST " + path + " HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ncanary\r\n0\r\n\r\n";
  };
  const auto elsewhere = ask(f, chunked("/callback/canary"));
  const auto quiet = text.str();
  const auto first = ask(f, chunked("/webhook/x/canary")), second = ask(f, chunked("/webhook/x/canary"));
  spdlog::set_default_logger(before);

  for (const auto* answer : {&elsewhere, &first, &second}) CHECK(status_of(*answer) == 400);
  CHECK(quiet.empty());
  const auto line = text.str();
  CHECK(line.find("refused a request below /webhook/ with 400: Transfer-Encoding is not accepted") !=
        std::string::npos);
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  CHECK(line.find("canary") == std::string::npos);
}

TEST_CASE("a second request behind the first is never served", "[net][server][framing]") {
  server_options options;
  options.keep_alive = GENERATE(false, true);
  server_fixture f(options);
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += get;

  const auto hidden = ask(f, post("{}" + get, 2));
  const auto pipelined = ask(f, thousand);

  CHECK(hidden.find("HTTP/1.1", 1) == std::string::npos);
  CHECK(hidden.find("Connection: close") != std::string::npos);
  CHECK(pipelined.find("HTTP/1.1", 1) == std::string::npos);
}

TEST_CASE("a connection is kept where both sides want it", "[net][server]") {
  server_options options;
  options.keep_alive = true;
  server_fixture f(options);
  f.start();
  auto socket = connect_to(f);

  for (int i = 0; i < 3; ++i) {
    const auto answer = test::run(f.context, exchange(socket, get));
    CHECK(status_of(answer) == 200);
    CHECK(answer.find("Connection: keep-alive") != std::string::npos);
  }
  const auto last = test::run(f.context, talk(socket, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"));

  CHECK(status_of(last) == 200);
  CHECK(last.find("Connection: close") != std::string::npos);
}

TEST_CASE("who is slow is answered with 408, who is silent with nothing", "[net][server][deadline]") {
  server_options options;
  options.idle_deadline = options.header_deadline = options.body_deadline = 50ms;
  server_fixture f(options);

  CHECK(ask(f, "").empty());
  CHECK(status_of(ask(f, "GET / HT")) == 408);
  CHECK(status_of(ask(f, "GET / HTTP/1.1\r\nHost: a.test\r\n")) == 408);
  CHECK(status_of(ask(f, post("half a bo", 4000))) == 408);
}

TEST_CASE("a drip of bytes does not move a deadline", "[net][server][deadline]") {
  server_options options;
  options.header_deadline = options.body_deadline = 100ms;
  server_fixture f(options);
  f.start();
  auto socket = connect_to(f);
  std::string begin = GENERATE(as<std::string>{}, "GET / HTTP/1.1\r\nHost: a.test\r\nX: ", post("", 60'000));
  asio::write(socket, asio::buffer(begin));
  asio::steady_timer pace(f.context);
  std::size_t sent = 0;
  std::string answer(4096, ' ');
  std::size_t got = 0;
  std::function<void(boost::system::error_code)> drip = [&](boost::system::error_code ec) {
    if (ec || got > 0 || sent > 5000) return;
    asio::write(socket, asio::buffer("x", 1), ec);
    ++sent;
    pace.expires_after(5ms);
    pace.async_wait(drip);
  };
  drip({});
  socket.async_read_some(asio::buffer(answer), [&](boost::system::error_code, std::size_t n) { got = n + 1; });

  test::run_until(f.context, [&] { return got > 0; });

  CHECK(status_of(answer) == 408);
}

TEST_CASE("who expects a 100 gets it, and silence after it is bounded", "[net][server][deadline]") {
  server_options options;
  options.body_deadline = 100ms;
  server_fixture f(options);
  f.start();
  auto socket = connect_to(f);
  const std::string head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";

  CHECK(test::run(f.context, exchange(socket, head)) == "HTTP/1.1 100 Continue\r\n\r\n");

  SECTION("the body comes") { CHECK(status_of(test::run(f.context, talk(socket, "{}"))) == 200); }
  SECTION("it does not") { CHECK(status_of(test::run(f.context, talk(socket, ""))) == 408); }
}

TEST_CASE("a handler that takes too long is cancelled and answered for", "[net][server][deadline]") {
  server_options options;
  options.handler_deadline = 50ms;
  server_fixture f(options);

  CHECK(status_of(ask(f, "GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n")) == 503);
}

TEST_CASE("a peer that does not read its answer is left", "[net][server][deadline]") {
  server_options options;
  options.answer_deadline = 50ms;
  server_fixture f(options);
  f.start();
  auto socket = connect_to(f);
  asio::write(socket, asio::buffer(std::string{"GET /much HTTP/1.1\r\nHost: a.test\r\n\r\n"}));
  test::run_until(f.context, [&] { return f.supervisor.running() == 2; });

  test::run_until(f.context, [&] { return f.supervisor.running() == 1; });
}

TEST_CASE("connections are bounded, by address and in all, and places come back", "[net][server][limits]") {
  server_options options;
  const bool by_address = GENERATE(true, false);
  options.max_connections = by_address ? 100 : 3;
  options.max_connections_per_address = by_address ? 3 : 100;
  server_fixture f(options);
  f.start();
  std::vector<asio::ip::tcp::socket> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(connect_to(f));
    asio::write(idle.back(), asio::buffer("GET", 3));
  }
  test::run_until(f.context, [&] { return f.supervisor.running() == 4; });

  CHECK(ask(f, get).empty());
  idle.clear();
  test::run_until(f.context, [&] { return f.supervisor.running() == 1; });
  CHECK(status_of(ask(f, get)) == 200);
}

TEST_CASE("a peer that leaves at once costs nothing", "[net][server]") {
  server_fixture f;
  f.start();
  for (int i = 0; i < 50; ++i) connect_to(f).close();

  CHECK(status_of(ask(f, get)) == 200);
  test::run_until(f.context, [&] { return f.supervisor.running() == 1; });
}

TEST_CASE("a stopping server takes nobody and ends with its connections", "[net][server]") {
  server_fixture f;
  f.start();
  auto waiting = connect_to(f);
  asio::write(waiting, asio::buffer(std::string{"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n"}));
  test::run_until(f.context, [&] { return f.supervisor.running() == 2; });

  f.server->stop_accepting();

  asio::ip::tcp::socket late(f.context);
  boost::system::error_code ec;
  late.connect({asio::ip::address_v4::loopback(), f.server->port()}, ec);
  CHECK(ec);
  CHECK(test::run(f.context, f.supervisor.stop(5s)));
}

TEST_CASE("an address in use is an error that says what to do", "[net][server]") {
  server_fixture f;
  f.start();
  server_options same = f.options;
  same.port = f.server->port();

  const auto second = http_server::listen(f.supervisor, same, echo);

  REQUIRE_FALSE(second);
  CHECK(second.error().detail.find("another koppeld") != std::string::npos);
}

TEST_CASE("a unix socket is its owner's alone, replaces a stale one and refuses a live one", "[net][server][unix]") {
  const auto folder = std::filesystem::temp_directory_path() / ("koppel-net-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  server_options options;
  options.unix_socket = (folder / "control").string();
  {
    server_fixture f(options);

    SECTION("served, with mode 0600 whatever the umask, and removed at the end") {
      const auto umask_before = ::umask(0);
      f.start();
      ::umask(umask_before);
      struct stat file {};
      REQUIRE(::stat(options.unix_socket.c_str(), &file) == 0);
      CHECK((file.st_mode & 0777) == 0600);
      asio::local::stream_protocol::socket socket(f.context);
      socket.connect(options.unix_socket);
      CHECK(status_of(test::run(f.context, talk(socket, get))) == 200);
      f.server.reset();
      CHECK_FALSE(std::filesystem::exists(options.unix_socket));
    }
    SECTION("stale: what a dead host left is replaced") {
      {
        asio::local::stream_protocol::acceptor dead(f.context,
                                                    asio::local::stream_protocol::endpoint(options.unix_socket));
      }
      REQUIRE(std::filesystem::exists(options.unix_socket));
      f.start();
    }
    SECTION("live: the first one keeps it") {
      f.start();
      CHECK_FALSE(http_server::listen(f.supervisor, options, echo));
      CHECK(std::filesystem::exists(options.unix_socket));
    }
    SECTION("not a socket: left alone") {
      std::ofstream{options.unix_socket} << "precious";
      CHECK_FALSE(http_server::listen(f.supervisor, options, echo));
      CHECK(std::filesystem::file_size(options.unix_socket) == 8);
    }
    SECTION("too long a path") {
      options.unix_socket = (folder / std::string(200, 'x')).string();
      CHECK_FALSE(http_server::listen(f.supervisor, options, echo));
    }
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("another user's process is not served at a unix socket", "[net][server][unix]") {
  if (::geteuid() != 0) return;  // only root can make itself another user; and mode 0600 alone keeps the others out
  const auto folder = std::filesystem::temp_directory_path() / ("koppel-net-peer-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  server_options options;
  options.unix_socket = (folder / "control").string();
  {
    server_fixture f(options);
    f.start();
    // As if an operator had opened the file to everybody: the credentials decide all the same.
    std::filesystem::permissions(folder, std::filesystem::perms::all);
    std::filesystem::permissions(options.unix_socket, std::filesystem::perms::all);
    asio::local::stream_protocol::socket own(f.context), foreign(f.context);
    own.connect(options.unix_socket);
    REQUIRE(::seteuid(65534) == 0);
    boost::system::error_code ec;
    foreign.connect(options.unix_socket, ec);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(ec);

    CHECK(test::run(f.context, talk(foreign, get)).empty());
    CHECK(status_of(test::run(f.context, talk(own, get))) == 200);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("bounds by address see through IPv4 in IPv6 and take a /64 as one", "[net][server][limits]") {
  const auto group = [](const char* text) { return address_group(asio::ip::make_address(text)); };
  CHECK(group("1.2.3.4") == "1.2.3.4");
  CHECK(group("::ffff:1.2.3.4") == group("1.2.3.4"));
  CHECK(group("2a00:1:2:3::1") == group("2a00:1:2:3:ffff::9"));
  CHECK(group("2a00:1:2:3::1") != group("2a00:1:2:4::1"));
}

}  // namespace koppel::net
