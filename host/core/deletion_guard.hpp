// SPDX-License-Identifier: Apache-2.0
// How many deletions a run may publish before somebody is asked: an account that was emptied by mistake, or a provider
// whose answers lack what is there, must not empty every consumer. Pure.
#pragma once

#include <cstdint>

namespace koppel::core {

/// What goes beyond both is held.
struct deletion_limits {
  std::uint64_t records = 100;
  unsigned percent = 5;  ///< of the records that were there; 100: nothing is ever held
};

struct deletion_facts {
  std::uint64_t known = 0;    ///< records of the stream that are there, also those whose deletion is held
  std::uint64_t deleted = 0;  ///< that the run has published already
  std::uint64_t held = 0;     ///< of the stream, of this run or of earlier ones, that nobody has decided on
  std::uint64_t more = 0;     ///< that the run would delete besides
};

enum class deletion_verdict { publish, hold };

/// About `held` and `more` together: what one run may not do at once, several must not do in parts.
deletion_verdict judge_deletions(const deletion_limits& limits, const deletion_facts& facts);

}  // namespace koppel::core
