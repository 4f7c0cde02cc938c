// SPDX-License-Identifier: Apache-2.0
// What every authorization-code server keeps: codes, access tokens, refresh tokens, whether each is still good, and how
// often each was presented. What they look like, and what is answered, is the provider's.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clients.hpp"
#include "http_message.hpp"

namespace koppel::provider_sim {

enum class grant_state { ok, unknown, expired, used, revoked, other_client, redirect_mismatch };

/// As GET /tokens/presented shows it.
std::string_view name_of(grant_state state);

struct grant_verdict {
  grant_state state = grant_state::unknown;
  identity who;  ///< when `state` is ok
};

/// What a renewal does to the tokens that were there before.
struct renewal_rules {
  bool rotate = true;                ///< the refresh token presented is used up
  bool old_access_survives = false;  ///< the access token issued with it lives on until it expires
};

class grant_book {
 public:
  static constexpr instant never = instant::max();

  void add_code(const std::string& code, identity who, const std::string& redirect_uri, instant expires);
  void add_access(const std::string& token, identity who, instant expires);
  /// `access` is the access token that came with it.
  void add_refresh(const std::string& token, identity who, const std::string& access, instant expires = never);

  /// Judges a code and, if it is good, uses it up. The presentation is noted.
  grant_verdict redeem(const std::string& code, const std::string& client_id, const std::string& redirect_uri,
                       instant now);

  /// Judges a refresh token and, if it is good, makes room for its successors. The presentation is noted.
  grant_verdict renew(const std::string& token, const std::string& client_id, const renewal_rules& rules, instant now);

  /// A refresh token that was not rotated goes with the newest access token from now on.
  void pair(const std::string& refresh_token, const std::string& access);

  /// A refresh token that nobody presents until then is dead, whatever its own end is.
  void let_idle_until(const std::string& refresh_token, instant until);

  /// Who may call the API with this access token.
  grant_verdict check(const std::string& access_token, instant now) const;

  /// One access token, or one refresh token and the access token that goes with it, is dead from now on.
  bool end(const std::string& token);

  /// Every access token of the client is dead, and can be renewed. Returns how many were alive.
  std::size_t end_access(const std::string& client_id);

  /// Every code and token of the client is dead. Returns how many were alive.
  std::size_t revoke(const std::string& client_id);

  /// For what is refused before it is looked up, and for secrets of other kinds.
  void note(std::string_view kind, const std::string& secret, std::string_view result);

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
    instant expires;
    bool revoked = false;
    instant idle_until = never;
  };
  struct presentation {
    std::string kind;
    std::size_t count = 0;
    std::vector<std::string> results;  ///< the first hundred
  };

  grant_state judge(const code_grant* found, const std::string& client_id, const std::string& redirect_uri,
                    instant now) const;

  std::unordered_map<std::string, code_grant> codes_;
  std::unordered_map<std::string, access_grant> access_;
  std::unordered_map<std::string, refresh_grant> refresh_;
  std::map<std::string, presentation> presented_;
};

}  // namespace koppel::provider_sim
