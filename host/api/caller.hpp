// SPDX-License-Identifier: Apache-2.0
// Who asks, and what they may do. On the control socket it is the operator, who may do everything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::api {

enum class scope : std::uint8_t {
  none,     ///< needs no token
  read,     ///< to see
  connect,  ///< to give Koppel access: settings, codes, links, confirmations
  sync,     ///< to start reading
  admin,    ///< everything, and what concerns the whole daemon
};

constexpr std::string_view to_string(scope s) {
  constexpr std::string_view names[] = {"none", "read", "connect", "sync", "admin"};
  return names[static_cast<std::size_t>(s)];
}

struct caller {
  std::string token;                    ///< its name; empty on the control socket
  std::string digest;                   ///< of the token: another of the same name is another
  std::optional<std::string> customer;  ///< the only one whose things are there for this caller; absent: all are
  std::vector<std::string> scopes{"admin"};

  /// On the control socket: the user that koppeld runs as, whose the ledger and its key are.
  bool is_local() const { return token.empty(); }
  bool may(scope s) const {
    const auto has = [this](std::string_view word) {
      return std::find(scopes.begin(), scopes.end(), word) != scopes.end();
    };
    return s == scope::none || has(to_string(s)) || has(to_string(scope::admin));
  }
  /// Whether what belongs to this customer is there for the caller.
  bool sees(std::string_view of) const { return !customer || *customer == of; }
};

}  // namespace koppel::api
