// SPDX-License-Identifier: Apache-2.0
// The integrations that are registered with the provider, each with the account that will give it access.
#pragma once

#include <boost/json/array.hpp>
#include <map>
#include <string>
#include <vector>

namespace koppel::provider_sim {

struct account {
  std::string id;
  std::string name;
  std::string host;  ///< where accounts live apart: a customer's own host, a data centre's; else empty
};

struct client {
  std::string id;
  std::string secret;
  std::string name;
  std::vector<std::string> scopes;
  std::vector<std::string> redirect_uris;  ///< empty allows any
  account of;
};

/// Whom an access token speaks for.
struct identity {
  std::string client_id;
  account of;
};

class client_registry {
 public:
  /// Adds or replaces; earlier grants keep their account.
  void put(client one);
  const client* find(const std::string& id) const;
  /// For providers where the secret alone says who it is.
  const client* find_by_secret(const std::string& secret) const;
  boost::json::array to_json() const;

 private:
  std::map<std::string, client> by_id_;
};

}  // namespace koppel::provider_sim
