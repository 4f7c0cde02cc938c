// SPDX-License-Identifier: Apache-2.0
// What a consumer wants to see. Each list that is not empty must match; within a list any term does.
#pragma once

#include <koppel/bus/event.hpp>
#include <string>
#include <vector>

namespace koppel::bus {

struct filters {
  std::vector<std::string> providers;
  std::vector<std::string> connections;  ///< a connection id, or "provider/name"
  std::vector<std::string> types;  ///< short types or prefixes on a dot: "sync.company" has "sync.company.upserted"

  bool empty() const { return providers.empty() && connections.empty() && types.empty(); }
  /// An event without the attribute that a list asks for (a plugin event has no connection) does not match.
  bool matches(const event_view& e) const;
  bool operator==(const filters&) const = default;
};

}  // namespace koppel::bus
