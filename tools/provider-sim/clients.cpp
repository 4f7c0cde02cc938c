// SPDX-License-Identifier: Apache-2.0
// The list shows secrets: it is for the person who develops against the simulator.
#include "clients.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace koppel::provider_sim {

namespace json = boost::json;

void client_registry::put(client one) {
  auto id = one.id;
  by_id_.insert_or_assign(std::move(id), std::move(one));
}

const client* client_registry::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const client* client_registry::find_by_secret(const std::string& secret) const {
  for (const auto& [id, one] : by_id_)
    if (one.secret == secret) return &one;
  return nullptr;
}

json::array client_registry::to_json() const {
  json::array list;
  for (const auto& [id, one] : by_id_) {
    json::object of{{"id", one.of.id}, {"name", one.of.name}};
    if (!one.of.host.empty()) of["host"] = one.of.host;
    list.push_back({{"client_id", id},
                    {"client_secret", one.secret},
                    {"name", one.name},
                    {"scopes", json::array(one.scopes.begin(), one.scopes.end())},
                    {"redirect_uris", json::array(one.redirect_uris.begin(), one.redirect_uris.end())},
                    {"account", std::move(of)}});
  }
  return list;
}

}  // namespace koppel::provider_sim
