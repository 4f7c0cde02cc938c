// SPDX-License-Identifier: Apache-2.0
// The tokens of the REST API: 256 random bits, shown once, kept as a digest. All are held in memory, so that a request
// with a wrong one costs the ledger nothing. Main strand only.
#pragma once

#include <koppel/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/api/caller.hpp"
#include "host/ledger/ledger.hpp"
#include "host/runtime/clock.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::api {

class token_keeper {
 public:
  token_keeper(ledger::ledger& ledger, const runtime::clock& clock, runtime::supervisor& supervisor)
      : ledger_(ledger), clock_(clock), supervisor_(supervisor) {}

  /// Reads what is stored. Before the first request.
  runtime::awaitable<result<void>> load();

  /// Makes one and returns it: the only time that it is seen.
  runtime::awaitable<result<core::secret>> add(ledger::api_token t);
  runtime::awaitable<result<void>> revoke(std::string name);
  const std::vector<ledger::api_token>& all() const { return tokens_; }

  /// Whose token this is. Nothing for one that is unknown, malformed or revoked: nobody can tell which.
  std::optional<caller> identify(std::string_view presented);
  /// Whether the token that this caller came with still opens anything; the control socket needs none.
  bool opens(const caller& who) const;

 private:
  /// Stores when a token was used, an hour after the last time at the earliest.
  void note_use(ledger::api_token& t);
  runtime::awaitable<void> store_use(std::string name, core::instant at);

  ledger::ledger& ledger_;
  const runtime::clock& clock_;
  runtime::supervisor& supervisor_;
  std::vector<ledger::api_token> tokens_;  ///< by name
};

}  // namespace koppel::api
