// SPDX-License-Identifier: Apache-2.0

#include "host/runtime/steady_clock.hpp"

namespace koppel::runtime {

steady_time steady_clock::now() noexcept { return std::chrono::steady_clock::now(); }

steady_clock::duration steady_waits::to_wait_duration(const steady_clock::duration& left) { return left; }

}  // namespace koppel::runtime
