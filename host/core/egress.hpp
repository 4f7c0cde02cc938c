// SPDX-License-Identifier: Apache-2.0
// Which requests of a plugin may leave: those that its manifest declares.
#pragma once

#include <string>

#include "host/core/manifest.hpp"

namespace koppel::core {

/// What a request is for. An entry that is marked for webhooks is closed to everything else: whoever may send any
/// request could read a connection's webhook address there, or have its webhooks sent elsewhere.
enum class egress_purpose { reading, webhooks };

/// Why a request may not leave, or empty: https only, no user info, a declared host, method and path
/// (docs/manifest.md).
std::string egress_refusal(const manifest& m, const std::string& method, const std::string& url,
                           egress_purpose purpose = egress_purpose::reading);

}  // namespace koppel::core
