// SPDX-License-Identifier: Apache-2.0
// One job on one runner: performs what the plugin asks for through job_effects, hands pages over in order, and holds
// the rules a plugin must keep within a job. Lives in the frame of plugin_host::run; main strand only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "host/plugins/job.hpp"
#include "host/runtime/clock.hpp"
#include "host/runtime/condition.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::plugins {

class plugin_runner;

class job_run {
 public:
  static constexpr std::size_t most_effects = 64;  ///< under way at once
  static constexpr std::size_t most_pages = 4;     ///< uncommitted; the SDK keeps to two
  static constexpr std::size_t longest_learned = 4096;
  static constexpr std::size_t longest_cursor = std::size_t{64} << 10;
  static constexpr std::size_t most_asked = std::size_t{16} << 20;  ///< bytes of requests under way at once

  /// `runner` is shared: its process may end, and its owner forget it, while an effect of this job is still under way.
  job_run(runtime::asio::any_io_executor executor, std::shared_ptr<plugin_runner> runner, std::uint64_t id,
          job_effects& effects, const runtime::clock& clock);
  job_run(const job_run&) = delete;

  /// Sends the plugin the job, waiting for room where the runner is behind.
  void begin(std::string start_bytes);

  /// A message of this job arrived. Returns what the plugin did wrong, or empty.
  std::string take(messages::message m);

  /// The runner ended under it, or it broke the rules.
  void end(std::string_view error, std::string detail);

  /// What it came to, once it ended.
  const std::optional<messages::done>& outcome() const { return outcome_; }
  runtime::condition& changed() { return changed_; }

  /// From now on nothing new is begun; waits until what was begun has ended, all of it within `limit`.
  runtime::awaitable<bool> stop_effects(std::chrono::milliseconds limit);
  /// Waits until every page that was handed in is answered.
  runtime::awaitable<void> finish_pages(runtime::steady_time deadline);
  /// When a page was committed last, if one was: each gives the job its whole time anew.
  const std::optional<runtime::steady_time>& last_commit() const { return last_commit_; }
  /// Completes when no effect is under way any more, however long that takes: they use the caller's objects.
  runtime::awaitable<void> join();

  /// Why a page could not be committed, if one could not; then the job has not succeeded, whatever its plugin says.
  bool page_committed() const { return last_commit_.has_value(); }
  bool pages_uncommitted() const { return pages_uncommitted_ > 0; }
  const std::optional<failure>& page_failure() const { return page_failure_; }

 private:
  runtime::awaitable<void> send_start(std::string bytes);
  runtime::awaitable<void> perform_http(messages::http request);
  runtime::awaitable<void> perform_sleep(messages::sleep request);
  runtime::awaitable<void> commit_pages();
  runtime::awaitable<void> answer(std::uint64_t effect, messages::reply reply);

  std::string take_http(messages::http request);
  std::string take_page(messages::page page);
  std::string take_sleep(messages::sleep request);
  std::string take_learned(messages::learned value);
  void take_done(messages::done done);

  const std::shared_ptr<plugin_runner> runner_;
  const std::uint64_t id_;
  job_effects& effects_;
  const runtime::clock& clock_;

  runtime::supervisor under_way_;
  std::deque<messages::page> pages_;
  std::size_t asked_ = 0;  ///< bytes of requests under way
  std::size_t pages_uncommitted_ = 0;
  std::optional<failure> page_failure_;
  std::optional<runtime::steady_time> last_commit_;
  std::optional<messages::done> outcome_;
  bool stopping_ = false;
  runtime::condition changed_;
};

}  // namespace koppel::plugins
