// SPDX-License-Identifier: Apache-2.0
// Registered webhooks, and what has to be delivered when records change. A registration is a client's for one account.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

#include "clients.hpp"
#include "delivery.hpp"
#include "http_message.hpp"
#include "teamleader/knobs.hpp"

namespace koppel::provider_sim::teamleader {

class webhooks {
 public:
  /// `settings` outlives them.
  explicit webhooks(const knobs& settings) : settings_(settings) {}

  reply enrol(const identity& who, const boost::json::object& body);
  reply list(const identity& who) const;
  reply withdraw(const identity& who, const boost::json::object& body);

  /// One delivery for each registration of `type` and each id.
  std::vector<delivery> on_change(const std::string& type, const std::string& subject,
                                  const std::vector<std::string>& ids, instant now) const;

  void delivered(delivery& one, const attempt& result);
  /// All registrations, with how many deliveries were taken and refused.
  boost::json::array overview() const;

 private:
  struct registration {
    std::string client_id, account_id, url;
    std::map<std::string, int> types;  ///< and how often each was registered
    std::size_t taken = 0;
    std::size_t refused = 0;
  };

  static std::string name_of(const identity& who, const std::string& url);

  const knobs& settings_;
  std::map<std::string, registration> by_name_;  ///< client, account and url: so in the order of urls
};

}  // namespace koppel::provider_sim::teamleader
