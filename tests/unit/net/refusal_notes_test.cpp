// SPDX-License-Identifier: Apache-2.0
// Which refusals of the server's own are told in the log, and how often.

#include <catch2/catch.hpp>

#include "host/net/refusal_notes.hpp"

using namespace koppel::net;
using namespace std::chrono_literals;

TEST_CASE("a reason is told once a minute, with how many were passed over", "[net][server]") {
  refusal_notes notes;
  const koppel::runtime::steady_time t0{};
  CHECK(notes.note("chunked", t0) == 0u);
  CHECK_FALSE(notes.note("chunked", t0 + 1s));
  CHECK_FALSE(notes.note("chunked", t0 + 59s));
  CHECK(notes.note("too large", t0 + 59s) == 0u);
  CHECK(notes.note("chunked", t0 + 60s) == 2u);
  CHECK_FALSE(notes.note("chunked", t0 + 61s));
  CHECK(notes.note("chunked", t0 + 10min) == 1u);
}

TEST_CASE("the path of a request is known from its first bytes, whatever follows", "[net][server]") {
  CHECK(path_of("POST /webhook/a/b HTTP/1.1\r\nHost: x") == "/webhook/a/b");
  CHECK(path_of("POST /webhook/a") == "/webhook/a");
  CHECK(path_of("POST https://k.example/webhook/a/b HTTP/1.1\r\n") == "/webhook/a/b");
  for (const auto* none : {"", "POST", "POST ", "POST https://k.example HTTP/1.1", "OPTIONS * HTTP/1.1",
                           "\r\nPOST /webhook/a/b HTTP/1.1", "\x16\x03\x01 webhook"})
    CHECK(path_of(none).empty());
}
