// SPDX-License-Identifier: Apache-2.0
// /integrations/oauth2 of a customer's host: authorize page, codes of two minutes, sessions as access tokens. The token
// endpoint takes the client in a Basic header or in the body, the rest as a form or as JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "clients.hpp"
#include "grants.hpp"
#include "oauth_forms.hpp"
#include "workfront/hosts.hpp"
#include "workfront/knobs.hpp"

namespace koppel::provider_sim::workfront {

class oauth_server {
 public:
  static constexpr std::chrono::minutes code_life{2};

  /// What is referred to outlives the server.
  oauth_server(const client_registry& clients, grant_book& grants, const knobs& settings, hex_source random)
      : clients_(clients), grants_(grants), settings_(settings), random_(random), consents_(std::move(random)) {}

  reply authorize(const request& asked, const environment& at, instant now);
  reply token(const request& asked, const environment& at, instant now);

  /// A code as if it had been issued `age` ago; nothing if there is no such client.
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age = {});

 private:
  reply show_page(const form_fields& query, const environment& at);
  reply decide(const form_fields& form, const environment& at, instant now);
  reply exchange_code(const form_fields& fields, const client& by, instant now);
  reply refresh(const form_fields& fields, const client& by, instant now);
  reply issue(const identity& who, const std::string& kept_refresh_token, instant now);
  const client* find_here(const std::string& id, const environment& at) const;

  const client_registry& clients_;
  grant_book& grants_;
  const knobs& settings_;
  hex_source random_;
  open_consents consents_;
};

}  // namespace koppel::provider_sim::workfront
