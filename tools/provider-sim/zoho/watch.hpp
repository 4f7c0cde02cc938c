// SPDX-License-Identifier: Apache-2.0
// /crm/v8/actions/watch: notification channels, which end when their time is over, and what they deliver. A channel is
// a client's within one organisation; its number is the client's choice.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "clients.hpp"
#include "delivery.hpp"
#include "http_message.hpp"
#include "provider.hpp"
#include "zoho/dataset.hpp"
#include "zoho/knobs.hpp"

namespace koppel::provider_sim::zoho {

class watch_list {
 public:
  /// What is given outlives it.
  watch_list(const dataset& records, const knobs& settings) : records_(records), settings_(settings) {}

  reply handle(const request& asked, const identity& who, instant now);

  std::vector<delivery> on_change(const record_change& change, instant now) const;
  void delivered(delivery& one, const attempt& result);
  /// The channels that have not ended, with how many deliveries were taken and refused.
  boost::json::array overview() const;

 private:
  struct channel {
    std::string id;
    identity who;
    std::map<std::string, std::set<std::string>> events;  ///< operations by module
    std::string notify_url;
    boost::json::value token;
    instant expiry;
    bool with_values = false, on_related = true;
    std::size_t taken = 0, refused = 0;
  };
  using row = boost::json::object;  ///< of an answer: code, details, message, status

  row enable(const boost::json::object& wanted, const identity& who, bool must_exist, instant now);
  row amend(const boost::json::object& wanted, const identity& who, instant now);
  reply list(const request& asked, const identity& who);
  reply disable(const request& asked, const identity& who);
  /// A channel that has ended is one that never was.
  void forget_ended(instant now);
  channel* find(const std::string& id, const identity& who);
  instant expiry_of(const boost::json::value* wanted, bool& bad, instant now) const;
  row subscribed(const channel& one, const std::set<std::string>& modules, const char* message) const;
  std::string resource_uri(const channel& one, const std::string& module) const;
  // notifications.cpp
  delivery notification(const std::string& name, const channel& one, const std::string& module,
                        const std::string& event, std::vector<std::string> ids, instant now) const;
  boost::json::array affected_values(const std::vector<std::string>& ids, const std::string& module) const;
  std::vector<std::string> related_accounts(const record_change& change) const;

  const dataset& records_;
  const knobs& settings_;
  std::map<std::string, channel> by_name_;  ///< client, organisation and number
};

}  // namespace koppel::provider_sim::zoho
