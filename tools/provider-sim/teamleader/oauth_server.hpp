// SPDX-License-Identifier: Apache-2.0
// focus.teamleader.eu: consent page, authorization codes, tokens. Behaves like the PHP library whose traces the real
// service shows: codes live ten minutes and work once, a refresh replaces both tokens, errors come in an envelope.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "clients.hpp"
#include "grants.hpp"
#include "oauth_forms.hpp"
#include "teamleader/knobs.hpp"

namespace koppel::provider_sim::teamleader {

class oauth_server {
 public:
  static constexpr std::chrono::minutes code_life{10};

  /// What is referred to outlives the server.
  oauth_server(const client_registry& clients, grant_book& grants, const knobs& settings, hex_source random)
      : clients_(clients), grants_(grants), settings_(settings), random_(random), consents_(std::move(random)) {}

  reply authorize(const request& asked, instant now);
  reply token(const request& asked, instant now);

  /// A code as if it had been issued `age` ago; nothing if there is no such client.
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age = {});

 private:
  reply show_consent(const form_fields& query);
  reply decide(const form_fields& form, instant now);
  reply exchange_code(const form_fields& form, const client& by, instant now);
  reply refresh(const form_fields& form, const client& by, instant now);
  reply issue_pair(const identity& who, instant now);
  reply code_error(int status, std::string_view title, std::string_view hint) const;

  const client_registry& clients_;
  grant_book& grants_;
  const knobs& settings_;
  hex_source random_;
  open_consents consents_;
};

}  // namespace koppel::provider_sim::teamleader
