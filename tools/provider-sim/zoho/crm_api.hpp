// SPDX-License-Identifier: Apache-2.0
// /crm/v8 of one organisation: who asks, may they, what for. Decides everything from a request and a time.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "clients.hpp"
#include "digest.hpp"
#include "form.hpp"
#include "grants.hpp"
#include "rate_window.hpp"
#include "zoho/data_centres.hpp"
#include "zoho/dataset.hpp"
#include "zoho/knobs.hpp"
#include "zoho/watch.hpp"

namespace koppel::provider_sim::zoho {

/// {"code","details","message","status"}
reply api_error(int status, std::string_view code, std::string_view message);

class crm_api {
 public:
  /// Everything given outlives it.
  crm_api(const dataset& records, const client_registry& clients, const grant_book& grants, watch_list& watches,
          const knobs& settings, hex_source random)
      : records_(records),
        clients_(clients),
        grants_(grants),
        watches_(watches),
        settings_(settings),
        random_(std::move(random)) {}

  /// `asked.host` is one of Zoho's API hosts.
  reply handle(const request& asked, instant now);

 private:
  /// Where a list goes on; good for the same user and the same parameters only.
  struct page_token {
    std::string bound_to;
    std::size_t first = 0;
    instant expires;
  };
  struct part {
    std::size_t first = 0, size = 200, page = 1;
    std::string bound_to;
  };

  reply route(const request& asked, const identity& who, instant now);
  reply watch(const request& asked, const identity& who, instant now);
  reply list_module(const request& asked, const identity& who, entity kind, instant now);
  reply list_deleted(const request& asked, entity kind, instant now) const;
  reply list_users(const request& asked, instant now) const;
  reply one(entity kind, const std::string& id) const;
  reply organisation(const identity& who) const;
  /// An error, or nothing and `out` is filled in.
  std::optional<reply> read_part(const request& asked, const form_fields& query, const identity& who, instant now,
                                 part& out) const;
  std::string remember(part at, instant now);
  /// Whether there is room for one more at a time.
  bool admit(const identity& who, instant now);

  const dataset& records_;
  const client_registry& clients_;
  const grant_book& grants_;
  watch_list& watches_;
  const knobs& settings_;
  hex_source random_;
  rate_windows credits_;
  std::map<std::pair<std::string, std::string>, std::vector<instant>>
      busy_;  ///< by client and organisation: their ends
  std::map<std::string, page_token> tokens_;
  std::deque<std::string> token_order_;  ///< oldest first
};

}  // namespace koppel::provider_sim::zoho
