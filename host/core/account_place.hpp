// SPDX-License-Identifier: Apache-2.0
// Where an account lives, as a provider said it: names of the manifest's table (core/connection_manifest), never hosts.
#pragma once

#include <string>

namespace koppel::core {

/// A row of the manifest's regions, and which of its values stands in place of the usual one.
struct account_place {
  std::string region;       ///< empty: the provider has none, or none was said
  std::string environment;  ///< empty: the usual one
  bool operator==(const account_place&) const = default;
};

/// What a token answer says of it. One that says nothing leaves everything as it was.
struct answer_place {
  bool unknown = false;  ///< it names a host that the manifest does not have: the token is no good anywhere else
  std::string host;      ///< that host, for the log; what is no host name is not repeated
  account_place where;
};

}  // namespace koppel::core
