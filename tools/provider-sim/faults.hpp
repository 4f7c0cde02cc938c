// SPDX-License-Identifier: Apache-2.0
// Faults that a test orders: for the n-th matching request, another answer, none, half of one, a late one, or rubbish.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "http_message.hpp"

namespace koppel::provider_sim {

enum class fault_action { status, hang, cut, delay, garbage };

struct fault {
  std::string path;       ///< part of the path
  std::size_t after = 0;  ///< matching requests still let through
  std::size_t count = 1;  ///< matching requests still hit
  fault_action action = fault_action::status;
  /// Whether the request takes effect although its answer is spoilt: a refresh that rotated, and was never heard of.
  bool process = true;
  int status = 503;
  std::string body;
  std::chrono::milliseconds delay{0};
  std::size_t cut_after = 0;
  std::vector<std::pair<std::string, std::string>> headers;
};

class faults {
 public:
  /// Orders a fault as POST /faults describes it. Returns what is wrong with the description.
  std::optional<std::string> order(const boost::json::object& description);
  void clear() { orders_.clear(); }

  /// The fault for this request, if one is due. Orders are asked in the order they came.
  std::optional<fault> due(const std::string& path);

  /// The answer that a fault makes of the proper one.
  static reply spoil(const fault& what, reply proper);

 private:
  std::vector<fault> orders_;
};

}  // namespace koppel::provider_sim
