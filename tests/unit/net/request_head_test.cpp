// SPDX-License-Identifier: Apache-2.0
// Which heads and targets the server takes, without a socket.

#include "host/net/request_head.hpp"

#include <catch2/catch.hpp>

#include "host/net/request_target.hpp"

namespace koppel::net {
namespace {

/// 0 where the head is taken.
int status_of(const std::string& bytes, std::size_t target_limit = limits::request_target) {
  head_scanner scanner(target_limit);
  switch (scanner.scan(bytes)) {
    case head_scanner::progress::more:
      return -1;
    case head_scanner::progress::refused:
      return scanner.why().status;
    case head_scanner::progress::complete:
      break;
  }
  const auto parsed = parse_request_head(std::string_view{bytes}.substr(0, scanner.size()));
  const auto* refused = std::get_if<refusal>(&parsed);
  return refused ? refused->status : 0;
}

std::string post(const std::string& headers) { return "POST /hook HTTP/1.1\r\n" + headers + "\r\n"; }

std::string repeat(const std::string& what, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += what;
  return all;
}

const std::string host = "Host: a.test\r\n";

}  // namespace

TEST_CASE("a head that parsers could read in two ways is refused", "[net][server][framing]") {
  struct row {
    const char* name;
    std::string bytes;
    int status;
  };
  using namespace std::string_literals;
  const std::vector<row> rows{
      {"TLS on a plain port", "\x16\x03\x01\x02"s, 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", 505},
      {"TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", 405},
      {"CONNECT", "CONNECT /x HTTP/1.1\r\n" + host + "\r\n", 405},
      {"CONNECT in authority form", "CONNECT a.test:443 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a method with NUL", "GE\0T / HTTP/1.1\r\n"s, 400},
      {"a method that is no token", "GE(T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a target of 64 KiB", "GET /" + std::string(65536, 'x'), 414},
      {"a target of one byte too many", "GET /" + std::string(2048, 'x') + " HTTP/1.1\r\n", 414},
      {"a header of 9 KiB", post(host + "X: " + std::string(9216, 'x') + "\r\n"), 431},
      {"500 headers", post(repeat("X: y\r\n", 500)), 431},
      {"65 headers", post(host + "Content-Length: 0\r\n" + repeat("X: y\r\n", 63)), 431},
      {"a header without a colon", post(host + "X\r\n"), 400},
      {"a header without a name", post(host + ": y\r\n"), 400},
      {"a space before the colon", post(host + "Content-Length : 0\r\n"), 400},
      {"a folded header", post(host + "X: a\r\n b: c\r\n"), 400},
      {"NUL in a value", post(host + "X: a\0b\r\n"s), 400},
      {"a control character in a value", post(host + "X: a\x01\r\n"), 400},
      {"a bare LF", "GET / HTTP/1.1\nHost: a.test\n\n", 400},
      {"a bare LF after the first line", "GET / HTTP/1.1\r\nHost: a.test\n\r\n", 400},
      {"a bare CR", post(host + "X: a\rb\r\n"), 400},
      {"an empty line first", "\r\nGET / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no Host", post("Content-Length: 0\r\n"), 400},
      {"an empty Host", post("Host: \r\nContent-Length: 0\r\n"), 400},
      {"two Hosts", post(host + host + "Content-Length: 0\r\n"), 400},
      {"a Host with user info", post("Host: a@b.test\r\nContent-Length: 0\r\n"), 400},
      {"a Host list", post("Host: a.test, b.test\r\nContent-Length: 0\r\n"), 400},
      {"another authority in the target", "GET http://evil.test/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"user info in the target", "GET http://a.test@evil.test/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"another scheme in the target", "GET ftp://a.test/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"an asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"length and coding", post(host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"coding and length", post(host + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"), 400},
      {"chunked", post(host + "Transfer-Encoding: chunked\r\n"), 400},
      {"a coding that is not last", post(host + "Transfer-Encoding: chunked, identity\r\n"), 400},
      {"an unknown coding", post(host + "Transfer-Encoding: xchunked\r\n"), 400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"two different lengths", post(host + "Content-Length: 2\r\nContent-Length: 3\r\n"), 400},
      {"two equal lengths", post(host + "Content-Length: 2\r\nContent-Length: 2\r\n"), 400},
      {"a list of lengths", post(host + "Content-Length: 5,5\r\n"), 400},
      {"a length of -1", post(host + "Content-Length: -1\r\n"), 400},
      {"a length of +5", post(host + "Content-Length: +5\r\n"), 400},
      {"a length of 0x10", post(host + "Content-Length: 0x10\r\n"), 400},
      {"an empty length", post(host + "Content-Length: \r\n"), 400},
      {"a length of 2^64", post(host + "Content-Length: 18446744073709551616\r\n"), 400},
      {"no length", post(host), 411},
      {"an unknown expectation", post(host + "Content-Length: 2\r\nExpect: payment\r\n"), 417},
      {"gzip", post(host + "Content-Length: 2\r\nContent-Encoding: gzip\r\n"), 415},
  };
  for (const row& r : rows) {
    DYNAMIC_SECTION(r.name) { CHECK(status_of(r.bytes) == r.status); }
  }
}

TEST_CASE("an honest head is taken", "[net][server][framing]") {
  CHECK(status_of("GET / HTTP/1.1\r\n" + host + "\r\n") == 0);
  CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(status_of("BREW / HTTP/1.1\r\n" + host + "\r\n") == 0);  // its answer, 405, is the handler's
  CHECK(status_of(post(host + "Content-Length: 2\r\nTab:\ta\t\r\n")) == 0);
  CHECK(status_of(post("HOST: [::1]:80\r\nCONTENT-LENGTH: 0\r\nX:\r\n")) == 0);
  CHECK(status_of("GET /" + std::string(2047, 'x') + " HTTP/1.1\r\n" + host + "\r\n") == 0);
  CHECK(status_of("GET /" + std::string(6143, 'x') + " HTTP/1.1\r\n" + host + "\r\n", limits::ingress_target) == 0);
  CHECK(status_of("GET /" + std::string(6144, 'x') + " HTTP/1.1\r\n" + host + "\r\n", limits::ingress_target) == 414);
  CHECK(status_of(post(host + "Content-Length: 0\r\n" + repeat("X: y\r\n", 62))) == 0);
  const std::string rest = "GET / HTTP/1.1\r\n" + host + "X: \r\n\r\n";
  CHECK(status_of("GET / HTTP/1.1\r\n" + host + "X: " + std::string(8192 - rest.size(), 'x') + "\r\n\r\n") == 0);
  CHECK(status_of("GET / HTTP/1.1\r\n" + host + "X: " + std::string(8193 - rest.size(), 'x') + "\r\n\r\n") == 431);
}

TEST_CASE("a head that comes in single bytes ends at the same place", "[net][server][framing]") {
  const std::string bytes = post(host + "Content-Length: 2\r\n") + "{}";
  head_scanner scanner;
  std::size_t complete_at = 0;
  for (std::size_t n = 1; n <= bytes.size() && complete_at == 0; ++n) {
    if (scanner.scan(std::string_view{bytes}.substr(0, n)) == head_scanner::progress::complete) complete_at = n;
  }

  CHECK(complete_at == bytes.size() - 2);
  CHECK(scanner.size() == bytes.size() - 2);
}

TEST_CASE("absolute form is the path it names, if it names us", "[net][server][framing]") {
  const auto origin_of = [](const std::string& target) {
    const auto parsed = parse_request_head("GET " + target + " HTTP/1.1\r\nHost: a.test:81\r\n\r\n");
    const auto* head = std::get_if<request_head>(&parsed);
    return head ? head->origin_form : "refused";
  };
  CHECK(origin_of("http://A.test:81/x?y=z") == "/x?y=z");
  CHECK(origin_of("HTTP://a.test:81") == "/");
  CHECK(origin_of("http://a.test:81?y=z") == "/?y=z");
  CHECK(origin_of("http://a.test/x") == "refused");
}

TEST_CASE("a target is decoded once, and only if there is one way to do it", "[net][server][target]") {
  const auto path_of = [](const std::string& target) {
    const auto decoded = decode_target(target);
    return decoded ? decoded->path : "refused";
  };
  CHECK(path_of("/") == "/");
  CHECK(path_of("/a/b%20c/%C3%A9") == "/a/b c/\xC3\xA9");
  CHECK(path_of("/a/") == "/a/");
  CHECK(path_of("//a") == "//a");
  CHECK(path_of("/a;x=1") == "/a;x=1");
  CHECK(path_of("/%252e%252e/x") == "/%2e%2e/x");
  CHECK(path_of("/...") == "/...");
  for (const char* bad :
       {"",          "a",         "*",       "/%",       "/%2",        "/%zz",          "/%00",   "/a%00b",
        "/a%0d%0ab", "/..",       "/../a",   "/a/./b",   "/%2e%2e/a",  "/.%2E/a",       "/a%2Fb", "/a%5cb",
        "/a\\b",     "/\xC3\xA9", "/%C0%AF", "/%ff",     "/%ED%A0%80", "/%F4%90%80%80", "/%C3",   "/a b",
        "/a#b",      "/a?b=%00",  "/a?%zz",  "/a?b=%ff", "/a?b=%0a"}) {
    INFO(bad);
    CHECK(path_of(bad) == "refused");
  }
}

TEST_CASE("a query keeps order and duplicates", "[net][server][target]") {
  using pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(decode_target("/?b=1&a=2&b=3")->query == pairs{{"b", "1"}, {"a", "2"}, {"b", "3"}});
  CHECK(decode_target("/?a=x%26y%3Dz+w%2B&b&=c")->query == pairs{{"a", "x&y=z w+"}, {"b", ""}, {"", "c"}});
  CHECK(decode_target("/?code=a/b?c&state=%C3%A9")->query == pairs{{"code", "a/b?c"}, {"state", "\xC3\xA9"}});
  CHECK(decode_target("/?")->query.empty());
  CHECK(decode_target("/")->query.empty());
}

}  // namespace koppel::net
