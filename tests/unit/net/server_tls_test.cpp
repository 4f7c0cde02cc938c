// SPDX-License-Identifier: Apache-2.0
// A listener with a certificate of its own against a TLS client that checks it, and one behind a proxy.

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "host/net/forwarded.hpp"
#include "host/net/http_server.hpp"
#include "host/net/server_tls.hpp"
#include "run.hpp"
#include "tests/support/show_result.hpp"
#include "tests/support/test_ca.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using Catch::Contains;
using namespace std::chrono_literals;
using runtime::token;

const test::test_ca& authority() {
  static const test::test_ca made;
  return made;
}

runtime::awaitable<outbound_response> hello(inbound_request r) {
  outbound_response answer;
  answer.body = "hello " + r.path;
  co_return answer;
}

struct tls_fixture {
  tls_fixture() {
    char name[] = "/tmp/koppel-tls-XXXXXX";
    root = ::mkdtemp(name);
    put(authority().issue({"koppel.test", {"koppel.test"}, false}));
    options.name = "test";
  }
  ~tls_fixture() {
    server.reset();
    context.restart();
    test::run(context, supervisor.stop(5s));
    std::filesystem::remove_all(root);
  }

  std::string file(const char* name) const { return (root / name).string(); }
  void write(const char* name, const std::string& text, mode_t mode) const {
    std::ofstream(root / name, std::ios::trunc) << text;
    ::chmod(file(name).c_str(), mode);
  }
  void put(const test::certificate& c) const {
    write("cert.pem", c.pem, 0644);
    write("key.pem", c.key_pem, 0600);
  }
  auto load() { return server_certificate::load({file("cert.pem"), file("key.pem")}, clock); }
  std::string why_not() {
    const auto refused = load();
    return refused ? "" : refused.error().detail;
  }

  void start() {
    auto read = load();
    if (!read) FAIL(read.error().detail);
    options.certificate = *read;
    auto listening = http_server::listen(supervisor, options, hello);
    if (!listening) FAIL(listening.error().detail);
    server = std::move(*listening);
  }

  /// What a client that checks the name gets; the handshake's complaint where there is none.
  runtime::awaitable<std::string> ask(std::string name, int newest) {
    ssl::context trust(ssl::context::tls_client);
    boost::system::error_code failed;
    trust.add_certificate_authority(asio::buffer(authority().root_pem()), failed);
    SSL_CTX_set_max_proto_version(trust.native_handle(), newest);
    ssl::stream<asio::ip::tcp::socket> stream(context, trust);
    stream.set_verify_mode(ssl::verify_peer, failed);
    stream.set_verify_callback(ssl::host_name_verification(name), failed);
    stream.next_layer().connect({asio::ip::address_v4::loopback(), server->port()}, failed);
    const auto [shaken] = co_await stream.async_handshake(ssl::stream_base::client, token);
    if (shaken) co_return "refused";
    const std::string request = "GET /x HTTP/1.1\r\nHost: koppel.test\r\n\r\n";
    const auto bytes = asio::buffer(request);
    [[maybe_unused]] const auto [sent, length] = co_await asio::async_write(stream, bytes, token);
    std::string all;
    const auto [ended, n] = co_await asio::async_read(stream, asio::dynamic_buffer(all), token);
    // A proper end, not a cut that could pass for one.
    co_return ended == asio::error::eof ? all : "cut: " + all;
  }
  std::string get(const std::string& name = "koppel.test", int newest = TLS1_3_VERSION) {
    return test::run(context, ask(name, newest));
  }

  std::filesystem::path root;
  asio::io_context context;
  runtime::manual_clock clock{*core::from_iso8601("2026-01-31T12:00:00Z")};
  runtime::supervisor supervisor{context.get_executor()};
  server_options options;
  std::unique_ptr<http_server> server;
};

}  // namespace

TEST_CASE("a client that checks the certificate is answered over TLS 1.2 and newer alone", "[net][tls]") {
  tls_fixture f;
  f.start();

  CHECK_THAT(f.get(), Contains("HTTP/1.1 200") && Contains("hello /x") && !Contains("cut"));
  CHECK_THAT(f.get("koppel.test", TLS1_2_VERSION), Contains("hello /x"));
  CHECK(f.get("koppel.test", TLS1_1_VERSION) == "refused");
  CHECK(f.get("other.test") == "refused");
}

