// SPDX-License-Identifier: Apache-2.0
// The accounts hosts: consent in the user's data centre, codes, tokens, and the limits that drop tokens silently.
// Refusals of the token endpoint come with HTTP 200.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "clients.hpp"
#include "grants.hpp"
#include "oauth_forms.hpp"
#include "zoho/data_centres.hpp"
#include "zoho/knobs.hpp"

namespace koppel::provider_sim::zoho {

class oauth_server {
 public:
  /// What is referred to outlives the server.
  oauth_server(const client_registry& clients, grant_book& grants, const knobs& settings, hex_source random)
      : clients_(clients), grants_(grants), settings_(settings), random_(random), consents_(std::move(random)) {}

  reply authorize(const request& asked, const data_centre& here, instant now);
  reply token(const request& asked, const data_centre& here, instant now);
  reply revoke(const request& asked);

  /// A code as if it had been issued `age` ago; nothing if there is no such client.
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age = {});

 private:
  /// So many in ten minutes, and then none for the rest of them.
  struct throttle {
    instant since;
    std::size_t count = 0;
    bool admit(instant now, std::size_t most);
  };
  using user = std::pair<std::string, std::string>;  ///< client id and account id

  reply show_consent(const form_fields& query, const std::string& raw_query, const data_centre& here);
  reply decide(const form_fields& form, const data_centre& here, instant now);
  const client* known(const std::string& id, const data_centre& here) const;
  reply exchange_code(const form_fields& form, const client& by, instant now);
  reply refresh(const form_fields& form, const client& by, instant now);
  std::string new_access(const std::string& refresh_token, const identity& who, instant now);
  std::string new_refresh(const identity& who);
  void end(const std::string& refresh_token);
  reply throttled() const;
  reply granted(const client& by, const identity& who, const std::string& access, const std::string& refresh) const;

  const client_registry& clients_;
  grant_book& grants_;
  const knobs& settings_;
  hex_source random_;
  open_consents consents_;
  std::set<std::string> without_refresh_;                     ///< codes of access_type=online, or of a second consent
  std::map<std::string, bool> forced_;                        ///< by shown page: whether a refresh token was asked for
  std::set<user> consented_;                                  ///< who consented before
  std::map<user, std::deque<std::string>> refresh_of_;        ///< live refresh tokens, oldest first
  std::map<std::string, std::deque<std::string>> access_of_;  ///< by refresh token, oldest first
  std::map<std::string, throttle> renewals_;                  ///< by refresh token
  std::map<user, throttle> creations_;
};

}  // namespace koppel::provider_sim::zoho
