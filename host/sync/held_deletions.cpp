// SPDX-License-Identifier: Apache-2.0
// The edge of the deletion guard (host/core/deletion_guard.hpp): counts what it judges about, publishes what it lets
// through, and takes an operator's decision on the rest.

#include <spdlog/spdlog.h>
#include <koppel/bus/event_types.hpp>

#include <limits>
#include <utility>

#include "host/sync/sync_job.hpp"
#include "host/sync/sync_state.hpp"

namespace koppel::sync {
using ledger::transaction;
using runtime::awaitable;

namespace {

/// Between two tries to publish what was confirmed on a disk that is full.
constexpr std::chrono::milliseconds until_there_is_room{10'000}, room_step{100};

result<> append_run_event(transaction& tx, std::string_view type, const ledger::connection& about,
                          const ledger::run& r) {
  ledger::event_draft draft;
  draft.type = type;
  draft.about = &about;
  draft.data = summary_of(r);
  draft.data.erase("data_as_of");  // it reads nothing
  return tx.append(draft);
}

/// Some of the confirmed deletions, in a run that begins with the first of them and ends behind the last. Returns
/// whether it has ended, or there was nothing to do.
result<bool> release_part(transaction& tx, const ledger::connection& c, const std::string& stream,
                          std::optional<ledger::run>& run) {
  if (!run) {
    auto begun = tx.begin_release(c, stream);
    if (!begun) return begun.error();
    if (!*begun) return true;
    run = std::move(*begun);
    if (!run->resumed)
      if (auto told = append_run_event(tx, bus::event_types::sync_started, c, *run); !told) return told.error();
  }
  const auto released = tx.release_held(*run, c, true);
  if (!released) return released.error();
  if (*released > 0) return false;
  run->state = "completed";
  run->ended_at = tx.now();
  if (auto ended = tx.end_release(*run); !ended) return ended.error();
  if (auto told = append_run_event(tx, bus::event_types::sync_completed, c, *run); !told) return told.error();
  return true;
}

}  // namespace

awaitable<result<>> sync_service::count_deletions(const ledger::run& of, bool suspects, core::deletion_facts& facts) {
  ledger::suspect_search part;
  do {
    const auto count = [&](transaction& tx) -> result<> {
      facts.known = tx.known_records(of.connection_id, of.entity);
      facts.deleted = of.deleted;
      facts.held = tx.held_deletions(of.connection_id, of.entity);
      if (suspects) part = tx.suspects(of, part.up_to, std::numeric_limits<std::size_t>::max());
      return {};
    };
    auto counting = around_.ledger.write(count);
    const auto counted = co_await std::move(counting);
    if (!counted) co_return counted.error();
    facts.more += part.ids.size();
  } while (part.more);
  co_return result<>();
}

awaitable<result<>> sync_service::release(job& work) {
  std::uint64_t looked_at = 0;
  do {
    auto updated = work.run;
    const auto some = [&](transaction& tx) -> result<> {
      auto released = tx.release_held(updated, work.connection, false);
      if (!released) return released.error();
      looked_at = *released;
      return {};
    };
    auto releasing = around_.ledger.write(some);
    const auto released = co_await std::move(releasing);
    if (!released) co_return released.error();
    work.run = std::move(updated);
  } while (looked_at > 0);
  co_return result<>();
}

awaitable<result<std::uint64_t>> sync_service::decide_held(std::string connection_id, std::string stream,
                                                           std::uint64_t mark, ledger::held_decision decision) {
  std::uint64_t decided = 0;
  const auto decide = [&](transaction& tx) -> result<> {
    decided = tx.decide_held(connection_id, stream, mark, decision);
    if (decided > 0) return {};
    return failure{ledger::errc::not_found, "Nothing that was shown under this mark is held of the stream \"" + stream +
                                                "\" any more: look again, koppelctl held list."};
  };
  auto deciding = around_.ledger.write(decide);
  const auto done = co_await std::move(deciding);
  if (!done) co_return done.error();
  if (decision == ledger::held_decision::confirm) begin_release(connection_id, stream);
  co_return decided;
}

void sync_service::begin_release(const std::string& connection_id, const std::string& stream) {
  const auto c = state_->connections.find(connection_id);
  // One that is under way finds what was confirmed since.
  if (c == state_->connections.end() || !state_->releasing.insert({connection_id, stream}).second) return;
  around_.supervisor.run("release of held deletions " + c->second.provider + "/" + c->second.name + " " + stream,
                         release_confirmed(c->second, stream));
}

awaitable<void> sync_service::release_confirmed(ledger::connection c, std::string stream) {
  // As with runs, the service may be gone before this frame is.
  struct end_of_it {
    const std::shared_ptr<state> known;
    const state::stream_key key;
    ~end_of_it() { known->releasing.erase(key); }
  } const guard{state_, {c.id, stream}};
  const auto known = state_;

  std::optional<ledger::run> run;
  bool over = false;
  while (!over && !known->stopping) {
    // Each part is durable, and with the last of them the run's end: what is confirmed meanwhile is in it, or finds the
    // stream free.
    auto updated = run;
    bool ended = false;
    const auto some = [&](transaction& tx) -> result<> {
      auto part = release_part(tx, c, stream, updated);
      if (!part) return part.error();
      ended = *part;
      return {};
    };
    auto releasing = around_.ledger.write(some);
    const auto done = co_await std::move(releasing);
    if (done) {
      run = std::move(updated);
      over = ended;
      continue;
    }
    if (done.error().code == ledger::errc::not_found) co_return;  // the connection was removed
    if (done.error().code != ledger::errc::disk_full) {
      spdlog::error("{}/{} {}: confirmed deletions could not be published, and wait for the next start: {}", c.provider,
                    c.name, stream, done.error().detail);
      co_return;
    }
    for (auto left = until_there_is_room; left.count() > 0 && !known->stopping; left -= room_step) {
      auto pause = runtime::sleep_for(room_step);
      co_await std::move(pause);
    }
  }
  if (over && run)
    spdlog::info("{}/{} {}: {} confirmed deletions were published", c.provider, c.name, stream, run->deleted);
}

void sync_service::tell_of_guard(const job& work) const {
  const auto name = work.connection.provider + "/" + work.connection.name;
  if (work.held_now > 0 && (work.run.held > 0 || work.held_before == 0))
    spdlog::warn("{} {}: {} deletions are held, for they are more than a run may publish: koppelctl held show {} {}",
                 name, work.run.stream, work.held_now, name, work.run.stream);
  else if (work.held_now == 0 && work.held_before > 0)
    spdlog::info("{} {}: no deletion is held any more", name, work.run.stream);
}

}  // namespace koppel::sync
