// SPDX-License-Identifier: Apache-2.0
// The one table that says what each reason of an authorisation means in an event: status, what Pro+ shows, whose turn
// it is, and what to do in nl, fr and en (the manuals' words where they have them). docs/auth.md shows it; a test keeps
// both the same.
#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/core/auth_state.hpp"
#include "host/core/manifest.hpp"

namespace koppel::core {

/// One reason. Texts may hold {provider}, {life} (of a code), {wait} (of one who asked too often) and {boxes} (the
/// scopes that are missing).
struct reason_row {
  auth_reason reason;
  std::optional<auth_status>
      status;                ///< absent: unchanged, or needs_reauth at first; for by_operator: disabled or removed
  std::string_view display;  ///< what follows "Failed, " where no HTTP status spoke; empty: the status decides
  std::string_view action, action_by;
  std::string_view nl, fr, en;
};

/// Every reason but `none`, in the order of the enumeration.
std::span<const reason_row> reason_table();
const reason_row* find_row(auth_reason r);

/// The name that .NET's HttpStatusCode prints: "BadRequest"; the number itself where it has none.
std::string http_status_name(int status);

/// The text for Pro+'s field "Auth Status": "Success", "Failed, ...", or empty.
std::string display_of(const auth_state& s);

/// Whether access that is given again as it was would fail again: what the link asks for has to change before.
bool is_to_be_mended_first(const auth_state& s);

/// What to do now, placeholders filled in; generic words where the manifest is not at hand.
localized hint_of(const auth_state& s, const manifest* m);

/// The whole `data` of an auth.status event; the control API shows the same.
boost::json::object status_data(const auth_state& s, const manifest* m);

}  // namespace koppel::core
