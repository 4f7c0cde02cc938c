// SPDX-License-Identifier: Apache-2.0
// The messages of one runner, and its end.

#include "host/plugins/plugin_runner.hpp"

#include <koppel/abi.h>

#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <csignal>

#include "host/core/text.hpp"
#include "host/plugins/job_run.hpp"
#include "host/plugins/log_text.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::plugins {

plugin_runner::plugin_runner(runtime::asio::any_io_executor executor, spawner& children, child process, log_sink log)
    : children_(children),
      process_{process.pid, {}, {}, process.end},
      log_(std::move(log)),
      channel_(executor, std::move(process.socket)),
      output_(executor, process.output.release()) {}

runtime::awaitable<void> plugin_runner::read() {
  frame_reader::sink sink = [this](messages::message m) { return take(std::move(m)); };
  std::string wrong = co_await channel_.read(std::move(sink));
  read_to_the_end_ = true;
  if (!wrong.empty()) kill(std::move(wrong), speaking_);
  changed_.notify_all();
}

runtime::awaitable<void> plugin_runner::read_output() {
  std::string chunk(std::size_t{64} << 10, '\0');
  while (true) {
    const auto [ec, n] = co_await output_.async_read_some(runtime::asio::buffer(chunk), runtime::token);
    if (ec) break;
    take_output(std::string_view(chunk).substr(0, n));
    const std::chrono::milliseconds breath{10};
    if (n == chunk.size()) co_await runtime::sleep_for(breath);  // a flood waits in its pipe
  }
  if (!line_.empty()) take_output("\n");
  output_ended_ = true;
  changed_.notify_all();
}

void plugin_runner::take_output(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::size_t length = std::min({end, bytes.size(), longest_log_line - line_.size()});
    line_ += bytes.substr(0, length);
    const bool whole = length == end;
    bytes.remove_prefix(length + (whole ? 1 : 0));
    if (!whole && line_.size() < longest_log_line) continue;
    if (!line_.empty()) {
      messages::log line;
      line.level = "info";
      line.text = "it printed: " + line_;
      log_(line);
    }
    line_.clear();
  }
}

runtime::awaitable<void> plugin_runner::watch() {
  while (!process_.end->status) {
    const auto limit = runtime::steady_clock::now() + std::chrono::hours{24};
    const bool go_on = co_await process_.end->changed.wait_or_stop(limit);
    if (!go_on) co_return;
  }
  changed_.notify_all();
}

std::string plugin_runner::take(messages::message m) {
  std::string wrong = judge(std::move(m));
  if (wrong.empty()) speaking_ = 0;  // whatever comes next need not be the same job's
  return wrong;
}

std::string plugin_runner::judge(messages::message m) {
  if (const auto* r = std::get_if<messages::ready>(&m)) return take_ready(*r);
  if (const auto* line = std::get_if<messages::log>(&m)) {
    log_(*line);
    return {};
  }
  if (const auto* u = std::get_if<messages::unusable>(&m)) {
    if (ready_) return "it said that it cannot be used after it was ready";
    refusal_ = u->reason.empty() ? "koppel-runner cannot use it (" + core::escaped(u->stage, 60) + ")"
                                 : core::escaped(u->reason, 1000);
    changed_.notify_all();
    return {};
  }
  return take_job_message(std::move(m));
}

std::string plugin_runner::take_ready(const messages::ready& r) {
  if (ready_) return "it said twice that it is ready";
  if ((r.abi_version >> 16) != KOPPEL_ABI_MAJOR)
    return "it speaks version " + std::to_string(r.abi_version >> 16) +
           " of the plugin interface, this Koppel speaks version " + std::to_string(KOPPEL_ABI_MAJOR);
  ready_ = true;
  changed_.notify_all();
  return {};
}

std::string plugin_runner::take_job_message(messages::message m) {
  const bool hosts_own = std::holds_alternative<messages::hello>(m) || std::holds_alternative<messages::start>(m) ||
                         std::holds_alternative<messages::reply>(m) || std::holds_alternative<messages::cancel>(m);
  if (hosts_own) return "it sent a message that only the host sends";
  const std::uint64_t id = messages::job_of(m);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return {};  // of a job that has ended: it may not know yet
  speaking_ = id;
  return found->second->take(std::move(m));
}

void plugin_runner::remove(std::uint64_t id) {
  jobs_.erase(id);
  changed_.notify_all();
}

void plugin_runner::kill(std::string why, std::uint64_t guilty) {
  if (wrong_.empty()) wrong_ = std::move(why);
  children_.kill(process_.pid, SIGKILL);
  if (guilty == 0 && jobs_.size() == 1) guilty = jobs_.begin()->first;
  if (guilty_ == 0) guilty_ = guilty;
  if (const auto found = jobs_.find(guilty); found != jobs_.end()) {
    ++jobs_at_end_;
    found->second->end(messages::job_error::bug, wrong_);
  }
  changed_.notify_all();
}

std::string plugin_runner::end_text() const {
  if (!wrong_.empty()) return wrong_ + "; its process was ended";
  if (const auto status = process_.end->status; status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGALRM)
    return "it worked on one message for more than " + std::to_string(children_.limits().call_s) +
           " s; its process was ended";
  if (process_.end->status) return "its process ended (" + describe_end(*process_.end->status) + ")";
  return "its process closed the connection";
}

runtime::awaitable<void> plugin_runner::bury(std::chrono::milliseconds patience) {
  // The last words may be read after the end of the process is known, and the other way about. A process that left a
  // grandchild behind never closes its socket: hence the limit.
  const auto limit = runtime::steady_clock::now() + patience;
  while (!(process_.end->status && read_to_the_end_ && output_ended_) && runtime::steady_clock::now() < limit)
    co_await changed_.wait_until(limit);
  if (!process_.end->status) {
    children_.kill(process_.pid, SIGKILL);
    const auto killed = runtime::steady_clock::now() + std::chrono::seconds{1};
    while (!process_.end->status && runtime::steady_clock::now() < killed) co_await changed_.wait_until(killed);
  }
  channel_.close();
}

void plugin_runner::wake_jobs() {
  for (auto& [id, job] : jobs_) job->changed().notify_all();
}

void plugin_runner::end_jobs(std::string_view error, const std::string& detail) {
  for (auto& [id, job] : jobs_) {
    if (job->outcome()) continue;
    ++jobs_at_end_;
    job->end(error, detail);
  }
}

}  // namespace koppel::plugins
