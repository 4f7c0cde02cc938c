// SPDX-License-Identifier: Apache-2.0
// OAuth 2's authorization code flow as values: the link, what comes back to the redirect address or is pasted, the
// token requests, and what a token answer means. Pure: random numbers and time are arguments. Nothing here repeats in
// a message what a provider or a person wrote.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/core/account_place.hpp"
#include "host/core/auth_state.hpp"
#include "host/core/manifest.hpp"
#include "host/core/secret.hpp"

namespace koppel::core {

// ---- the link

/// Base64url without padding, as states and verifiers are written.
std::string base64url(std::string_view bytes);

/// PKCE S256: what the link carries for a verifier.
std::string pkce_challenge(std::string_view verifier);

struct link_parameters {
  std::string client_id, redirect_uri, state;
  std::string_view verifier;  ///< empty: no PKCE
};

/// The address to open. Parameters the manifest adds never replace ours. Empty where the manifest's URL cannot be read.
std::string authorization_link(const auth_rules& rules, const link_parameters& p);

// ---- what comes back

/// Why an answer is of no use, before anybody was asked.
enum class answer_problem {
  none,
  empty,
  too_long,
  unreadable,
  two_codes,
  two_states,
  two_errors,
  two_issuers,
  spaces_inside,
  control_characters,
  authorize_link,
  client_id,
  token_instead,
  no_code,
  error_and_code,
  wrong_issuer
};

/// A whole sentence: what is wrong with it and what to paste instead.
std::string sentence_of(answer_problem p);

using query_list = std::vector<std::pair<std::string, std::string>>;

/// Exactly one of code, error and problem speaks.
struct authorization_answer {
  secret code;  ///< or the customer's key, where the provider has no codes
  std::string state;
  std::string error;  ///< the provider's word, cleaned: "access_denied"
  answer_problem problem = answer_problem::none;
  query_list place;  ///< the parameters that tell where the account lives (core/connection_manifest)
};

/// The decoded query of a callback. `servers`: whose addresses an `iss` may name; empty: the rules' own.
authorization_answer read_callback(const auth_rules& rules, const query_list& query,
                                   const std::vector<std::string>& servers = {});

/// A pasted code, query or whole address; or a key, which is taken as it is, but for what stands around it. `client_id`
/// is known, so that it is not taken for a code.
authorization_answer read_pasted(const auth_rules& rules, std::string_view text, std::string_view client_id,
                                 const std::vector<std::string>& servers = {});

/// The reason behind the `error` of a callback.
auth_reason reason_of_callback_error(std::string_view error);

// ---- the token request

struct token_request {
  std::string url;
  query_list headers;
  secret body;
};

struct exchange_parameters {
  std::string_view client_id, client_secret, code, redirect_uri;
  std::string_view verifier;  ///< empty: no PKCE
};

token_request code_exchange(const auth_rules& rules, const exchange_parameters& p);

struct renewal_parameters {
  std::string_view client_id, client_secret, refresh_token;
};

token_request token_renewal(const auth_rules& rules, const renewal_parameters& p);

// ---- the token answer

struct token_pair {
  secret access, refresh;                          ///< refresh may be empty
  std::optional<std::chrono::seconds> expires_in;  ///< absent: unknown, not "never"
  std::optional<std::vector<std::string>> scopes;  ///< what was granted, where the provider says so
  answer_place lives;                              ///< the account, where the provider says so
};

struct refusal {
  auth_reason reason = auth_reason::unclear;
  std::optional<int> http_status;
  std::string provider_error;                     ///< its code, cleaned; "unreadable" where it cannot be shown
  std::optional<std::chrono::seconds> throttled;  ///< nothing was decided: asked too often, and not again before
  std::optional<code_age> code;                   ///< how old the code was
  bool code_outlives = false;                     ///< the wait of `throttled`
};

/// Our word, in the place of the provider's, for a grant that would end with its access token though it must not.
inline constexpr std::string_view no_refresh_token = "no refresh token";

/// Whether an error's code is about the scopes that were asked for: "invalid_scope", "INVALID_OAUTHSCOPE".
bool is_about_scopes(std::string_view error);

/// What is fit to be shown of a provider's error code: [A-Za-z0-9_. -]{1,64}, else "unreadable"; empty stays empty.
std::string cleaned_error(std::string_view error);

/// `presented`: the code or refresh token of the request; an answer that echoes it shows nothing of it.
/// Never throws, whatever the body is.
std::variant<token_pair, refusal> read_token_answer(const auth_rules& rules, std::string_view grant, int status,
                                                    std::string_view body, std::string_view presented);

/// The scopes that streams need and a grant does not have, and those streams; or, where scopes are the connection's own
/// to say, those of the link. Nothing where the provider does not say what it granted.
struct scope_gap {
  std::vector<std::string> scopes, streams;
};
scope_gap missing_scopes(const manifest& m, const std::optional<std::vector<std::string>>& granted);

}  // namespace koppel::core
