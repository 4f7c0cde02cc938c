// SPDX-License-Identifier: Apache-2.0
// How long events are kept. From the horizon on history is whole; before it an event may be gone once something newer
// has replaced it (docs/state.md, "How long events are kept"). Decisions only: which events may ever go, when trimming
// is due, and how far the horizon moves.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/time.hpp"

namespace koppel::core {

struct retention_limits {
  std::chrono::milliseconds keep{0};  ///< replaced events are kept so long; 0: for ever
  std::chrono::milliseconds hold{0};  ///< and at most so long for a named consumer that is behind; not less than keep
};

/// What an event that is neither a record's nor a dead letter is kept as: it may go once a newer one is kept as each of
/// these names, for the same connection. None: nothing keeps it. No list at all: it never goes.
std::optional<std::vector<std::string>> kept_as(std::string_view short_type, const boost::json::object& data);

/// A pass moves the horizon and trims what it has passed. So an event goes up to this much later than it could, and a
/// batch of events is rewritten once a pass at most, however many of its events go.
std::chrono::milliseconds pass_interval(const retention_limits& limits);
/// Until the next pass is due; zero: now. `last` is when the one before began.
std::chrono::milliseconds until_pass(const retention_limits& limits, std::optional<instant> last, instant now);

/// What a pass finds.
struct history_facts {
  std::uint64_t horizon = 1;
  std::uint64_t head_at_keep = 0;  ///< the newest event of a time that is `keep` ago, or longer; 0: not known
  std::uint64_t head_at_hold = 0;  ///< the same for `hold`
  /// The least position of the named consumers that acknowledged something within `hold`.
  std::optional<std::uint64_t> slowest;
};

/// Where the horizon lies from this pass on; never lower than before, and never beyond the head.
std::uint64_t next_horizon(const history_facts& facts);

}  // namespace koppel::core
