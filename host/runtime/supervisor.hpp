// SPDX-License-Identifier: Apache-2.0
// Owns every coroutine that nobody awaits: names it, logs how it ended, counts those that still run, and tells all of
// them to stop. `detached` is allowed nowhere else. Runs on the main strand; outlives everything it supervises.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "host/runtime/asio.hpp"
#include "host/runtime/steady_clock.hpp"

namespace koppel::runtime {

class supervisor {
 public:
  explicit supervisor(asio::any_io_executor executor);

  /// Runs `work` to its end. An exception ends the process's work through `on_fatal`; cancellation is a normal end.
  /// Returns a number for `end`; it is never 0, and none is given twice.
  std::uint64_t run(std::string name, awaitable<void> work);
  /// Tells this one to stop; nothing where it has ended already.
  void end(std::uint64_t id);

  /// Cancels everything that runs and completes when all of it has ended or `limit` has passed (then false: see
  /// `running`).
  awaitable<bool> stop(std::chrono::milliseconds limit);

  bool stopping() const { return stopping_; }
  std::size_t running() const { return tasks_.size(); }
  /// Names of what still runs, for the log line of a shutdown that takes too long.
  std::string names() const;
  const asio::any_io_executor& executor() const { return executor_; }

  /// Called with the name and the message when a coroutine threw. Set once, before the first `run`.
  std::function<void(const std::string& name, const std::string& what)> on_fatal;

 private:
  struct task {
    std::string name;
    asio::cancellation_signal signal;
  };
  void cancel(std::uint64_t id);

  asio::any_io_executor executor_;
  steady_timer ended_;
  std::map<std::uint64_t, task> tasks_;
  std::uint64_t next_id_ = 1;
  bool stopping_ = false;
};

/// Suspends for `d`; false when cancelled.
awaitable<bool> sleep_for(std::chrono::milliseconds d);

}  // namespace koppel::runtime
