// SPDX-License-Identifier: Apache-2.0
// The page on which a customer's administrator gives or refuses access.
#pragma once

#include <string>

#include "clients.hpp"

namespace koppel::provider_sim::teamleader {

/// `hidden` names this showing of the page; it comes back once, as form field `request`.
std::string consent_page(const client& integration, const std::string& hidden);

}  // namespace koppel::provider_sim::teamleader
