// SPDX-License-Identifier: Apache-2.0
// When a stream is to be read next, and how. Pure: what is known of the stream and the time in, a plan out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "host/core/manifest.hpp"
#include "host/core/time.hpp"

namespace koppel::core {

/// What is known of a stream between runs.
struct stream_history {
  std::optional<instant> last_full_at;          ///< a complete full read ended
  std::optional<instant> last_success_at;       ///< any run completed
  std::optional<instant> last_attempt_at;       ///< any run ended, in whatever way
  std::optional<instant> last_inconclusive_at;  ///< a full read completed, but concluded nothing
  std::optional<instant> not_before;            ///< the provider asked for quiet until then
  std::uint32_t failures = 0;                   ///< in a row
  std::uint32_t inconclusive = 0;               ///< full reads that concluded nothing, since the last that did
  bool interrupted = false;                     ///< a run is open and waits to go on
};

struct read_plan {
  instant due{};
  bool full = false;
};

/// How a run ended, as far as the schedule is concerned.
struct read_outcome {
  /// The last two are interruptions that count as no failure.
  enum class ending { completed, interrupted, failed, host_stopped, plugin_replaced } as = ending::completed;
  bool full = false;
  bool complete = false;  ///< a full read that saw everything
  instant at{};
  std::chrono::milliseconds retry_after{0};
};

/// How many of the places for runs one provider may take: all of them where it is the only one, else three quarters.
/// A plugin that hangs holds its places for as long as runs may take; the others' connections go on in the rest.
std::size_t places_of_one(std::size_t places, std::size_t providers);

/// The history after one more run.
stream_history after(stream_history h, const read_outcome& o);

/// Times that lie ahead of `now` were written under a clock that was wrong: they become `now`, so that the wait begins
/// anew instead of lasting until then. To be kept: made at every look, the wait would never be over.
stream_history believable(stream_history h, instant now);

/// Nothing was ever read to its end: there is no cursor from which changes could be looked for.
bool never_read(const stream_history& h);

/// The first read is full and due at once. An interrupted run is due after a back-off (a minute doubled per failure, an
/// hour at most; at once after a restart of the host, when there was no failure), and not before the provider's own
/// word. Else whichever of the full and the incremental interval is over first. A full read that was interrupted
/// concludes nothing from absence, so it comes again: twice at once, for an accident must not leave a stream without a
/// conclusion, nor may a second one that follows it (a plugin that dies, then the host); after that a minute later,
/// doubled each time, its interval at most. Meanwhile the stream is read incrementally.
read_plan plan_next_read(const stream_history& h, std::chrono::seconds interval, std::chrono::seconds full_interval,
                         instant now);

}  // namespace koppel::core
