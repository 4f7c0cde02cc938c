// SPDX-License-Identifier: Apache-2.0
// What the pure parts need of OpenSSL.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace koppel::provider_sim {

std::string sha256_hex(std::string_view text);

std::string to_base64(std::string_view bytes);
/// Empty if `text` is no Base64.
std::string from_base64(std::string_view text);

/// `bytes` bytes of the system's randomness in lower-case hex.
std::string random_hex(std::size_t bytes);

/// `bytes` random bytes in lower-case hex, from wherever: the system, or a test's counter.
using hex_source = std::function<std::string(std::size_t bytes)>;

}  // namespace koppel::provider_sim
