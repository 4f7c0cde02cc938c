// SPDX-License-Identifier: Apache-2.0
// Zoho CRM, API v8: the hosts of all data centres and one organisation's records, as one provider.
#pragma once

#include "offer.hpp"
#include "provider.hpp"
#include "zoho/crm_api.hpp"
#include "zoho/dataset.hpp"
#include "zoho/knobs.hpp"
#include "zoho/oauth_server.hpp"
#include "zoho/watch.hpp"

namespace koppel::provider_sim::zoho {

struct options {
  dataset_size size;
  knobs settings;
};

class crm final : public provider {
 public:
  crm(const options& given, const beginning& with);

  std::vector<std::string> hosts() const override;
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age) override {
    return oauth_.issue_code(client_id, redirect_uri, now, age);
  }
  /// The account's `host` is the location of its data centre, with its environment: "eu", "eu/sandbox"; "eu" where none
  /// is given.
  std::optional<std::string> complete_client(client& one) const override;
  void announce(const record_change& change, instant now) override;
  boost::json::array webhooks_overview() const override { return watches_.overview(); }
  void delivered(delivery& one, const attempt& result, instant) override { watches_.delivered(one, result); }

 private:
  zoho::knobs settings_;
  dataset records_;
  oauth_server oauth_;
  watch_list watches_;
  crm_api api_;
};

/// What the command line says of it.
offer as_offer();

}  // namespace koppel::provider_sim::zoho
