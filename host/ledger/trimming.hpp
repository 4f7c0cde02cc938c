// SPDX-License-Identifier: Apache-2.0
// Keeps history short while the host runs: a pass a day, in slices with pauses between them, so that callers' commits
// go first. Main strand.
#pragma once

#include "host/ledger/ledger.hpp"

namespace koppel::ledger {

/// Runs until it is cancelled. `limits.keep` of zero keeps everything: it ends at once.
runtime::awaitable<void> keep_trimming(ledger& l, core::retention_limits limits);

}  // namespace koppel::ledger
