// SPDX-License-Identifier: Apache-2.0
// The process's own fdatasync, so that a test can count syncs, let them fail, and die at one of them.
#pragma once

#include <atomic>

namespace koppel::tests {

extern std::atomic<int> syncs;
extern std::atomic<bool> syncs_fail;
extern std::atomic<int> die_at_sync;  ///< counted from the program's start; 0: never

}  // namespace koppel::tests
