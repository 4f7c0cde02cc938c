// SPDX-License-Identifier: Apache-2.0
// A webhook call that is due. The shell makes it, and tells the provider how it went.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace koppel::provider_sim {

struct delivery {
  std::string client_id;
  std::string url;
  std::string body;
  int attempts_left = 1;
  std::chrono::milliseconds pause{200};  ///< before the next attempt
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace koppel::provider_sim
