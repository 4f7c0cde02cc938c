// SPDX-License-Identifier: Apache-2.0
// The consumer's loop: take a delivery, make it durable, acknowledge it.
#pragma once

#include <atomic>
#include <koppel/bus/client.hpp>

#include "store.hpp"

namespace koppel::proplus {

/// Runs until `stop` is set; a failure is one that only a person can mend. Begins again by itself where the host's
/// history is another one.
result<> run(store& into, const bus::follower_options& options, const std::atomic<bool>& stop);

}  // namespace koppel::proplus
