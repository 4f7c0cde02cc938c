// SPDX-License-Identifier: Apache-2.0
// How random words are kept that only have to be recognised: states, references, the secrets of webhook addresses.
#pragma once

#include <string>
#include <string_view>

namespace koppel::core {

/// BLAKE2b-256 in hex.
std::string fingerprint(std::string_view text);

}  // namespace koppel::core
