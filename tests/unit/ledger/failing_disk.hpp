// SPDX-License-Identifier: Apache-2.0
// The process's own fdatasync, so that a test can let a sync fail and count those that happened.
#pragma once

#include <atomic>

namespace koppel::tests {

extern std::atomic<int> syncs;
extern std::atomic<bool> syncs_fail;

}  // namespace koppel::tests
