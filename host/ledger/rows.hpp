// SPDX-License-Identifier: Apache-2.0
// Values as columns: times as milliseconds, small structures as JSON text. Reading throws broken_row where a column
// holds what this program never writes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "host/ledger/database.hpp"
#include "host/ledger/ledger.hpp"

namespace koppel::ledger {

inline std::int64_t milliseconds(core::instant t) { return t.time_since_epoch().count(); }
inline core::instant instant_from(std::int64_t milliseconds) {
  return core::instant(std::chrono::milliseconds(milliseconds));
}
std::optional<std::int64_t> milliseconds(const std::optional<core::instant>& t);
std::optional<core::instant> instant_in(const query& q, int column);

std::string json_of(const std::map<std::string, std::string>& values);
std::map<std::string, std::string> map_from_json(const std::string& text);
std::string json_of(const core::auth_state& state);
core::auth_state auth_from_json(const std::string& text);
std::string json_of(const core::account& account);
core::account account_from_json(const std::string& text);

std::string to_string(run_mode mode);
run_mode run_mode_from(const std::string& text);

/// A row of SELECT * from runs: its number, then the columns in the order of the schema, to whose end alone migrations
/// add.
run run_in(const query& q);

/// Hex digits of random bytes behind a prefix that says what it names: "con-3f0a...".
std::string new_id(const char* prefix);
/// 256 random bits in 43 characters, fit for an address.
std::string random_word();

}  // namespace koppel::ledger
