// SPDX-License-Identifier: Apache-2.0
// One event on one line, for people. Columns have fixed widths, because events come one by one and no table can wait.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace koppel::koppelctl {

std::string event_title(bool colours);

/// `event` as bus::to_json gives it: time, seq, type, connection, subject, and what it is about.
std::string event_line(const boost::json::object& event, bool colours);

/// What an event says in a few words: "Success", "contacts full: 120 read, 3 upserted", "Acme BVBA (name, emails)".
std::string gist(std::string_view short_type, const boost::json::object& data);

}  // namespace koppel::koppelctl
