// SPDX-License-Identifier: Apache-2.0
// Which exchanges are repeated, after how long, and what a job is told in the end.

#include "host/core/retry.hpp"

#include <catch2/catch.hpp>
#include <koppel/messages.hpp>

namespace koppel::core {
namespace {

using namespace std::chrono_literals;
using act = retry_decision::act;
namespace job_error = koppel::messages::job_error;

attempt answered(int status) {
  attempt a;
  a.status = status;
  return a;
}

attempt failed(exchange_fault fault) {
  attempt a;
  a.fault = fault;
  return a;
}

}  // namespace

TEST_CASE("an answer goes to the plugin unless asking again may help", "[core][retry]") {
  for (int status : {200, 204, 302, 304, 400, 401, 402, 403, 404, 409, 410, 412, 422, 451, 501, 505}) {
    INFO(status);
    CHECK(decide_retry(answered(status), 0.5).what == act::hand_over);
  }
  for (int status : {408, 429, 500, 502, 503, 504, 520}) {
    INFO(status);
    CHECK(decide_retry(answered(status), 0.5).what == act::again);
  }
}

TEST_CASE("what may have been carried out is repeated only if that is harmless", "[core][retry]") {
  const auto write = [](attempt a) {
    a.repeatable = false;
    return decide_retry(a, 0.5);
  };
  CHECK(write(failed(exchange_fault::resolve)).what == act::again);
  CHECK(write(failed(exchange_fault::connect)).what == act::again);
  CHECK(write(answered(429)).what == act::again);
  CHECK(write(answered(408)).what == act::again);
  CHECK(write(answered(500)).what == act::hand_over);
  CHECK(write(failed(exchange_fault::cut)).what == act::give_up);
  CHECK(write(failed(exchange_fault::timeout)).what == act::give_up);
}

TEST_CASE("each fault ends a job in its own way", "[core][retry]") {
  struct row {
    exchange_fault fault;
    act first;
    std::string_view last;
  };
  for (const row& r : {row{exchange_fault::resolve, act::again, job_error::try_again},
                       row{exchange_fault::connect, act::again, job_error::try_again},
                       row{exchange_fault::cut, act::again, job_error::try_again},
                       row{exchange_fault::timeout, act::again, job_error::try_again},
                       row{exchange_fault::tls, act::give_up, job_error::try_again},
                       row{exchange_fault::malformed, act::give_up, job_error::try_again},
                       row{exchange_fault::too_large, act::give_up, job_error::too_large},
                       row{exchange_fault::bad_request, act::give_up, job_error::bug},
                       row{exchange_fault::address_refused, act::give_up, job_error::bad_settings},
                       row{exchange_fault::cancelled, act::give_up, job_error::cancelled}}) {
    INFO(static_cast<int>(r.fault));
    attempt a = failed(r.fault);
    CHECK(decide_retry(a, 0.5).what == r.first);
    a.number = 5;
    CHECK(decide_retry(a, 0.5).what == act::give_up);
    CHECK(decide_retry(a, 0.5).job_error == r.last);
  }
}

TEST_CASE("waits are jitter under a doubling bound, and end with the attempts", "[core][retry]") {
  attempt a = answered(503);
  for (const auto bound : {500ms, 1000ms, 2000ms, 4000ms}) {
    CHECK(decide_retry(a, 0.0).after == 0ms);
    CHECK(decide_retry(a, 0.5).after == bound / 2);
    CHECK(decide_retry(a, 1.0).after == bound);
    ++a.number;
  }
  CHECK(decide_retry(a, 0.5).what == act::hand_over);

  retry_policy many;
  many.attempts = 1000;
  a.number = 999;
  CHECK(decide_retry(a, 1.0, many).after == 30s);
}

TEST_CASE("what the provider asks for is the least that is waited", "[core][retry]") {
  attempt a = answered(429);
  a.retry_after = 20s;
  CHECK(decide_retry(a, 0.0).after == 20s);
  CHECK(decide_retry(a, 1.0).after == 20s + 500ms);

  // Longer than a job may wait: the plugin gets the answer, and its job comes back later.
  a.retry_after = 1h;
  CHECK(decide_retry(a, 0.0).what == act::hand_over);
}

TEST_CASE("the budget of time is not exceeded", "[core][retry]") {
  attempt a = failed(exchange_fault::timeout);
  a.elapsed = 180s;
  CHECK(decide_retry(a, 0.0).what == act::again);
  CHECK(decide_retry(a, 0.1).what == act::give_up);
}

TEST_CASE("a Retry-After is read in both its forms and bounded", "[core][retry]") {
  const instant now = *from_iso8601("2026-01-31T12:00:00Z");
  CHECK(read_retry_after("120", "", now) == 120s);
  CHECK(read_retry_after("0", "", now) == 0ms);
  CHECK(read_retry_after("3600", "", now) == 1h);
  CHECK(read_retry_after("3601", "", now) == 1h);
  CHECK(read_retry_after("99999999999999999999", "", now) == 1h);
  CHECK(read_retry_after("Sat, 31 Jan 2026 12:00:30 GMT", "", now) == 30s);
  CHECK(read_retry_after("Sat, 31 Jan 2026 12:00:30 GMT", "Sat, 31 Jan 2026 12:00:25 GMT", now) == 5s);
  CHECK(read_retry_after("Sat, 31 Jan 2026 11:00:00 GMT", "", now) == 0ms);
  CHECK(read_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", "", now) == 1h);
  for (const char* junk :
       {"", "-1", "+5", "1.5", "5 ", "soon", "Sat, 31 Jan 2026", "Sat, 31 Feb 2026 12:00:00 GMT",
        "Sat, 31 Jan 2026 25:00:00 GMT", "Sat, 31 Foo 2026 12:00:00 GMT", "Sat, 31 Jan 2026 12:00:00 CET"}) {
    INFO(junk);
    CHECK_FALSE(read_retry_after(junk, "", now));
  }
}

}  // namespace koppel::core
