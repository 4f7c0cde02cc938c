// SPDX-License-Identifier: Apache-2.0
// Which requests of a plugin may leave: those that its manifest declares.
#pragma once

#include <string>

#include "host/core/manifest.hpp"

namespace koppel::core {

/// Why a request may not leave, or empty: https only, no user info, a declared host, method and path
/// (docs/manifest.md).
std::string egress_refusal(const manifest& m, const std::string& method, const std::string& url);

}  // namespace koppel::core
