// SPDX-License-Identifier: Apache-2.0
// A webhook call that is due. The outbox says when, the courier makes it, and the provider is told how it went.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace koppel::provider_sim {

struct delivery {
  std::string registration;  ///< the provider's own name for what it belongs to
  std::string url;
  std::string body;
  std::string event;             ///< what happened, in the provider's words; for the log only
  std::vector<std::string> ids;  ///< the records that it names; for the log only
  int attempts_left = 1;
  std::chrono::milliseconds pause{200};       ///< before the next attempt
  std::chrono::milliseconds patience{5'000};  ///< with the receiver's answer
  std::vector<std::pair<std::string, std::string>> headers;
};

/// What came of one attempt.
struct attempt {
  int status = 0;                             ///< 0 if there was no answer
  std::string problem;                        ///< why there was none
  std::int64_t sent_us = 0, answered_us = 0;  ///< by this machine's clock, since the epoch; 0 if it did not come to it

  bool taken() const { return status >= 200 && status < 300; }
};

}  // namespace koppel::provider_sim
