// SPDX-License-Identifier: Apache-2.0
// The daemon's control socket: one HTTP exchange a call, JSON in and out, each with a deadline. HTTP is known here
// alone.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <koppel/result.hpp>
#include <string>
#include <string_view>

namespace koppel::koppelctl {

/// What acts may take: longer than the daemon allows itself for an authorisation (240 s), so that it is the daemon that
/// says what came of it.
inline constexpr std::chrono::seconds longest_answer{255};

class control {
 public:
  explicit control(std::string socket) : socket_(std::move(socket)) {}

  /// Called several times a second while an answer is awaited; for a spinner.
  std::function<void()> while_waiting;

  using body = boost::json::object;
  /// The answer's object; empty for an answer without body. Failures: unreachable; refused or bad_input with the
  /// daemon's own sentence; not_understood. `patience` is the deadline of the whole exchange.
  result<body> get(const std::string& path, std::chrono::seconds patience = std::chrono::seconds(30));
  result<body> post(const std::string& path, const body& what, std::chrono::seconds patience = longest_answer);
  result<body> patch(const std::string& path, const body& what);
  result<body> remove(const std::string& path);

 private:
  result<body> exchange(const std::string& method, const std::string& path, const std::string& what,
                        std::chrono::seconds patience);

  std::string socket_;
};

/// The sentence for a socket that cannot be reached: which one, and what to do.
failure unreachable(const std::string& socket, const boost::system::error_code& why);

/// What an answer of this status means; `text` is its body.
result<boost::json::object> read_answer(unsigned status, std::string_view text);

}  // namespace koppel::koppelctl
