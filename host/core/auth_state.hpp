// SPDX-License-Identifier: Apache-2.0
// What is known of a connection's authorisation: the content of an auth.status event (docs/bus.md), as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/time.hpp"

namespace koppel::core {

enum class auth_status {
  unconfigured,
  waiting,
  awaiting_confirmation,
  authorized,
  needs_reauth,
  misconfigured,
  disabled,
  removed
};

enum class auth_reason {
  none,
  code_expired,
  code_refused,
  redirect_mismatch,
  client_unknown,
  secret_wrong,
  scope_missing,
  wrong_data_centre,
  access_denied,
  revoked,
  refresh_outcome_unknown,
  account_mismatch,
  account_in_use,
  customer_key_invalid,
  partner_key_invalid,
  throttled,
  by_operator,
  unclear
};

std::string_view to_string(auth_status s);
std::string_view to_string(auth_reason r);  ///< "none" is the empty string
std::optional<auth_status> auth_status_from(std::string_view s);
std::optional<auth_reason> auth_reason_from(std::string_view s);

/// Whose account a grant opens.
struct account {
  std::string id, name, environment;
  bool operator==(const account&) const = default;
};

/// What is known of the age of a code that was sent to the provider.
struct code_age {
  std::chrono::seconds at_least{0};             ///< since it was first seen here
  std::optional<std::chrono::seconds> at_most;  ///< since its link was made, where it came back with the link's state
  bool operator==(const code_age&) const = default;
};

/// The provider was asked too often, and said neither yes nor no.
struct throttling {
  std::chrono::seconds wait{60};  ///< before it may be asked again
  bool same_code = false;         ///< the code that it did not look at may live on until then
  bool operator==(const throttling&) const = default;
};

struct auth_state {
  auth_status status = auth_status::unconfigured;
  auth_reason reason = auth_reason::none;
  std::optional<int> http_status;  ///< of the answer that decided
  std::string provider_error;      ///< its error code alone, never a body
  instant since{};
  std::uint64_t generation = 0;  ///< grows with each change of status
  std::optional<account> who;
  std::vector<std::string> scopes_missing, streams_affected;
  std::optional<code_age> code;  ///< where a code was refused
  std::optional<throttling> throttled;
  bool operator==(const auth_state&) const = default;
};

}  // namespace koppel::core
