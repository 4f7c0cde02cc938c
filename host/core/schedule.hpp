// SPDX-License-Identifier: Apache-2.0
// When a stream is to be read next, and how. Pure: what is known of the stream and the time in, a plan out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "host/core/manifest.hpp"
#include "host/core/time.hpp"

namespace koppel::core {

/// What is known of a stream between runs.
struct stream_history {
  std::optional<instant> last_full_at;     ///< a complete full read ended
  std::optional<instant> last_success_at;  ///< any run completed
  std::optional<instant> last_attempt_at;  ///< any run ended, in whatever way
  std::uint32_t failures = 0;              ///< in a row
  bool interrupted = false;                ///< a run is open and waits to go on
};

struct read_plan {
  instant due{};
  bool full = false;
};

/// The first read is full and due at once. An interrupted run is due after a back-off (a minute doubled per failure, an
/// hour at most; at once after a restart of the host, when there was no failure). Else whichever of the full and the
/// incremental interval is over first; a stream without complete full read stays full.
read_plan plan_next_read(const stream_history& h, std::chrono::seconds interval, std::chrono::seconds full_interval,
                         instant now);

}  // namespace koppel::core
