// SPDX-License-Identifier: Apache-2.0
// The state of one running job, shared by the runtime, which feeds it answers, and the job's awaitables, which ask.
#pragma once

#include <koppel/messages.hpp>
#include <koppel/sdk/connector.hpp>

#include <any>
#include <functional>
#include <memory>
#include <set>

namespace koppel::sdk::detail {

struct job_core {
  /// At most so many pages are on their way to the ledger.
  static constexpr std::size_t page_window = 2;
  /// `waiting_for` of a coroutine that waits until there is room for a page, not for one certain answer.
  static constexpr std::uint64_t room_for_a_page = 0;

  const connector& owner;
  messages::start begin;
  std::function<void(const messages::message&)> send;
  std::uint64_t max_message = messages::max_from_plugin;

  std::int64_t now = 0;
  std::string cursor{};       // as the coroutine sees it: of this connector's version
  std::string sent_cursor{};  // of the newest page that was sent
  std::uint64_t last_effect = 0;

  std::coroutine_handle<> waiting{};
  std::uint64_t waiting_for = 0;
  messages::reply answer{};
  std::set<std::uint64_t> uncommitted{};

  std::any notes{};                       // the coroutine's own
  messages::done outcome{};               // what the coroutine found out
  std::set<std::string> left_out_told{};  // reasons that were reported already
  std::unique_ptr<job> face{};            // what the coroutine holds a reference to
  task<> root{};                          // last: unwound before anything it uses goes

  std::uint64_t ask(std::coroutine_handle<> who) {
    waiting = who;
    return waiting_for = ++last_effect;
  }
  void log(std::string_view level, std::string_view text) {
    messages::log said;
    said.job = begin.job;
    said.level = level;
    said.text = text;
    send(said);
  }
  std::uint32_t cursor_version() const { return owner.cursor_version_; }
  const header_list& headers() const { return owner.headers_; }
  const connector::stream_entry* stream() const {
    const auto at = owner.streams_.find(begin.stream);
    return at == owner.streams_.end() ? nullptr : &at->second;
  }
  const field_table& fields() const {
    const auto at = owner.fields_.find(begin.stream);
    if (at == owner.fields_.end()) throw job_failure(verdict::bug, "the connector reads no field table of this stream");
    return at->second;
  }
  page new_page() { return page(*this); }
};

/// Suspends while the window is full.
class room_effect : public effect {
 public:
  explicit room_effect(job_core& core) : effect(core) {}
  bool await_ready() const noexcept { return core_->uncommitted.size() < job_core::page_window; }
  void await_suspend(std::coroutine_handle<> waiting) {
    core_->waiting = waiting;
    core_->waiting_for = job_core::room_for_a_page;
  }
  void await_resume() const noexcept {}
};

/// Well-formed UTF-8, whatever came in: what others wrote into exceptions and reasons must not spoil a message.
std::string printable(std::string_view text);

}  // namespace koppel::sdk::detail
