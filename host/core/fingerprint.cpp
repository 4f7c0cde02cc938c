// SPDX-License-Identifier: Apache-2.0

#include "host/core/fingerprint.hpp"

#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#include <array>

namespace koppel::core {

std::string fingerprint(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  std::string hex(hash.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  hex.pop_back();  // the terminating zero
  return hex;
}

}  // namespace koppel::core
