// SPDX-License-Identifier: Apache-2.0

#include "host/core/auth_state.hpp"

#include <array>
#include <utility>

namespace koppel::core {
namespace {

constexpr std::array<std::pair<auth_status, std::string_view>, 8> statuses{{
    {auth_status::unconfigured, "unconfigured"},
    {auth_status::waiting, "waiting"},
    {auth_status::awaiting_confirmation, "awaiting_confirmation"},
    {auth_status::authorized, "authorized"},
    {auth_status::needs_reauth, "needs_reauth"},
    {auth_status::misconfigured, "misconfigured"},
    {auth_status::disabled, "disabled"},
    {auth_status::removed, "removed"},
}};

constexpr std::array<std::pair<auth_reason, std::string_view>, 18> reasons{{
    {auth_reason::none, ""},
    {auth_reason::code_expired, "code_expired"},
    {auth_reason::code_refused, "code_refused"},
    {auth_reason::redirect_mismatch, "redirect_mismatch"},
    {auth_reason::client_unknown, "client_unknown"},
    {auth_reason::secret_wrong, "secret_wrong"},
    {auth_reason::scope_missing, "scope_missing"},
    {auth_reason::wrong_data_centre, "wrong_data_centre"},
    {auth_reason::access_denied, "access_denied"},
    {auth_reason::revoked, "revoked"},
    {auth_reason::refresh_outcome_unknown, "refresh_outcome_unknown"},
    {auth_reason::account_mismatch, "account_mismatch"},
    {auth_reason::account_in_use, "account_in_use"},
    {auth_reason::customer_key_invalid, "customer_key_invalid"},
    {auth_reason::partner_key_invalid, "partner_key_invalid"},
    {auth_reason::throttled, "throttled"},
    {auth_reason::by_operator, "by_operator"},
    {auth_reason::unclear, "unclear"},
}};

template <class Table, class Value>
std::string_view word(const Table& table, Value wanted) {
  for (const auto& [value, text] : table)
    if (value == wanted) return text;
  return {};
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& table, std::string_view wanted) {
  for (const auto& [value, text] : table)
    if (text == wanted) return value;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(auth_status s) { return word(statuses, s); }
std::string_view to_string(auth_reason r) { return word(reasons, r); }
std::optional<auth_status> auth_status_from(std::string_view s) { return value_of(statuses, s); }
std::optional<auth_reason> auth_reason_from(std::string_view s) { return value_of(reasons, s); }

}  // namespace koppel::core
