// SPDX-License-Identifier: Apache-2.0
// What became of an authorisation, in the words of the person at the terminal: the status, why, whose turn it is.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "tools/koppelctl/terminal.hpp"

namespace koppel::koppelctl {

/// A sentence for a reason of auth.status (docs/bus.md); for one that this version does not know, the word itself.
std::string reason_sentence(std::string_view reason, language in);

/// "The customer has to give access again." from `action` and `action_by`; empty where nobody has to do anything.
std::string turn_sentence(std::string_view action, std::string_view by, language in);

/// A failed authorisation, in lines: display, why, whose turn, hint. `auth` has the fields of auth.status.
std::string failure_text(const boost::json::object& auth, language in);

/// What stands above the link for the next try.
std::string sentence_of_next_link(language in);

/// "«Acme BVBA» (id 42, production)"; empty where the account is not known.
std::string account_text(const boost::json::object& account);

}  // namespace koppel::koppelctl
