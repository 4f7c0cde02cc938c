// SPDX-License-Identifier: Apache-2.0
// The effects of a job, and its end.

#include "host/plugins/job_run.hpp"

#include <koppel/fault_point.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "host/core/text.hpp"
#include "host/plugins/plugin_runner.hpp"

namespace koppel::plugins {

namespace {

constexpr std::size_t longest_sentence = 2000;

/// Errors that a plugin may end a job with; the others are the host's to say.
bool plugins_word(std::string_view error) {
  using namespace messages::job_error;
  static constexpr std::array words{none,      try_again, authorise_again, scope_missing, bad_settings, permanent,
                                    too_large, bug,       cancelled};
  return std::find(words.begin(), words.end(), error) != words.end();
}

std::size_t weight(const messages::http& request) {
  std::size_t bytes = request.url.size() + request.body.size();
  for (const auto& [name, value] : request.headers) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace

job_run::job_run(runtime::asio::any_io_executor executor, std::shared_ptr<plugin_runner> runner, std::uint64_t id,
                 job_effects& effects, const runtime::clock& clock)
    : runner_(std::move(runner)), id_(id), effects_(effects), clock_(clock), under_way_(std::move(executor)) {
  under_way_.on_fatal = [this](const std::string& name, const std::string& what) {
    end(messages::job_error::try_again, "the host failed while it performed an effect (" + name + "): " + what);
  };
}

void job_run::begin(std::string start_bytes) { under_way_.run("start", send_start(std::move(start_bytes))); }

runtime::awaitable<void> job_run::send_start(std::string bytes) { co_await runner_->send(std::move(bytes)); }

std::string job_run::take(messages::message m) {
  if (outcome_) return {};  // it ended already: late messages are nobody's
  if (auto* request = std::get_if<messages::http>(&m)) return take_http(std::move(*request));
  if (auto* page = std::get_if<messages::page>(&m)) return take_page(std::move(*page));
  if (auto* request = std::get_if<messages::sleep>(&m)) return take_sleep(*request);
  if (auto* value = std::get_if<messages::learned>(&m)) return take_learned(std::move(*value));
  if (auto* done = std::get_if<messages::done>(&m)) take_done(std::move(*done));
  return {};
}

std::string job_run::take_http(messages::http request) {
  if (stopping_) return {};
  if (under_way_.running() >= most_effects) return "it asked for more than 64 things at once";
  asked_ += weight(request);
  if (asked_ > most_asked) return "it asked for requests of more than 16 MiB at once";
  under_way_.run("http", perform_http(std::move(request)));
  return {};
}

runtime::awaitable<void> job_run::perform_http(messages::http request) {
  const std::uint64_t effect = request.effect;
  const std::size_t size = weight(request);
  messages::reply reply = co_await effects_.http(std::move(request));
  asked_ -= size;
  co_await answer(effect, std::move(reply));
}

std::string job_run::take_sleep(messages::sleep request) {
  if (stopping_) return {};
  if (under_way_.running() >= most_effects) return "it asked for more than 64 things at once";
  under_way_.run("sleep", perform_sleep(request));
  return {};
}

runtime::awaitable<void> job_run::perform_sleep(messages::sleep request) {
  constexpr std::int64_t a_day = 86'400'000;  // far beyond any job's deadline, which ends it first
  const std::int64_t length = std::clamp<std::int64_t>(request.milliseconds, 0, a_day);
  if (!co_await runtime::sleep_for(std::chrono::milliseconds(length))) co_return;
  messages::reply reply;
  co_await answer(request.effect, std::move(reply));
}

std::string job_run::take_page(messages::page page) {
  if (stopping_) return {};
  if (pages_uncommitted_ >= most_pages) return "it sent a page while 4 were uncommitted";
  if (page.cursor.size() > longest_cursor)
    return "it sent a cursor of " + std::to_string(page.cursor.size()) + " bytes; at most " +
           std::to_string(longest_cursor) + " are allowed";
  if (page.records.size() > messages::most_records)
    return "it sent a page of " + std::to_string(page.records.size()) + " records; at most " +
           std::to_string(messages::most_records) + " are allowed";
  ++pages_uncommitted_;
  pages_.push_back(std::move(page));
  if (pages_uncommitted_ == 1) under_way_.run("pages", commit_pages());
  return {};
}

runtime::awaitable<void> job_run::commit_pages() {
  while (!pages_.empty()) {
    messages::page page = std::move(pages_.front());
    pages_.pop_front();
    const std::uint64_t effect = page.effect;
    messages::reply reply;
    // After a page that was not committed none may be: its cursor would step over the missing one.
    if (!page_failure_) {
      KOPPEL_FAULT_POINT("plugins.page_received");
      auto committed = co_await effects_.page(std::move(page));
      KOPPEL_FAULT_POINT("plugins.page_committed");
      if (committed)
        last_commit_ = runtime::steady_clock::now();
      else
        page_failure_ = std::move(committed).error();
    }
    if (page_failure_) {
      reply.error = messages::job_error::try_again;
      reply.detail = page_failure_->detail;
    }
    co_await answer(effect, std::move(reply));
    --pages_uncommitted_;
    changed_.notify_all();
  }
}

runtime::awaitable<void> job_run::answer(std::uint64_t effect, messages::reply reply) {
  reply.job = id_;
  reply.effect = effect;
  reply.now = clock_.now().time_since_epoch().count();
  std::string bytes = messages::encode(messages::message(std::move(reply)));
  if (bytes.size() > messages::max_to_plugin) {
    messages::reply refusal;
    refusal.job = id_;
    refusal.effect = effect;
    refusal.now = clock_.now().time_since_epoch().count();
    refusal.error = messages::job_error::too_large;
    refusal.detail = "the provider's answer is larger than a plugin can be given";
    bytes = messages::encode(messages::message(std::move(refusal)));
  }
  co_await runner_->send(std::move(bytes));
}

std::string job_run::take_learned(messages::learned value) {
  if (value.name.empty() || value.name.size() > 64 || value.value.size() > longest_learned)
    return "it learned a value whose name is empty or too long, or that is longer than 4096 bytes";
  if (!stopping_) effects_.learned(std::move(value));
  return {};
}

void job_run::take_done(messages::done done) {
  if (!plugins_word(done.error)) {
    done.detail = "it ended the job with an unknown error (" + core::escaped(done.error, 60) + "): " + done.detail;
    done.error = messages::job_error::bug;
  }
  // The detail is shown to people and logged: one line, of bounded length.
  done.detail = core::escaped(done.detail, longest_sentence);
  done.retry_after = std::max<std::int64_t>(done.retry_after, 0);
  if (done.http_status < 100 || done.http_status > 599) done.http_status = 0;
  outcome_ = std::move(done);
  changed_.notify_all();
}

void job_run::end(std::string_view error, std::string detail) {
  if (outcome_) return;
  messages::done done;
  done.job = id_;
  done.error = error;
  done.detail = std::move(detail);
  outcome_ = std::move(done);
  changed_.notify_all();
}

runtime::awaitable<bool> job_run::stop_effects(std::chrono::milliseconds limit) {
  stopping_ = true;
  const bool ended = co_await under_way_.stop(limit);
  co_return ended;
}

runtime::awaitable<void> job_run::finish_pages(runtime::steady_time deadline) {
  while (pages_uncommitted_ > 0 && runtime::steady_clock::now() < deadline) {
    const bool go_on = co_await changed_.wait_or_stop(deadline);
    if (!go_on) co_return;
  }
}

runtime::awaitable<void> job_run::join() {
  stopping_ = true;
  constexpr std::chrono::milliseconds round{10'000};
  for (bool ended = false; !ended;) ended = co_await under_way_.stop(round);
}

}  // namespace koppel::plugins
