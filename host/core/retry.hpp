// SPDX-License-Identifier: Apache-2.0
// Whether an exchange with a provider is tried again, when, and what a plugin's job is told when it is not. The only
// retry of HTTP in Koppel: the client below and the job's schedule above never repeat a request (docs/limits.md).
// Pure: the attempt, the clock and the dice are arguments. Before *every* attempt the shell asks the quota and checks
// that the access token still lives.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "host/core/time.hpp"

namespace koppel::core {

/// What kept an exchange from producing an answer; `none` where one came. net::fault_of makes these of its errors.
enum class exchange_fault {
  none,
  resolve,          ///< nothing was sent
  connect,          ///< nothing was sent
  tls,              ///< nothing was sent
  cut,              ///< whether it was carried out is unknown
  timeout,          ///< likewise
  too_large,        ///< the answer came and is of no use
  malformed,        ///< likewise
  bad_request,      ///< the request cannot be sent at all
  address_refused,  ///< the name leads to a private address
  cancelled,
};

/// One attempt that has ended.
struct attempt {
  int number = 1;  ///< from 1
  exchange_fault fault = exchange_fault::none;
  int status = 0;                        ///< where fault is none
  bool repeatable = true;                ///< carrying it out twice is as good as once: every read, whatever its method
  std::chrono::milliseconds elapsed{0};  ///< since the first attempt began, waits included
  std::optional<std::chrono::milliseconds> retry_after;  ///< what the answer asked for, see read_retry_after
};

struct retry_policy {
  int attempts = 5;
  std::chrono::milliseconds base{500};        ///< bound of the first wait; doubles with each attempt
  std::chrono::milliseconds cap{30'000};      ///< bound of every wait that the provider did not ask for
  std::chrono::milliseconds budget{180'000};  ///< for all attempts and waits; what would exceed it is not begun
};

struct retry_decision {
  enum class act {
    hand_over,  ///< the plugin gets the answer, whatever its status: it knows what it means
    again,      ///< the same request after `after`
    give_up,    ///< there is no answer: the job ends with `job_error`
  } what = act::hand_over;
  std::chrono::milliseconds after{0};
  std::string_view job_error;  ///< one of koppel::messages::job_error
};

/// `random` in [0, 1): waits are full jitter over an exponential bound, never shorter than what the provider asked for.
retry_decision decide_retry(const attempt& a, double random, const retry_policy& policy = {});

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that HTTP servers may send; nothing else.
std::optional<instant> from_http_date(std::string_view text);

/// A Retry-After of seconds or of a date. A date is measured against the answer's own `date` header where there is one,
/// so that a provider's wrong clock does no harm. Junk and negative numbers: nothing. At most an hour.
std::optional<std::chrono::milliseconds> read_retry_after(std::string_view value, std::string_view date, instant now);

}  // namespace koppel::core
