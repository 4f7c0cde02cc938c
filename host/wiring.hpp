// SPDX-License-Identifier: Apache-2.0
// Puts the host together and runs it until it is told to stop. The only place that sees all parts.
#pragma once

#include <chrono>

#include "host/config/config.hpp"
#include "host/plugins/spawner.hpp"

namespace koppel {

/// Exit codes of koppeld.
enum class exit_code { stopped = 0, failed = 1, bad_usage = 2, bad_configuration = 3 };

/// So long the log may take to write what it has when the process ends.
inline constexpr std::chrono::milliseconds log_limit{1'000};

/// SIGTERM and SIGINT, SIG_BLOCK or SIG_UNBLOCK. They are open only while the host listens for them: one that comes
/// before waits until then, one that comes afterwards changes nothing any more.
void mask_signals(int how);

/// Runs until SIGTERM or SIGINT, then ends in two stages within 10 s; a second signal ends the first stage. `children`
/// was forked before any thread existed. Where something cannot be waited for (work that does not end, a look-up within
/// getaddrinfo), it ends the process itself once everything durable is closed.
exit_code run_host(const config::config& c, plugins::spawner& children);

}  // namespace koppel
