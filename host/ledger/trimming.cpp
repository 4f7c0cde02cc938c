// SPDX-License-Identifier: Apache-2.0

#include "host/ledger/trimming.hpp"

#include <spdlog/spdlog.h>

#include "host/runtime/supervisor.hpp"

namespace koppel::ledger {
namespace {

using runtime::awaitable;
using std::chrono::milliseconds;

// A slice takes some milliseconds of the ledger's thread; callers have it for the rest of the time.
constexpr milliseconds pause{50};
// A day of waiting is asked for again now and then: the machine may have slept, the clock may have been set.
constexpr milliseconds longest_wait = std::chrono::hours{1}, shortest_wait = std::chrono::minutes{1};

/// A coroutine of its own for each write: see tools/lint/coroutine_frames.py.
awaitable<result<void>> begin_pass(ledger& l, core::retention_limits limits, milliseconds& wait) {
  const auto work = [&](transaction& tx) -> result<void> {
    wait = tx.begin_trimming(limits);
    return {};
  };
  // On a full disk it waits: what it frees is room in the file, and it needs room in the log, which is kept for others.
  co_return co_await l.write(work);
}

awaitable<result<void>> trim_slice(ledger& l, trim_outcome& slice) {
  const auto work = [&](transaction& tx) -> result<void> {
    auto done = tx.trim(slice.up_to);
    if (!done) return done.error();
    slice = std::move(*done);
    return {};
  };
  // On a full disk it waits: what it frees is room in the file, and it needs room in the log, which is kept for others.
  co_return co_await l.write(work);
}

awaitable<result<void>> trim_slice_of_runs(ledger& l, core::retention_limits limits, run_trimming& so_far) {
  const auto work = [&](transaction& tx) -> result<void> {
    so_far = tx.trim_runs(so_far, limits);
    return {};
  };
  co_return co_await l.write(work);
}

awaitable<void> trim_runs(ledger& l, core::retention_limits limits) {
  run_trimming so_far;
  do {
    auto trimming = trim_slice_of_runs(l, limits, so_far);
    const auto trimmed = co_await std::move(trimming);
    if (!trimmed) {
      spdlog::error("old runs could not be trimmed: {}", trimmed.error().detail);
      co_return;
    }
    auto sleep = runtime::sleep_for(pause);
    const bool awake = co_await std::move(sleep);
    if (!awake) co_return;
  } while (so_far.more);
  if (so_far.runs > 0) spdlog::info("history: {} old runs trimmed", so_far.runs);
}

/// All slices of one pass; false when cancelled, or when a slice failed.
awaitable<bool> run_pass(ledger& l) {
  trim_outcome slice;
  std::uint64_t events = 0, bytes = 0;
  do {
    auto trimming = trim_slice(l, slice);
    const auto trimmed = co_await std::move(trimming);
    if (!trimmed) {
      spdlog::error("replaced events could not be trimmed: {}", trimmed.error().detail);
      co_return false;
    }
    if (!slice.damage.empty())
      spdlog::error("{} They stay as they are: restore a backup of the data folder", slice.damage);
    events += slice.events;
    bytes += slice.bytes;
    auto sleep = runtime::sleep_for(pause);
    const bool awake = co_await std::move(sleep);
    if (!awake) co_return false;
  } while (slice.more);
  spdlog::info("history: {} replaced events trimmed, {} bytes", events, bytes);
  co_return true;
}

}  // namespace

awaitable<void> keep_trimming(ledger& l, core::retention_limits limits) {
  if (limits.keep <= limits.keep.zero()) co_return;
  for (;;) {
    milliseconds wait{};
    auto beginning = begin_pass(l, limits, wait);
    const auto begun = co_await std::move(beginning);
    if (!begun) spdlog::error("trimming of replaced events cannot begin: {}", begun.error().detail);
    if (begun && wait == wait.zero()) {
      auto pass = run_pass(l);
      const bool passed = co_await std::move(pass);
      if (passed) {
        auto runs = trim_runs(l, limits);
        co_await std::move(runs);
      }
    }
    auto sleep = runtime::sleep_for(begun && wait > wait.zero() ? std::min(wait, longest_wait) : shortest_wait);
    const bool awake = co_await std::move(sleep);
    if (!awake) co_return;
  }
}

}  // namespace koppel::ledger
