// SPDX-License-Identifier: Apache-2.0
// What the control API shows of the host's values, as JSON. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/auth/auth_service.hpp"
#include "host/core/manifest.hpp"
#include "host/ledger/ledger.hpp"
#include "host/plugins/plugin_host.hpp"

namespace koppel::api {

/// What is known of one stream of a connection.
struct stream_view {
  core::stream_rule rule;
  ledger::stream_state state;
  std::uint64_t records = 0;
  std::optional<ledger::held_stream> held;
};

/// Why a run ended, for whoever is bound to a customer: the word for programs and a sentence. What plugin and ledger
/// said besides is the operator's: it may name files and other things of the daemon.
std::string told_to_customers(const std::string& error);

/// In the three languages.
boost::json::object shown(const core::localized& text);
boost::json::object view(const core::manifest& m, const std::string& own_callback);
/// Nothing of the body.
/// null where the connection has no address yet.
boost::json::value view(const std::optional<ledger::webhook_address>& a);
boost::json::object view(const ledger::webhook& w, const std::string& app, const std::string& connection);
boost::json::object view(const ledger::app& a);
boost::json::object view(const auth::started_attempt& a);
boost::json::object view(const ledger::connection& c, const std::string& app_name, const core::manifest* m,
                         const std::vector<stream_view>& streams);
boost::json::object view(const plugins::plugin_status& p, const core::manifest* m);
boost::json::object view(const plugins::plugin_change& c);
boost::json::object view(const ledger::run& r, const std::string& provider, const std::string& connection);
boost::json::object view(const ledger::held_stream& h, const std::string& provider, const std::string& connection);
boost::json::object view(const ledger::disk_space& s);
boost::json::object view(const bus::consumer_position& c, std::uint64_t head, bool connected);

}  // namespace koppel::api
