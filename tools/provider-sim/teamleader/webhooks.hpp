// SPDX-License-Identifier: Apache-2.0
// Registered webhooks, and what has to be delivered when records change. The shell does the delivering.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "delivery.hpp"
#include "http_message.hpp"

namespace koppel::provider_sim::teamleader {

class webhooks {
 public:
  reply enrol(const std::string& client_id, const boost::json::object& body);
  reply list(const std::string& client_id) const;
  reply withdraw(const std::string& client_id, const boost::json::object& body);

  /// One delivery for each registration of `type` and each id.
  std::vector<delivery> on_change(const std::string& type, const std::string& subject,
                                  const std::vector<std::string>& ids) const;

  void delivered(const delivery& one, bool ok);
  /// All registrations, with how many deliveries were taken and refused.
  boost::json::array overview() const;

 private:
  struct registration {
    std::set<std::string> types;
    std::size_t taken = 0;
    std::size_t refused = 0;
  };
  std::map<std::pair<std::string, std::string>, registration> by_client_and_url_;
};

}  // namespace koppel::provider_sim::teamleader
