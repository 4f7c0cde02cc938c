// SPDX-License-Identifier: Apache-2.0
// Adobe Workfront: the hosts of some customers, their records and their events, as one provider.
#pragma once

#include <string>
#include <vector>

#include "offer.hpp"
#include "provider.hpp"
#include "workfront/api_server.hpp"
#include "workfront/dataset.hpp"
#include "workfront/hosts.hpp"
#include "workfront/knobs.hpp"
#include "workfront/oauth_server.hpp"
#include "workfront/subscriptions.hpp"

namespace koppel::provider_sim::workfront {

struct options {
  dataset_size size;
  std::string domains = "acme";  ///< comma-separated; each has every lane
  std::string lanes = "my";
  knobs settings;
};

class attask final : public provider {
 public:
  attask(const options& given, const beginning& with);

  std::vector<std::string> hosts() const override;
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age) override {
    return oauth_.issue_code(client_id, redirect_uri, now, age);
  }
  std::optional<std::string> complete_client(client& one) const override;
  void announce(const record_change& change, instant now) override;
  boost::json::array webhooks_overview() const override { return events_.overview(); }
  void delivered(delivery& one, const attempt& result) override { events_.delivered(one, result); }
  /// POST /sessions/end {client_id}: sessions are dead, grants are not.
  std::optional<reply> control(const request& asked, const boost::json::object& body, instant now) override;

 private:
  workfront::knobs settings_;
  std::vector<environment> environments_;
  dataset records_;
  oauth_server oauth_;
  subscriptions events_;
  api_server api_;
  draw disorder_;
};

/// What the command line says of it.
offer as_offer();

}  // namespace koppel::provider_sim::workfront
