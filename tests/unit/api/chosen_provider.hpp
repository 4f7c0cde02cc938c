// SPDX-License-Identifier: Apache-2.0
// Connections of customer 4711 whose provider their settings name (tests/unit/auth/plugin/chooser.toml).
#pragma once

#include <boost/json/object.hpp>

#include "tests/unit/api/rest_world.hpp"

namespace koppel::test {

inline boost::json::object at_host(const std::string& host) {
  return {{"authorization_url", "https://" + host + "/authorize"},
          {"token_url", "https://" + host + "/token"},
          {"account", "42"}};
}

/// Customer 4711's connection with a provider of its own choice.
inline ledger::connection chosen_by_4711(rest_world& w, const std::string& private_hosts = "") {
  std::map<std::string, std::string> settings;
  for (const auto& [name, value] : at_host("login.nameplate.test")) settings[name] = value.as_string().c_str();
  if (!private_hosts.empty()) settings["private_hosts"] = private_hosts;
  auto c = w.add("operators", "chooser", settings);
  w.write([&](ledger::transaction& tx) {
    c.name = "of-4711";
    c.customer = "4711";
    c = *tx.insert_connection(c);
  });
  return c;
}

/// The same, which works.
inline ledger::connection working_for_4711(rest_world& w) {
  auto c = chosen_by_4711(w);
  w.write([&](ledger::transaction& tx) {
    c.auth.status = core::auth_status::authorized;
    c.pinned = core::account{"42", "42", ""};
    if (!tx.update_connection(c)) FAIL("not updated");
  });
  w.store(c, "old-token", {}, "old-refresh");
  return c;
}

}  // namespace koppel::test
