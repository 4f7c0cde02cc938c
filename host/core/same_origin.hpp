// SPDX-License-Identifier: Apache-2.0
// Whether two addresses are of one server: the issuer that an answer names and the one that was asked, the page that a
// button was pressed on and our own. Pure.
#pragma once

#include <string_view>

namespace koppel::core {

/// The same scheme, host (whatever its case) and port, given or going without saying; paths do not count. False where
/// one of them is no whole address, or has a user in it.
bool same_origin(std::string_view a, std::string_view b);

}  // namespace koppel::core
