// SPDX-License-Identifier: Apache-2.0
// Event subscriptions: one object code and one event type each, for system administrators; and what they deliver, as
// long as a URL takes enough of it.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
  std::vector<delivery> deliveries_of(const record_event& what);
  void delivered(delivery& one, const attempt& result, instant now);
  /// The messages to new URLs that are due, where the knob has them validated.
  std::vector<delivery> take_validations() { return std::exchange(validations_, {}); }
  /// All of them, with how many deliveries were taken and refused.
  boost::json::array overview() const;

 private:
  struct subscription {
    std::string id, client_id, customer_id, host;
    std::string object, type, url, token, object_id, connector;
    boost::json::array filters;
    bool base64 = false;
    std::string version;
    instant created, switched;  ///< to its version
    std::size_t taken = 0, refused = 0;
  };

  /// Shared by all subscriptions with the same URL.
  struct url_state {
    std::size_t successes = 0, failures = 0, in_a_row = 0;
    std::optional<instant> last_success, disabled, frozen, probed;
  };

  reply enrol(const request& asked, const environment& at, const identity& who, instant now);
  reply list(const request& asked, const environment& at) const;
  reply one(const std::string& method, const std::string& id, const environment& at);
  reply switch_one(const std::string& id, const boost::json::object& body, const environment& at, instant now);
  reply switch_many(const boost::json::object& body, const environment& at, instant now);
  boost::json::object shown(const subscription& one) const;
  boost::json::object shown_in_documents(const subscription& one) const;
  // events.cpp
  static bool matches(const subscription& one, const record_event& what);
  delivery delivery_for(const subscription& one, const record_event& what) const;
  delivery message_to(const subscription& one, std::string body) const;
  bool may_call(const std::string& url, instant now);
  void judge(url_state& url, instant now) const;

  const knobs& settings_;
  hex_source random_;
  std::map<std::string, subscription> by_id_;
  std::map<std::string, url_state> urls_;
  std::vector<delivery> validations_;
};

}  // namespace koppel::provider_sim::workfront
