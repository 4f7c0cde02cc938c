// SPDX-License-Identifier: Apache-2.0
// focus.teamleader.eu: consent page, authorization codes, tokens. Behaves like the PHP library whose traces the real
// service shows: codes live ten minutes and work once, a refresh replaces both tokens, errors come in an envelope.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "form.hpp"
#include "http_message.hpp"
#include "knobs.hpp"

namespace koppel::provider_sim {

struct account {
  std::string id;
  std::string name;
};

/// An integration as registered in Teamleader, with the account that will give it access.
struct client {
  std::string id;
  std::string secret;
  std::string name;
  std::vector<std::string> scopes;
  std::vector<std::string> redirect_uris;  ///< empty allows any, as the customers' manual leaves it empty
  account of;
};

/// Whom an access token speaks for.
struct identity {
  std::string client_id;
  account of;
};

/// `bytes` random bytes in lower-case hex.
using hex_source = std::function<std::string(std::size_t bytes)>;

class oauth_server {
 public:
  static constexpr std::chrono::minutes code_life{10};

  /// `settings` outlives the server.
  oauth_server(const knobs& settings, hex_source random) : settings_(settings), random_(std::move(random)) {}

  void put_client(client one);
  const client* find_client(const std::string& id) const;
  const std::map<std::string, client>& clients() const { return clients_; }

  reply authorize(const request& asked, instant now);
  reply token(const request& asked, instant now);

  /// Who may call the API with this access token; nothing if it is unknown, expired or revoked.
  std::optional<identity> check(const std::string& access_token, instant now) const;

  /// A code as if it had been issued `age` ago; nothing if there is no such client.
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age = {});

  /// The customer removes the integration: every code and token of the client is dead. Returns how many were alive.
  std::size_t revoke(const std::string& client_id);

  /// How often each code and refresh token was presented, by SHA-256, and what came of it.
  boost::json::object presented() const;

  /// Every code and token issued so far, in clear: for tests that search for them where they do not belong.
  boost::json::object secrets() const;

 private:
  struct code_grant {
    identity who;
    std::string redirect_uri;
    instant expires;
    bool used = false;
  };
  struct access_grant {
    identity who;
    instant expires;
    bool revoked = false;
  };
  struct refresh_grant {
    identity who;
    std::string access_token;
    bool revoked = false;
  };
  struct consent {
    std::string client_id, redirect_uri, state;
    bool has_state = false;
  };
  struct presentation {
    std::string kind;
    std::size_t count = 0;
    std::vector<std::string> results;  ///< the first hundred
  };

  reply show_consent(const form_fields& query);
  reply decide(const form_fields& form, instant now);
  reply exchange_code(const form_fields& form, const client& by, instant now);
  reply refresh(const form_fields& form, const client& by, instant now);
  reply issue_pair(const identity& who, instant now);
  reply code_error(int status, std::string_view title, std::string_view hint) const;
  void note(std::string_view kind, const std::string& secret, std::string result);

  const knobs& settings_;
  hex_source random_;
  std::map<std::string, client> clients_;
  std::map<std::string, consent> consents_;  ///< pages shown and not yet answered, by their hidden token
  std::deque<std::string> consent_order_;    ///< oldest first, to bound them
  std::unordered_map<std::string, code_grant> codes_;
  std::unordered_map<std::string, access_grant> access_;
  std::unordered_map<std::string, refresh_grant> refresh_;
  std::map<std::string, presentation> presented_;
};

}  // namespace koppel::provider_sim
