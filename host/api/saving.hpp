// SPDX-License-Identifier: Apache-2.0
// One Save: a customer's settings at a provider, with the registration and the code; or some settings of a connection,
// by an operator. What it makes of the ledger, and how that is put back where the code gives no access. Used by
// control_customers.cpp alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/api/control_api.hpp"
#include "host/core/setting_value.hpp"

namespace koppel::api {

/// A grant that is not to be harmed.
bool works(const core::auth_state& s);

/// The customer's connection at the provider: the only one, or of several the one that was made here.
result<std::optional<ledger::connection>> connection_of(ledger::transaction& tx, const std::string& provider,
                                                        const std::string& customer);

/// What was asked for, and what the ledger made of it.
struct control_api::saving {
  std::string provider, customer, version, preset;
  std::string
      named;  ///< by an operator, this connection alone (its id): only its settings change, those that are given
  std::optional<std::string> client_id, redirect_uri;  ///< absent: as it was
  std::optional<core::secret> client_secret;
  std::optional<std::map<std::string, std::string>> settings;
  std::string settings_refused;  ///< why a new connection could not have them
  std::shared_ptr<const core::manifest> manifest;
  core::secret code;
  bool with_code = false;
  auth::confirmation how;
  caller who;

  ledger::connection connection;
  bool created = false, changed = false;
  /// The code is tried with what is stored here, and that is undone where it gives no access.
  bool on_trial = false;
  bool was_stored = false;  ///< nothing was wrong with what was asked for
  std::string widened;      ///< the hosts that a grant that works may now be used at besides; empty: none
  /// What a grant that works, or may again, was made with, to be put back where the code gives no access.
  struct former {
    std::string app_id;
    std::map<std::string, std::string> settings;
    std::optional<ledger::app> own;  ///< the customer's own app, where this save changed it ...
    core::secret client_secret;      ///< ... with its secret
  };
  std::optional<former> before;

  std::string read(const call& c);
  /// The connection that is saved; nothing where a customer has none at this provider yet.
  result<std::optional<ledger::connection>> find(ledger::transaction& tx) const;
  /// A code over a grant that works is a trial; so is one that comes with another address over a grant that may work
  /// again at its own.
  bool needs_trial(ledger::transaction& tx, const ledger::connection& of) const;
  result<> store(ledger::transaction& tx);
  result<> put_back(ledger::transaction& tx) const;
  /// To be added to why a code could not be tried.
  std::string what_stands(bool undone) const;

 private:
  result<> create(ledger::transaction& tx, const ledger::app& app);
  result<> store_all(ledger::transaction& tx);
  bool needs_trial(ledger::transaction& tx, const ledger::connection& of,
                   const std::map<std::string, std::string>& wanted) const;
  /// What an operator gives stands over what is there.
  std::map<std::string, std::string> merged_with(const std::map<std::string, std::string>& stored) const;
  result<> merge_settings(const std::map<std::string, std::string>& stored);
  /// What only an operator may set stays as it is.
  result<> keep_operators_settings(const std::map<std::string, std::string>& stored);
  /// A grant, and a code that is under way, go to no other address than the one that they came from.
  result<> guard_grant(ledger::transaction& tx, const ledger::connection& of);
  std::string guard_refusal(const core::new_places& places, const ledger::connection& of) const;
  result<> change_settings(ledger::transaction& tx);
  result<ledger::app> registration(ledger::transaction& tx, const std::optional<ledger::connection>& of);
  result<ledger::app> change(ledger::transaction& tx, ledger::app app, bool other_id, bool other_secret);
};

}  // namespace koppel::api
