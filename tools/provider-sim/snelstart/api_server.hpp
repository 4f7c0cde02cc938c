// SPDX-License-Identifier: Apache-2.0
// b2bapi.snelstart.nl: the gateway with its subscription key and limits, then the API behind it.
#pragma once

#include <boost/json/value.hpp>

#include "clients.hpp"
#include "draw.hpp"
#include "form.hpp"
#include "grants.hpp"
#include "http_message.hpp"
#include "rate_window.hpp"
#include "snelstart/knobs.hpp"
#include "snelstart/relations.hpp"

namespace koppel::provider_sim::snelstart {

class api_server {
 public:
  /// Everything given outlives the server.
  api_server(const relations& records, const client_registry& clients, const grant_book& grants, const knobs& settings,
             std::uint64_t seed)
      : records_(records), clients_(clients), grants_(grants), settings_(settings), disorder_(seed) {}

  reply handle(const request& asked, instant now);

 private:
  std::optional<reply> limit(const identity& who, instant now);
  reply read(const std::string& path, const form_fields& query, const identity& who);
  reply list(const form_fields& query);
  reply one_relation(const std::string& id) const;

  const relations& records_;
  const client_registry& clients_;
  const grant_book& grants_;
  const knobs& settings_;
  rate_windows windows_;  ///< of "minute" and "hour", and the administration
  draw disorder_;
};

}  // namespace koppel::provider_sim::snelstart
