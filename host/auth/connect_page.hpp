// SPDX-License-Identifier: Apache-2.0
// The page at a connect link: whose account is wanted, at which provider, what has to be done there, and one button, or
// a field for the key; in nl, fr or en. Looking at it uses nothing up. Pure.
#pragma once

#include <string>

#include "host/auth/landing_page.hpp"

namespace koppel::auth {

struct connect_page {
  const core::manifest* provider = nullptr;
  std::string leads_to;                    ///< the button's host, where settings and no plugin name the provider
  std::string customer;                    ///< as the connection names it; empty: it is not said
  const core::auth_state* last = nullptr;  ///< what came of the latest try, where it was refused
  bool no_key = false;                     ///< what was typed as a key is none
};

/// Everything that is not ours is escaped. Where customers give a key there is a field for it; where there is no other
/// way, no other button.
std::string connect_html(const connect_page& p, language l);

}  // namespace koppel::auth
