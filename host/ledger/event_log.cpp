// SPDX-License-Identifier: Apache-2.0
// Batches of events. Bytes are stored exactly as consumers will get them, so that replay copies and does not encode.

#include "host/ledger/event_log.hpp"

#include <sodium/crypto_generichash.h>

#include <array>
#include <koppel/bus/limits.hpp>

namespace koppel::ledger {
namespace {

constexpr std::size_t checksum_bytes = 16;

void insert(database& db, const std::string& epoch, const bus::stored_batch& batch) {
  const auto checksum = checksum_of(epoch, batch);
  query(db, "INSERT INTO event_batches(first_seq, last_seq, checksum, bytes) VALUES(?, ?, ?, ?)", batch.first_seq,
        batch.last_seq, blob{checksum}, blob{batch.bytes})
      .run();
  query(db, "UPDATE meta SET value = value + ? WHERE key = 'history_bytes'", std::uint64_t{batch.bytes.size()}).run();
}

}  // namespace

result<std::size_t> event_buffer::add(bus::event& e) {
  e.epoch = epoch_;
  e.seq = head() + 1;
  e.id.clear();
  auto bytes = bus::encode(e);
  const auto size = bytes.size();
  if (size > bus::limits::event_bytes)
    return failure{errc::too_large, "An event " + e.type + " of " + std::to_string(size) + " bytes is over 64 KiB."};
  bytes_ += size;
  events_.push_back(std::move(bytes));
  return size;
}

void event_buffer::take_back_to(std::size_t mark) {
  while (events_.size() > mark) {
    bytes_ -= events_.back().size();
    events_.pop_back();
  }
}

void event_buffer::write(database& db) {
  if (events_.empty()) return;
  bus::stored_batch batch;
  batch.first_seq = written_ + 1;
  batch.last_seq = written_;
  batch.bytes.reserve(std::min(bytes_, bus::limits::batch_bytes));
  for (const auto& event : events_) {
    if (batch.bytes.size() + event.size() > bus::limits::batch_bytes) {
      insert(db, epoch_, batch);
      batch.first_seq = batch.last_seq + 1;
      batch.bytes.clear();
    }
    batch.bytes.append(event);
    ++batch.last_seq;
  }
  insert(db, epoch_, batch);
  query(db, "UPDATE meta SET value = ? WHERE key = 'head'", head()).run();
}

void event_buffer::written() {
  written_ = head();
  events_.clear();
  bytes_ = 0;
}

std::string checksum_of(const std::string& epoch, const bus::stored_batch& batch) {
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, nullptr, 0, checksum_bytes);
  const auto add = [&state](const void* bytes, std::size_t size) {
    crypto_generichash_blake2b_update(&state, static_cast<const unsigned char*>(bytes), size);
  };
  const std::array<std::uint64_t, 3> head{epoch.size(), batch.first_seq, batch.last_seq};
  add(head.data(), sizeof head);
  add(epoch.data(), epoch.size());
  add(batch.bytes.data(), batch.bytes.size());
  std::string out(checksum_bytes, '\0');
  crypto_generichash_blake2b_final(&state, reinterpret_cast<unsigned char*>(out.data()), checksum_bytes);
  return out;
}

void rewrite(database& db, const std::string& epoch, const bus::stored_batch& was, const bus::stored_batch& kept) {
  if (kept.bytes.empty()) {
    query(db, "DELETE FROM event_batches WHERE first_seq = ?", was.first_seq).run();
  } else {
    const auto checksum = checksum_of(epoch, kept);
    query(db, "UPDATE event_batches SET last_seq = ?, checksum = ?, bytes = ? WHERE first_seq = ?", kept.last_seq,
          blob{checksum}, blob{kept.bytes}, was.first_seq)
        .run();
  }
  query(db, "UPDATE meta SET value = value - ? WHERE key = 'history_bytes'",
        std::uint64_t{was.bytes.size() - kept.bytes.size()})
      .run();
}

result<bus::stored_batch> batch_in(const query& q, const std::string& epoch) {
  bus::stored_batch batch;
  batch.first_seq = static_cast<std::uint64_t>(q.integer(0));
  batch.last_seq = static_cast<std::uint64_t>(q.integer(1));
  batch.bytes = q.bytes(3);
  if (q.bytes(2) != checksum_of(epoch, batch))
    return failure{errc::corrupt, "The stored events " + std::to_string(batch.first_seq) + " to " +
                                      std::to_string(batch.last_seq) + " are damaged: their checksum differs."};
  return batch;
}

}  // namespace koppel::ledger
