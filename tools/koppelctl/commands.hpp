// SPDX-License-Identifier: Apache-2.0
// What koppelctl can do, one function a command. Each says its own results; a failure is said by `run` (cli.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <koppel/result.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/koppelctl/control.hpp"
#include "tools/koppelctl/errors.hpp"
#include "tools/koppelctl/names.hpp"
#include "tools/koppelctl/terminal.hpp"

namespace koppel::koppelctl {

/// What every command works with.
struct surroundings {
  terminal& console;
  control& daemon;
};

using ending = result<exit_code>;

// status.cpp
ending show_status(surroundings& s);
ending list_plugins(surroundings& s);
ending rescan_plugins(surroundings& s);
ending list_consumers(surroundings& s);

// apps.cpp
struct new_app {
  full_name name;
  std::string client_id, redirect_uri;
  bool secret_from_input = false;
};
ending add_app(surroundings& s, const new_app& what);
/// Another client secret for an app that exists.
struct new_secret {
  bool from_input = false;
  std::string region, expires;
};
ending set_app_secret(surroundings& s, const full_name& name, const new_secret& what);
ending list_apps(surroundings& s);

// providers.cpp
/// `language` is nl, fr or en: of the guide.
ending show_provider(surroundings& s, const std::string& name, const std::string& language);
ending list_webhooks(surroundings& s, std::size_t limit);
ending show_webhook_address(surroundings& s, const full_name& name);

// tokens.cpp
struct new_token {
  std::string name, customer;
  std::vector<std::string> scopes;
  bool of_customer = false;  ///< --customer was given
};
ending add_token(surroundings& s, const new_token& what);
ending list_tokens(surroundings& s);
ending revoke_token(surroundings& s, const std::string& name);

// connections.cpp
struct new_connection {
  full_name name;
  std::string app, customer, preset;
  std::vector<std::string> settings;
};
ending add_connection(surroundings& s, const new_connection& what);
struct new_settings {
  full_name name;
  std::vector<std::string> settings;
  bool paste = false;
  std::string expected_account;
};
ending set_connection(surroundings& s, const new_settings& what);
ending list_connections(surroundings& s);
ending show_connection(surroundings& s, const full_name& name);
ending remove_connection(surroundings& s, const full_name& name, bool purge, bool yes);

// connect.cpp
struct connect_wish {
  full_name name;
  bool paste = false, yes = false;
  std::string expected_account, redirect_uri, region;
  std::chrono::seconds timeout{3600};
};
ending connect(surroundings& s, const connect_wish& wish);

// links.cpp
struct new_link {
  full_name name;
  std::int64_t days = 7;
  std::string expected_account;
};
ending add_link(surroundings& s, const new_link& what);
ending list_links(surroundings& s, const full_name& name);
ending revoke_link(surroundings& s, const full_name& name, const std::string& id);
/// Neither an account nor `reject`: somebody is asked.
struct confirm_wish {
  full_name name;
  std::string account;
  bool reject = false;
};
ending confirm_account(surroundings& s, const confirm_wish& wish);
/// A slip of the hand at the question whose account it is: a grant is thrown away by who says so alone.
failure neither_yes_nor_no(const full_name& name);

// syncs.cpp
struct sync_wish {
  full_name name;
  std::string stream;
  bool full = false, wait = true;
};
ending run_sync(surroundings& s, const sync_wish& wish);
ending list_syncs(surroundings& s, const std::optional<full_name>& name, std::size_t limit);

// held.cpp
struct held_wish {
  full_name name;
  std::string stream;
  std::uint64_t mark = 0;  ///< as held show names it; 0: somebody is asked about what is held now
  std::size_t limit = 20;
};
ending list_held(surroundings& s);
ending show_held(surroundings& s, const held_wish& wish);
ending confirm_held(surroundings& s, const held_wish& wish);
ending reject_held(surroundings& s, const held_wish& wish);

// fetch.cpp
struct fetch_wish {
  std::string name, url, method = "GET", body, select;
  std::vector<std::string> variables;
  bool list = false;  ///< which connections can be asked with
};
ending fetch(surroundings& s, const fetch_wish& wish);

// events.cpp
struct event_wish {
  std::vector<std::string> connections, types;
  std::size_t limit = 50;   ///< list: the newest; 0: all
  bool from_start = false;  ///< follow
};
ending list_events(surroundings& s, const event_wish& wish);
ending follow_events(surroundings& s, const event_wish& wish);

// Shared by several of them.

/// Prints the daemon's document on one line, as --json promises.
void print_document(terminal& t, const boost::json::object& document);
/// "/v1/connections/teamleader/acme"
std::string path_of(const full_name& name);

}  // namespace koppel::koppelctl
