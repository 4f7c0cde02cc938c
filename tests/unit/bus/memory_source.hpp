// SPDX-License-Identifier: Apache-2.0
// A history in memory: what the ledger is for the real server. Shared by a test and the bus thread, hence the mutex.
#pragma once

#include <koppel/bus/error.hpp>
#include <koppel/bus/event_source.hpp>
#include <map>
#include <memory>
#include <mutex>

#include "../../support/show_result.hpp"

namespace koppel::bus::testing {

inline event make_event(std::uint64_t seq, const std::string& type = "sync.company.upserted",
                        const std::string& connection = "acme", const std::string& epoch = "e1") {
  event e;
  e.type = long_type(type);
  e.source = "koppel://" + epoch + "/c-" + connection;
  e.subject = "r" + std::to_string(seq);
  e.time = "2026-01-02T03:04:05.678Z";
  e.epoch = epoch;
  e.seq = seq;
  e.provider = "teamleader";
  e.connection_id = "c-" + connection;
  e.connection = connection;
  e.customer = "K1";
  e.data = msgpack_from_json({{"entity", "company"}, {"id", e.subject}, {"revision", seq}});
  return e;
}

/// The history itself; the source handed to a server is a window on it.
class history {
 public:
  /// Appends one commit batch.
  std::vector<event> commit(std::vector<event> events) {
    const std::lock_guard lock(mutex_);
    stored_batch batch{events.front().seq, events.back().seq, {}};
    for (event& e : events) {
      batch.bytes += encode(e);
      ids_[e.seq] = e.id;
      newest_[e.connection_id + "/" + e.subject] = e.seq;
    }
    batches_.push_back(std::move(batch));
    return events;
  }
  /// `count` company events in one batch, following what is there.
  std::vector<event> commit(std::size_t count, const std::string& connection = "acme", std::size_t padding = 0) {
    std::vector<event> events;
    for (std::uint64_t seq = head() + 1; events.size() < count; ++seq) {
      events.push_back(make_event(seq, "sync.company.upserted", connection, epoch));
      if (padding > 0) events.back().data = msgpack_from_json({{"id", "x"}, {"pad", std::string(padding, 'x')}});
    }
    return commit(std::move(events));
  }
  void trim_to(std::uint64_t horizon) {
    const std::lock_guard lock(mutex_);
    horizon_ = horizon;
    std::erase_if(batches_, [&](const stored_batch& b) { return b.last_seq < horizon; });
    std::erase_if(ids_, [&](const auto& one) { return one.first < horizon; });
  }
  /// As the ledger's retention does it: before the horizon only each subject's newest stays.
  void thin_to(std::uint64_t horizon) {
    const std::lock_guard lock(mutex_);
    horizon_ = horizon;
    for (stored_batch& b : batches_) {
      std::string kept;
      std::uint64_t last = b.first_seq;
      for (std::string_view rest = b.bytes; !rest.empty();) {
        const auto e = *peek(rest);
        rest.remove_prefix(e.raw.size());
        if (e.seq < horizon && replaced(e)) {
          ids_.erase(e.seq);
          continue;
        }
        kept.append(e.raw);
        last = e.seq;
      }
      b.bytes = std::move(kept);
      b.last_seq = last;
    }
    std::erase_if(batches_, [](const stored_batch& b) { return b.bytes.empty(); });
  }
  void drop_batch(std::size_t index) {
    const std::lock_guard lock(mutex_);
    batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  void damage_batch(std::size_t index) {
    const std::lock_guard lock(mutex_);
    damaged_ = batches_.at(index).first_seq;
  }
  void fail_reads() {
    const std::lock_guard lock(mutex_);
    failing_ = true;
  }
  std::uint64_t head() const {
    const std::lock_guard lock(mutex_);
    return ids_.empty() ? 0 : ids_.rbegin()->first;
  }
  std::string id_at(std::uint64_t seq) const {
    const std::lock_guard lock(mutex_);
    const auto at = ids_.find(seq);
    return at == ids_.end() ? std::string() : at->second;
  }
  position at(std::uint64_t seq) const { return {epoch, seq, id_at(seq)}; }
  std::uint64_t acked(const std::string& consumer) const {
    const std::lock_guard lock(mutex_);
    const auto at = acked_.find(consumer);
    return at == acked_.end() ? 0 : at->second;
  }

  const std::string epoch = "e1";

 private:
  friend class memory_source;
  bool replaced(const event_view& e) const {
    return newest_.at(std::string(e.connection_id) + "/" + std::string(e.subject)) != e.seq;
  }

  mutable std::mutex mutex_;
  std::vector<stored_batch> batches_;
  std::map<std::uint64_t, std::string> ids_;
  std::map<std::string, std::uint64_t> newest_;  ///< by connection and subject
  std::map<std::string, std::uint64_t> acked_;
  std::uint64_t horizon_ = 1;
  bool failing_ = false;
  std::uint64_t damaged_ = 0;  ///< first_seq of the batch that cannot be read; 0: none
};

class memory_source : public event_source {
 public:
  explicit memory_source(std::shared_ptr<history> h) : history_(std::move(h)) {}
  const std::string& epoch() const override { return history_->epoch; }
  result<std::uint64_t> head() override { return history_->head(); }
  result<std::uint64_t> horizon() override {
    const std::lock_guard lock(history_->mutex_);
    return history_->horizon_;
  }
  result<std::string> id_at(std::uint64_t seq) override {
    {
      const std::lock_guard lock(history_->mutex_);
      for (const stored_batch& b : history_->batches_)
        if (b.first_seq == history_->damaged_ && b.first_seq <= seq && seq <= b.last_seq) return damage();
    }
    return history_->id_at(seq);
  }
  result<std::vector<stored_batch>> read(std::uint64_t after, std::size_t max_bytes) override {
    const std::lock_guard lock(history_->mutex_);
    if (history_->failing_) return failure{boost::system::errc::make_error_code(boost::system::errc::io_error), "disk"};
    ++reads;
    std::vector<stored_batch> out;
    std::size_t bytes = 0;
    for (const stored_batch& b : history_->batches_) {
      if (b.last_seq <= after) continue;
      if (!out.empty() && bytes + b.bytes.size() > max_bytes) break;
      if (b.first_seq == history_->damaged_ && !out.empty()) break;
      if (b.first_seq == history_->damaged_) return damage();
      bytes += b.bytes.size();
      out.push_back(b);
    }
    return out;
  }
  result<newest_events> read_newest(std::uint64_t after, std::uint64_t last, std::size_t max_bytes) override {
    const auto page = read(after, max_bytes);
    if (!page) return page.error();
    const std::lock_guard lock(history_->mutex_);
    newest_events out{after, {}};
    for (const stored_batch& b : *page) {
      for (std::string_view rest = b.bytes; !rest.empty();) {
        const auto e = *peek(rest);
        rest.remove_prefix(e.raw.size());
        if (e.seq > after && e.seq <= last && !history_->replaced(e)) out.bytes.append(e.raw);
      }
      out.up_to = std::min(b.last_seq, last);
    }
    if (page->empty()) out.up_to = last;
    return out;
  }
  void acknowledge(const std::string& consumer, std::uint64_t seq) override {
    const std::lock_guard lock(history_->mutex_);
    history_->acked_[consumer] = seq;
  }

  int reads = 0;

 private:
  static failure damage() { return {errc::history_broken, "The stored events are damaged."}; }
  std::shared_ptr<history> history_;
};

}  // namespace koppel::bus::testing
