// SPDX-License-Identifier: Apache-2.0
// What of a request is the host's to write, and what of an answer no plugin sees: the headers and texts that bear
// secrets. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <koppel/messages.hpp>

#include "host/core/manifest.hpp"
#include "host/net/http_transport.hpp"

namespace koppel::auth {

/// Headers that say who asks, or where a message ends: the host's to write. Why a request may not leave, or "".
std::string header_refusal(const core::auth_rules& rules, const messages::http& request);

/// Takes out of an answer what a plugin must not see; echoes of the secrets are blotted out.
void clean(messages::reply& reply, std::initializer_list<std::string_view> secrets);

/// The rule that knows this answer as something else than a refused token; null where there is none.
const core::denial_rule* denial_in(const core::auth_rules& rules, const net::response& answer);

}  // namespace koppel::auth
