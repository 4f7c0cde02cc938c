// SPDX-License-Identifier: Apache-2.0
// The request and the reply as the pure parts of the simulator see them: plain values, no socket, no clock.
// The shell (server.cpp) turns bytes into a `request` and a `reply` into bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::provider_sim {

/// The simulator's own time. Everything that expires is measured with it, so a test can move it.
using instant = std::chrono::sys_time<std::chrono::milliseconds>;

struct request {
  std::string method;
  std::string host;  ///< without a port, lower case
  std::string path;  ///< without the query
  std::string query;
  std::string content_type;
  std::string authorization;
  std::vector<std::pair<std::string, std::string>> headers;  ///< all others as well, names in lower case
  std::string body;

  /// The first value of a header, by its name in lower case; empty if it is not there.
  std::string header(std::string_view name) const {
    for (const auto& [known, value] : headers)
      if (known == name) return value;
    return {};
  }
};

/// How the shell ends the answer; anything but `whole` comes from an injected fault.
enum class ending {
  whole,    ///< an ordinary answer
  hang,     ///< not one byte, until the client gives up
  cut,      ///< the first `cut_after` bytes of the answer, then the connection is closed
  garbage,  ///< bytes that are not HTTP, then the connection is closed
};

struct reply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;

  ending how = ending::whole;
  std::size_t cut_after = 0;
  std::chrono::milliseconds delay{0};  ///< waited before the first byte
  std::string client_id;               ///< who asked, as far as known; for the journal only
};

inline reply json_reply(int status, std::string body) {
  reply answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

}  // namespace koppel::provider_sim
