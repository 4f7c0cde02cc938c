// SPDX-License-Identifier: Apache-2.0
// Events on their way to disk and back. Those of one commit wait here, in order, and become one row (or several, of at
// most 1 MiB each); a piece of work that fails takes its own back. Rows carry a checksum, and reading verifies it.
#pragma once

#include <koppel/bus/event_source.hpp>
#include <koppel/result.hpp>
#include <string>
#include <vector>

#include "host/ledger/database.hpp"

namespace koppel::ledger {

class event_buffer {
 public:
  /// `head` is the newest seq on disk.
  event_buffer(std::string epoch, std::uint64_t head) : epoch_(std::move(epoch)), written_(head) {}

  const std::string& epoch() const { return epoch_; }
  std::uint64_t head() const { return written_ + events_.size(); }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return events_.empty(); }

  /// Gives the event seq and id. Returns its size; too_large if that is over the bus's limit, and then it is not added.
  result<std::size_t> add(bus::event& e);

  std::size_t mark() const { return events_.size(); }
  void take_back_to(std::size_t mark);

  /// Writes what waits and the counter, within the caller's transaction; `written` follows once that is durable.
  void write(database& db);
  void written();

 private:
  std::string epoch_;
  std::uint64_t written_;
  std::vector<std::string> events_;  ///< encoded; their seqs are written_ + 1, + 2, ...
  std::size_t bytes_ = 0;
};

/// The row's check value: BLAKE2b over epoch, first and last seq, and the bytes.
std::string checksum_of(const std::string& epoch, const bus::stored_batch& batch);

/// Writes what is left of a batch, or deletes the row where nothing is.
void rewrite(database& db, const std::string& epoch, const bus::stored_batch& was, const bus::stored_batch& kept);

/// A batch from the row a query stands on (first_seq, last_seq, checksum, bytes); corrupt where the checksum differs.
result<bus::stored_batch> batch_in(const query& q, const std::string& epoch);

}  // namespace koppel::ledger
