// SPDX-License-Identifier: Apache-2.0
// Where generators get their seeds: libsodium's source of randomness, which the simulation replaces by its own, so that
// a seed replays.
#pragma once

#include <cstdint>

namespace koppel::runtime {

std::uint64_t random_seed();

}  // namespace koppel::runtime
