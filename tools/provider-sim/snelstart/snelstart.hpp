// SPDX-License-Identifier: Apache-2.0
// SnelStart, B2B API v2: its three hosts, its relations and the customers' keys, as one provider. A client of the
// control port is an administration that gave access: its `client_secret` is the koppelsleutel. The partner's
// subscription key is a knob.
#pragma once

#include <map>
#include <set>
#include <string>

#include "offer.hpp"
#include "provider.hpp"
#include "snelstart/api_server.hpp"
#include "snelstart/knobs.hpp"
#include "snelstart/relations.hpp"

namespace koppel::provider_sim::snelstart {

inline constexpr const char* auth_host = "auth.snelstart.nl";
inline constexpr const char* api_host = "b2bapi.snelstart.nl";
inline constexpr const char* web_host = "web.snelstart.nl";

struct options {
  std::size_t companies = 100;
  knobs settings;
};

class bookkeeping final : public provider {
 public:
  bookkeeping(const options& given, const beginning& with);

  std::vector<std::string> hosts() const override { return {auth_host, api_host, web_host}; }
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  /// SnelStart has no codes.
  std::optional<std::string> issue_code(const std::string&, const std::string&, instant,
                                        std::chrono::seconds) override {
    return std::nullopt;
  }
  boost::json::array webhooks_overview() const override;
  void delivered(delivery& one, const attempt& result) override;
  std::optional<reply> control(const request& asked, const boost::json::object& body, instant now) override;

 private:
  reply token(const request& asked, instant now);
  const client* owner_of(const std::string& key);
  // activation.cpp
  reply activation(const request& asked);
  /// By webhook, where the administration was coupled by an activation link.
  void tell_of_key(const client& of, const char* action, bool with_key);
  std::string give_new_key(const client& of);

  snelstart::knobs settings_;
  hex_source random_;
  relations records_;
  api_server api_;
  std::set<std::string> withdrawn_;                           ///< keys that were good once
  std::map<std::string, std::string> couplings_;              ///< reference by client
  std::map<std::string, std::pair<int, int>> deliveries_of_;  ///< messages that were taken and refused, by client
};

/// What the command line says of it.
offer as_offer();

}  // namespace koppel::provider_sim::snelstart
