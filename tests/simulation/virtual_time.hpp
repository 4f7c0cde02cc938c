// SPDX-License-Identifier: Apache-2.0
// The simulation's definition of runtime::steady_clock: time stands still while there is anything to do, and then jumps
// to the next thing that is due. One clock for the process: lives are lived one after another.
#pragma once

#include "host/runtime/steady_clock.hpp"

namespace koppel::simulation::virtual_time {

runtime::steady_time now();
/// Back to the beginning, for the next life.
void reset();
void advance_to(runtime::steady_time t);

/// The earliest timer that Asio has asked about since `forget_timers`; max() where it asked about none. An io_context
/// that is polled asks about its earliest timer each time.
runtime::steady_time earliest_timer();
void forget_timers();

}  // namespace koppel::simulation::virtual_time
