// SPDX-License-Identifier: Apache-2.0
// Event subscriptions: one object code and one event type each, for system administrators. The shell does the
// delivering.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "clients.hpp"
#include "delivery.hpp"
#include "digest.hpp"
#include "http_message.hpp"
#include "workfront/hosts.hpp"
#include "workfront/knobs.hpp"

namespace koppel::provider_sim::workfront {

/// What happened to one record; the state that there is none of is empty.
struct record_event {
  std::string type;    ///< CREATE, UPDATE, DELETE
  std::string object;  ///< CMPY, USER, PROJ
  std::string id;
  boost::json::object new_state, old_state;
  std::string user_id;
  instant at;
};

class subscriptions {
 public:
  /// `settings` outlives them.
  subscriptions(const knobs& settings, hex_source random) : settings_(settings), random_(std::move(random)) {}

  /// `rest` is what follows .../v1/subscriptions in the path.
  reply handle(const request& asked, const std::string& rest, const environment& at, const identity& who, instant now);

  bool empty() const { return by_id_.empty(); }
  std::vector<delivery> deliveries_of(const record_event& what) const;
  void delivered(delivery& one, const attempt& result);
  /// All of them, with how many deliveries were taken and refused.
  boost::json::array overview() const;

 private:
  struct subscription {
    std::string id, client_id, customer_id, host;
    std::string object, type, url, token, object_id, connector;
    boost::json::array filters;
    bool base64 = false;
    instant created;
    std::size_t taken = 0, refused = 0;
  };

  reply enrol(const request& asked, const environment& at, const identity& who, instant now);
  reply list(const request& asked, const environment& at) const;
  reply one(const std::string& method, const std::string& id, const environment& at);
  boost::json::object shown(const subscription& one) const;
  static bool matches(const subscription& one, const record_event& what);
  delivery delivery_for(const subscription& one, const record_event& what) const;

  const knobs& settings_;
  hex_source random_;
  std::map<std::string, subscription> by_id_;
};

}  // namespace koppel::provider_sim::workfront
