// SPDX-License-Identifier: Apache-2.0
// api.focus.teamleader.eu: who asks, may they ask now, what do they ask for. Decides everything from a request and a
// time.
#pragma once

#include <boost/json/object.hpp>

#include "clients.hpp"

#include "grants.hpp"
#include "http_message.hpp"
#include "rate_window.hpp"
#include "teamleader/dataset.hpp"
#include "teamleader/knobs.hpp"
#include "teamleader/webhooks.hpp"

namespace koppel::provider_sim::teamleader {

class api_server {
 public:
  /// Everything given outlives the server.
  api_server(const dataset& records, const client_registry& clients, const grant_book& grants, webhooks& hooks,
             const knobs& settings)
      : records_(records), clients_(clients), grants_(grants), hooks_(hooks), settings_(settings) {}

  reply handle(const request& asked, instant now);

 private:
  reply answer(const request& asked, instant now, rate_verdict& rate, std::string& client_id);
  reply act(const std::string& action, const identity& who, const boost::json::object& body);
  bool permitted(const identity& who, const std::string& action) const;

  const dataset& records_;
  const client_registry& clients_;
  const grant_book& grants_;
  webhooks& hooks_;
  const knobs& settings_;
  rate_windows windows_;
};

}  // namespace koppel::provider_sim::teamleader