TEST_CASE("who speaks in the clear to a listener with a certificate gets nothing", "[net][tls]") {
  tls_fixture f;
  f.start();
  asio::ip::tcp::socket socket(f.context);
  socket.connect({asio::ip::address_v4::loopback(), f.server->port()});
  asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));

  std::string all;
  bool ended = false;
  asio::async_read(socket, asio::dynamic_buffer(all),
                   [&ended](const boost::system::error_code&, std::size_t) { ended = true; });
  test::run_until(f.context, [&] { return ended; });

  CHECK_THAT(all, !Contains("HTTP"));
}

TEST_CASE("a renewed certificate is used without a restart, and one that cannot be used leaves the former",
          "[net][tls]") {
  tls_fixture f;
  f.start();
  CHECK_THAT(f.get(), Contains("hello"));

  f.put(authority().issue({"renewed.test", {"renewed.test"}, false}));
  CHECK_THAT(f.get("renewed.test"), Contains("hello"));
  CHECK(f.get("koppel.test") == "refused");

  // As in the midst of a renewal: the certificate is the new one, the key still the old.
  f.write("cert.pem", authority().issue({"third.test", {"third.test"}, false}).pem, 0644);
  CHECK_THAT(f.get("renewed.test"), Contains("hello"));
  f.write("cert.pem", "nothing", 0644);
  CHECK_THAT(f.get("renewed.test"), Contains("hello"));
  f.put(authority().issue({"fourth.test", {"fourth.test"}, false}));
  CHECK_THAT(f.get("fourth.test"), Contains("hello"));
}

