// SPDX-License-Identifier: Apache-2.0
// Reading history in short statements: a reader that stays in one would keep the write-ahead log from being reused.

#include "host/ledger/event_source.hpp"

#include <koppel/bus/error.hpp>

#include "host/ledger/event_log.hpp"

namespace koppel::ledger {
namespace {

constexpr std::size_t max_rows = 1000;

/// The bus's word for it: who needs these events is refused, the others go on.
failure broken(const failure& why) { return {bus::errc::history_broken, why.detail}; }

template <class T, class Action>
result<T> guarded(Action action) {
  try {
    return action();
  } catch (const sqlite_error& e) {
    return failure_of(e.fault, "Stored events cannot be read");
  }
}

}  // namespace

result<std::uint64_t> stored_events::head() {
  return guarded<std::uint64_t>([this]() -> result<std::uint64_t> {
    query q(db_, "SELECT value FROM meta WHERE key = 'head'");
    if (!q.step()) return failure{errc::corrupt, "The counter of events is missing."};
    return static_cast<std::uint64_t>(q.integer(0));
  });
}

result<std::uint64_t> stored_events::horizon() {
  return guarded<std::uint64_t>([this]() -> result<std::uint64_t> {
    query q(db_, "SELECT value FROM meta WHERE key = 'horizon'");
    if (!q.step()) return failure{errc::corrupt, "The horizon of the events is missing."};
    return static_cast<std::uint64_t>(q.integer(0));
  });
}

result<std::string> stored_events::id_at(std::uint64_t seq) {
  return guarded<std::string>([this, seq]() -> result<std::string> {
    query q(db_,
            "SELECT first_seq, last_seq, checksum, bytes FROM event_batches WHERE first_seq <= ? "
            "ORDER BY first_seq DESC LIMIT 1",
            seq);
    if (seq == 0 || !q.step() || static_cast<std::uint64_t>(q.integer(1)) < seq) return std::string();
    const auto batch = batch_in(q, epoch_);
    if (!batch) return broken(batch.error());
    for (std::string_view rest = batch->bytes; !rest.empty();) {
      const auto event = bus::peek(rest);
      if (!event) return broken(event.error());
      if (event->seq == seq) return std::string(event->id);
      rest.remove_prefix(event->raw.size());
    }
    return std::string();
  });
}

result<std::vector<bus::stored_batch>> stored_events::read(std::uint64_t after, std::size_t max_bytes) {
  using batches = std::vector<bus::stored_batch>;
  return guarded<batches>([this, after, max_bytes]() -> result<batches> {
    batches out;
    std::size_t bytes = 0;
    query q(db_,
            "SELECT first_seq, last_seq, checksum, bytes FROM event_batches WHERE first_seq >= "
            "(SELECT coalesce(max(first_seq), 0) FROM event_batches WHERE first_seq <= ?) ORDER BY first_seq",
            after + 1);
    while (out.size() < max_rows && q.step()) {
      if (static_cast<std::uint64_t>(q.integer(1)) <= after) continue;
      if (!out.empty() && bytes + q.bytes(3).size() > max_bytes) break;
      auto batch = batch_in(q, epoch_);
      // What lies before the damage is good: it is met again, as the first, by whoever has come so far.
      if (!batch && !out.empty()) break;
      if (!batch) return broken(batch.error());
      if (!out.empty() && batch->first_seq != out.back().last_seq + 1) {
        const auto whole_from = horizon();
        if (!whole_from) return whole_from.error();
        if (batch->first_seq > *whole_from) break;  // before it retention leaves gaps
      }
      bytes += batch->bytes.size();
      out.push_back(std::move(*batch));
    }
    return out;
  });
}

/// The batch's events behind what was walked, up to `last`, but for those that may go.
result<void> stored_events::take_newest(const bus::stored_batch& batch, std::uint64_t last, bus::newest_events& into) {
  query q(db_, "SELECT seq FROM expendable_events WHERE seq BETWEEN ? AND ? ORDER BY seq", batch.first_seq,
          batch.last_seq);
  bool some = q.step();
  for (std::string_view rest = batch.bytes; !rest.empty();) {
    const auto event = bus::peek(rest);
    if (!event) return broken(event.error());
    rest.remove_prefix(event->raw.size());
    while (some && static_cast<std::uint64_t>(q.integer(0)) < event->seq) some = q.step();
    const bool replaced = some && static_cast<std::uint64_t>(q.integer(0)) == event->seq;
    if (event->seq > into.up_to && event->seq <= last && !replaced) into.bytes.append(event->raw);
  }
  into.up_to = std::min(batch.last_seq, last);
  return {};
}

result<bus::newest_events> stored_events::read_newest(std::uint64_t after, std::uint64_t last, std::size_t max_bytes) {
  using bus::newest_events;
  return guarded<newest_events>([this, after, last, max_bytes]() -> result<newest_events> {
    newest_events out{after, {}};
    std::size_t rows = 0, bytes = 0;
    query q(db_,
            "SELECT first_seq, last_seq, checksum, bytes FROM event_batches WHERE first_seq >= "
            "(SELECT coalesce(max(first_seq), 0) FROM event_batches WHERE first_seq <= ?1) AND first_seq <= ?2 "
            "ORDER BY first_seq",
            after + 1, last);
    const auto no_hole_before = [&](std::uint64_t seq) -> result<void> {
      if (seq <= out.up_to + 1) return {};
      const auto whole_from = horizon();  // while the rows are read: of the same state of the database as they
      if (!whole_from) return whole_from.error();
      if (seq <= *whole_from) return {};
      return broken({{}, "Events behind " + std::to_string(out.up_to) + " are missing."});
    };
    while (q.step()) {
      if (static_cast<std::uint64_t>(q.integer(1)) <= after) continue;
      if (rows == max_rows || (rows > 0 && bytes + q.bytes(3).size() > max_bytes)) return out;
      const auto batch = batch_in(q, epoch_);
      if (!batch && rows > 0) return out;  // met again as the first
      if (!batch) return broken(batch.error());
      if (auto fine = no_hole_before(batch->first_seq); !fine) return fine.error();
      if (auto taken = take_newest(*batch, last, out); !taken) return taken.error();
      bytes += batch->bytes.size();
      ++rows;
    }
    if (auto fine = no_hole_before(last + 1); !fine) return fine.error();
    out.up_to = last;
    return out;
  });
}

}  // namespace koppel::ledger
