// SPDX-License-Identifier: Apache-2.0

#include "host/runtime/supervisor.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

namespace koppel::runtime {

supervisor::supervisor(asio::any_io_executor executor) : executor_(executor), ended_(executor) {}

std::uint64_t supervisor::run(std::string name, awaitable<void> work) {
  const std::uint64_t id = next_id_++;
  task& started = tasks_[id];
  started.name = std::move(name);
  auto on_end = [this, id](std::exception_ptr failure) {
    const std::string ended_name = std::move(tasks_[id].name);
    tasks_.erase(id);
    ended_.cancel();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error& e) {
      // Cancellation surfaces as operation_aborted where a coroutine does not turn errors into values.
      if (e.code() != asio::error::operation_aborted && on_fatal) on_fatal(ended_name, e.what());
    } catch (const std::exception& e) {
      if (on_fatal) on_fatal(ended_name, e.what());
    }
  };
  asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(started.signal.slot(), std::move(on_end)));
  return id;
}

// Posted: whoever is told may end at once, in the midst of what its caller does.
void supervisor::end(std::uint64_t id) {
  asio::post(executor_, [this, id] { cancel(id); });
}

void supervisor::cancel(std::uint64_t id) {
  if (const auto found = tasks_.find(id); found != tasks_.end())
    found->second.signal.emit(asio::cancellation_type::all);
}

awaitable<bool> supervisor::stop(std::chrono::milliseconds limit) {
  stopping_ = true;
  // A cancelled coroutine may start another wait while it unwinds, so the signal is repeated until the set is empty.
  const auto deadline = steady_clock::now() + limit;
  while (!tasks_.empty() && steady_clock::now() < deadline) {
    for (const auto& entry : tasks_) end(entry.first);
    ended_.expires_after(std::chrono::milliseconds{20});
    co_await ended_.async_wait(token);
  }
  co_return tasks_.empty();
}

std::string supervisor::names() const {
  std::string text;
  for (const auto& entry : tasks_) text += (text.empty() ? "" : ", ") + entry.second.name;
  return text;
}

awaitable<bool> sleep_for(std::chrono::milliseconds d) {
  runtime::steady_timer timer(co_await asio::this_coro::executor, d);
  const auto [ec] = co_await timer.async_wait(token);
  co_return !ec;
}

}  // namespace koppel::runtime