TEST_CASE("a certificate that is of no use is refused with what to do", "[net][tls]") {
  tls_fixture f;
  REQUIRE(f.load());
  CHECK((*f.load())->valid_until() > f.clock.now());

  const auto good = authority().issue({"koppel.test", {"koppel.test"}, false});
  f.write("key.pem", good.key_pem, 0600);
  CHECK_THAT(f.why_not(), Contains("does not fit the certificate"));
  f.put(good);
  ::chmod(f.file("key.pem").c_str(), 0644);
  CHECK_THAT(f.why_not(), Contains("others may read") && Contains("chmod"));
  ::chmod(f.file("key.pem").c_str(), 0640);
  CHECK(f.why_not().empty());
  f.write("key.pem", "nothing", 0600);
  CHECK_THAT(f.why_not(), Contains("is no private key in PEM"));
  f.put(good);
  f.write("cert.pem", good.key_pem, 0644);
  CHECK_THAT(f.why_not(), Contains("is no certificate in PEM"));
  f.put(good);
  std::filesystem::remove(f.root / "key.pem");
  CHECK_THAT(f.why_not(), Contains("key.pem") && Contains("cannot be read"));
  // It is the operator's to renew it; until then browsers say so.
  f.put(authority().issue({"koppel.test", {"koppel.test"}, true}));
  REQUIRE(f.load());
  CHECK((*f.load())->valid_until() <
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

TEST_CASE("of X-Forwarded-For only what the named proxies added is believed", "[net][proxy]") {
  const std::vector<std::string> proxies{"127.0.0.1", "10.0.0.2", "fd00::1"};
  const auto behind = [&](const std::string& value) { return address_behind(proxies, {{"x-forwarded-for", value}}); };

  CHECK(behind("203.0.113.7") == "203.0.113.7");
  CHECK(behind("198.51.100.1, 203.0.113.7") == "203.0.113.7");
  CHECK(behind("203.0.113.7, 10.0.0.2") == "203.0.113.7");
  CHECK(behind("evil, 203.0.113.7 , 10.0.0.2,fd00::1") == "203.0.113.7");
  CHECK(behind("2001:db8::7") == "2001:db8::7");
  CHECK(behind("::ffff:203.0.113.7") == "203.0.113.7");
  // Some proxies write ports.
  CHECK(behind("203.0.113.7:5678") == "203.0.113.7");
  CHECK(behind("[2001:db8::7]:443") == "2001:db8::7");
  CHECK(behind("[2001:db8::7]") == "2001:db8::7");
  CHECK(behind("203.0.113.7:5678, 10.0.0.2:80, [fd00::1]:443") == "203.0.113.7");
  CHECK(behind("[::ffff:203.0.113.7]:1") == "203.0.113.7");
  for (const auto* useless :
       {"", "10.0.0.2", "203.0.113.7, unknown", "203.0.113.7,", ",", "203.0.113.7:", "203.0.113.7:http",
        "203.0.113.7:123456", "[2001:db8::7", "[2001:db8::7]443", "[2001:db8::7]:", "[203.0.113.7]:80", "[]", ":80"}) {
    INFO(useless);
    CHECK(behind(useless).empty());
  }
  CHECK(address_behind(proxies, {{"x-forwarded-for", "198.51.100.1"}, {"x-forwarded-for", "203.0.113.7"}}) ==
        "203.0.113.7");
  CHECK(is_proxy(proxies, "::ffff:127.0.0.1"));
  CHECK_FALSE(is_proxy(proxies, "127.0.0.2"));
  CHECK_FALSE(is_proxy({}, "127.0.0.1"));
}

namespace {

/// Connections that stay open until all of them have been answered or turned away.
struct held {
  explicit held(tls_fixture& fixture) : f(fixture) {
    auto listening = http_server::listen(f.supervisor, f.options, [this](inbound_request) { return wait(*this); });
    if (!listening) FAIL(listening.error().detail);
    f.server = std::move(*listening);
  }
  static runtime::awaitable<outbound_response> wait(held& h) {
    ++h.waiting;
    while (!h.released) co_await runtime::sleep_for(1ms);
    co_return outbound_response{};
  }

  void send(const std::string& forwarded) {
    auto& one = peers.emplace_back(std::make_unique<peer>(f.context));
    one->socket.connect({asio::ip::address_v4::loopback(), f.server->port()});
    asio::write(one->socket, asio::buffer("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + forwarded + "\r\n\r\n"));
    asio::async_read(one->socket, asio::dynamic_buffer(one->answer),
                     [this, p = one.get()](const boost::system::error_code&, std::size_t) {
                       p->ended = true;
                       ++ended;
                     });
    test::run_until(f.context, [this] { return waiting + ended == static_cast<int>(peers.size()); });
  }
  /// The statuses, in the order of the sending; 0: closed without an answer.
  std::vector<int> statuses() {
    released = true;
    test::run_until(f.context, [this] { return ended == static_cast<int>(peers.size()); });
    std::vector<int> all;
    for (const auto& p : peers) all.push_back(p->answer.size() < 12 ? 0 : std::stoi(p->answer.substr(9, 3)));
    return all;
  }

  struct peer {
    explicit peer(asio::io_context& context) : socket(context) {}
    asio::ip::tcp::socket socket;
    std::string answer;
    bool ended = false;
  };
  tls_fixture& f;
  int waiting = 0, ended = 0;
  bool released = false;
  std::vector<std::unique_ptr<peer>> peers;
};

}  // namespace

TEST_CASE("behind a named proxy connections are counted by whom it names", "[net][proxy]") {
  tls_fixture f;
  f.options.proxies = {"127.0.0.1"};
  f.options.max_connections_per_address = 2;
  held all(f);

  for (const auto* from : {"203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8", "6.6.6.6, 203.0.113.7"})
    all.send(from);

  CHECK(all.statuses() == std::vector<int>{200, 200, 429, 200, 429});
}

TEST_CASE("from anybody else X-Forwarded-For makes no difference", "[net][proxy]") {
  tls_fixture f;
  f.options.proxies = {"192.0.2.1"};
  f.options.max_connections_per_address = 2;
  held all(f);

  for (const auto* from : {"203.0.113.7", "203.0.113.8", "203.0.113.9"}) all.send(from);

  CHECK(all.statuses() == std::vector<int>{200, 200, 0});
}

}  // namespace koppel::net
