// SPDX-License-Identifier: Apache-2.0
// What the bus server needs from whoever keeps the events. The host's ledger implements it over a read-only database
// connection; tests implement it over a vector. Called on the bus thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <koppel/bus/event.hpp>
#include <koppel/result.hpp>
#include <string>
#include <vector>

namespace koppel::bus {

/// One stored commit batch: the encoded events first_seq..last_seq, concatenated, at most 1 MiB.
struct stored_batch {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string bytes;
};

/// What a named consumer acknowledged last.
struct consumer_position {
  std::string name;
  std::uint64_t acked_seq = 0;
  std::string acked_at;  ///< RFC 3339 UTC
};

/// A piece of a walk over each subject's newest events.
struct newest_events {
  std::uint64_t up_to = 0;  ///< walked up to here
  std::string bytes;        ///< the events, concatenated; may be none
};

class event_source {
 public:
  virtual ~event_source() = default;
  virtual const std::string& epoch() const = 0;
  /// The newest committed seq; 0 when there is none.
  virtual result<std::uint64_t> head() = 0;
  /// From here on every event is kept (1 until retention trims). Before it, events that a newer one has replaced may be
  /// gone, alone or with their whole batch.
  virtual result<std::uint64_t> horizon() = 0;
  // Of what is damaged or missing `id_at`, `read` and `read_newest` say errc::history_broken: whoever needs it is
  // refused, the others go on. Any other failure ends the bus.

  /// The id of the event with this seq; empty when there is none.
  virtual result<std::string> id_at(std::uint64_t seq) = 0;
  /// Batches whose last_seq is after `after`, in order, until `max_bytes` is reached or the next one is damaged (at
  /// least one if there is one).
  virtual result<std::vector<stored_batch>> read(std::uint64_t after, std::size_t max_bytes) = 0;
  /// The events behind `after`, up to `last`, that nothing newer is known to have replaced; looks at about `max_bytes`
  /// of history (at least one batch). Moves on, or says that it is at `last`. One that was replaced by an event behind
  /// `last` may be left out: whoever walks follows from `last`.
  virtual result<newest_events> read_newest(std::uint64_t after, std::uint64_t last, std::size_t max_bytes) = 0;
  /// Records that a consumer made everything up to `seq` durable. Returns at once; the write is the ledger's business.
  virtual void acknowledge(const std::string& consumer, std::uint64_t seq) = 0;
};

}  // namespace koppel::bus
