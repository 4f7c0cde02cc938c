// SPDX-License-Identifier: Apache-2.0
// Teamleader Focus, API V2: its two hosts, its records and its webhooks, as one provider.
#pragma once

#include "offer.hpp"
#include "provider.hpp"
#include "teamleader/api_server.hpp"
#include "teamleader/dataset.hpp"
#include "teamleader/knobs.hpp"
#include "teamleader/oauth_server.hpp"
#include "teamleader/webhooks.hpp"

namespace koppel::provider_sim::teamleader {

inline constexpr const char* oauth_host = "focus.teamleader.eu";
inline constexpr const char* api_host = "api.focus.teamleader.eu";

struct options {
  dataset_size size;
  knobs settings;
};

class focus final : public provider {
 public:
  focus(const options& given, const beginning& with);

  std::vector<std::string> hosts() const override { return {oauth_host, api_host}; }
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age) override {
    return oauth_.issue_code(client_id, redirect_uri, now, age);
  }
  void announce(const record_change& change, instant now) override;
  std::optional<reply> control(const request& asked, const boost::json::object& body, instant now) override;
  boost::json::array webhooks_overview() const override { return hooks_.overview(); }
  void delivered(delivery& one, const attempt& result, instant) override { hooks_.delivered(one, result); }

 private:
  void deliver(std::vector<delivery> fresh);

  teamleader::knobs settings_;
  dataset records_;
  oauth_server oauth_;
  webhooks hooks_;
  api_server api_;
  draw disorder_;
};

/// What the command line says of it.
offer as_offer();

}  // namespace koppel::provider_sim::teamleader
