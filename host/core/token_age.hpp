// SPDX-License-Identifier: Apache-2.0
// A token pair as seen from outside, and the mark of a renewal under way: what is stored beside the sealed tokens.
#pragma once

#include <cstdint>
#include <optional>

#include "host/core/time.hpp"

namespace koppel::core {

/// What is known of a stored pair without opening its seals.
struct token_age {
  std::uint64_t generation = 0;
  instant obtained_at{};  ///< when the request for it was sent
  std::optional<instant> expires_at;
  bool renewal_open = false;  ///< a renewal of it has no definite answer yet
  bool unproven = false;      ///< nobody has said yet whose account it opens
  bool operator==(const token_age&) const = default;
};

/// A renewal that was begun: stored before the request, removed with its definite answer. One that is found at the
/// start means that nobody knows whether the provider rotated.
struct refresh_intent {
  std::uint64_t generation = 0;  ///< of the pair whose refresh token is presented
  instant began_at{};            ///< of the latest presentation
  std::uint32_t presented = 0;   ///< how often
  bool operator==(const refresh_intent&) const = default;
};

}  // namespace koppel::core
