// SPDX-License-Identifier: Apache-2.0
// One child process of a plugin, from its birth to its end: its channel, the jobs on it, and what it has said. Main
// strand only. Shared: plugin_host's loop owns it, and jobs hold it while their effects are under way.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <koppel/messages.hpp>
#include <map>
#include <optional>
#include <string>

#include "host/plugins/channel.hpp"
#include "host/plugins/spawner.hpp"

namespace koppel::plugins {

class job_run;

class plugin_runner {
 public:
  using log_sink = std::function<void(const messages::log&)>;

  plugin_runner(runtime::asio::any_io_executor executor, spawner& children, child process, log_sink log);
  plugin_runner(const plugin_runner&) = delete;

  int pid() const { return process_.pid; }
  bool ready() const { return ready_; }
  /// Jobs may be begun on it.
  bool usable() const { return ready_ && !over(); }
  /// It ended, or is about to: nothing good will come of it.
  bool over() const { return read_to_the_end_ || process_.end->status || !wrong_.empty() || !refusal_.empty(); }

  /// Why the library could not be used, said by koppel-runner; or empty.
  const std::string& refusal() const { return refusal_; }
  /// Why the host ended it, or how it ended by itself: "it ended (SIGSEGV)".
  std::string end_text() const;
  bool ended_by_host() const { return !wrong_.empty(); }
  std::optional<int> status() const { return process_.end->status; }
  /// How many jobs it had when it ended.
  std::size_t jobs_at_end() const { return jobs_at_end_; }
  /// The job that is to blame for its end; 0 where any of them may be.
  std::uint64_t guilty() const { return guilty_; }
  std::size_t jobs() const { return jobs_.size(); }

  /// The coroutines of its life: the channel's two, one for what it prints, one that passes on the end of its process.
  runtime::awaitable<void> read();
  runtime::awaitable<void> read_output();
  runtime::awaitable<void> write() { return channel_.write(); }
  runtime::awaitable<void> watch();

  /// A job that is on this runner, for as long as this lives.
  struct attachment {
    plugin_runner& runner;
    std::uint64_t id;
    attachment(plugin_runner& r, std::uint64_t i, job_run& job) : runner(r), id(i) { runner.jobs_[id] = &job; }
    attachment(const attachment&) = delete;
    ~attachment() { runner.remove(id); }
  };

  runtime::awaitable<bool> send(std::string message) { return channel_.send(std::move(message)); }
  void post(const messages::message& m) { channel_.post(messages::encode(m)); }
  void finish() { channel_.finish(); }

  /// Ends the process because of what it did. `guilty` is the job to blame, 0 where none is known.
  void kill(std::string why, std::uint64_t guilty);
  /// Waits for the end of process and channel; a process that has not ended by then is killed.
  runtime::awaitable<void> bury(std::chrono::milliseconds patience);
  /// Every job looks again at whether it may go on.
  void wake_jobs();
  /// Ends every job that is still on it.
  void end_jobs(std::string_view error, const std::string& detail);

  runtime::condition& changed() { return changed_; }

 private:
  void remove(std::uint64_t id);
  std::string take(messages::message m);
  std::string judge(messages::message m);
  void take_output(std::string_view bytes);
  std::string take_ready(const messages::ready& r);
  std::string take_job_message(messages::message m);

  spawner& children_;
  const child process_;
  const log_sink log_;

  channel channel_;
  runtime::asio::posix::stream_descriptor output_;
  std::string line_;                        ///< the beginning of one that it prints
  std::map<std::uint64_t, job_run*> jobs_;  ///< in the frames of plugin_host::run
  std::uint64_t speaking_ = 0;              ///< the job of the message being handled
  bool ready_ = false;
  bool read_to_the_end_ = false, output_ended_ = false;
  std::string refusal_;
  std::string wrong_;
  std::size_t jobs_at_end_ = 0;
  std::uint64_t guilty_ = 0;
  runtime::condition changed_;
};

}  // namespace koppel::plugins
