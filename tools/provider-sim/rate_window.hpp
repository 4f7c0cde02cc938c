// SPDX-License-Identifier: Apache-2.0
// Teamleader's rate limit: so many requests in a sliding window, per integration and account. Refused requests do not
// count, so a client that waits for the reset is let in.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "http_message.hpp"

namespace koppel::provider_sim {

struct rate_verdict {
  bool admitted = true;
  std::size_t remaining = 0;
  instant reset;  ///< when the oldest counted request leaves the window
};

class rate_window {
 public:
  /// Counts a request at `now` if there is room for it.
  rate_verdict admit(instant now, std::size_t limit, std::chrono::milliseconds span);

 private:
  std::deque<instant> counted_;
};

/// One window for each (client, account).
class rate_windows {
 public:
  rate_window& of(const std::string& client, const std::string& account) { return windows_[{client, account}]; }

 private:
  std::map<std::pair<std::string, std::string>, rate_window> windows_;
};

}  // namespace koppel::provider_sim
