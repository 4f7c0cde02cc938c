// SPDX-License-Identifier: Apache-2.0

#include "host/runtime/random.hpp"

#include <sodium/randombytes.h>

namespace koppel::runtime {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed;
}

}  // namespace koppel::runtime
