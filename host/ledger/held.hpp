// SPDX-License-Identifier: Apache-2.0
// What the deletion guard keeps back, as the ledger takes and shows it.
#pragma once

#include <cstdint>
#include <string>

#include "host/core/deletion_guard.hpp"
#include "host/core/time.hpp"

namespace koppel::ledger {

/// What the deletion guard says to a page.
struct page_guard {
  core::deletion_limits limits;  ///< a page whose deletions go beyond them has all of them held
  bool withhold = false;         ///< they are held however few they are
};

/// The deletions of a stream that the guard keeps back, and those that somebody has rejected.
struct held_stream {
  std::string connection_id, stream, entity;
  std::string run_id;           ///< that held the newest of them
  std::uint64_t held = 0;       ///< nobody has decided on these
  std::uint64_t rejected = 0;   ///< these stay, though the provider does not have them
  std::uint64_t known = 0;      ///< records of the stream that are there, with all of the above
  std::uint64_t published = 0;  ///< deletions that the run published
  std::uint64_t mark = 0;       ///< a decision that names it is about those up to here, and no later ones
  core::instant since{};        ///< when the first of them was held
};

struct held_record {
  std::string id;
  std::string name;  ///< empty where the record has none
  core::instant since{};
  bool rejected = false;
};

enum class held_decision { confirm, reject };

}  // namespace koppel::ledger
