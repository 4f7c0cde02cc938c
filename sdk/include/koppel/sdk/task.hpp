// SPDX-License-Identifier: Apache-2.0
// task<T>: a coroutine that runs when awaited and gives its result, or its exception, to whoever awaits it.
// Destroying a task that has not finished unwinds it. Write coroutines as named functions or members, never as lambdas
// with captures, and build what a `co_await` operand needs in a variable first: g++ 12 mishandles both.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace koppel::sdk {

template <class T = void>
class task;

namespace detail {

struct promise_base {
  struct resume_awaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      if (auto next = self.promise().continuation) return next;
      return std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  resume_awaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { fault = std::current_exception(); }

  std::coroutine_handle<> continuation;
  std::exception_ptr fault;
};

template <class T>
struct promise : promise_base {
  task<T> get_return_object();
  void return_value(T value) { result.emplace(std::move(value)); }
  T take() {
    if (fault) std::rethrow_exception(fault);
    return std::move(*result);
  }
  std::optional<T> result;
};

template <>
struct promise<void> : promise_base {
  task<void> get_return_object();
  void return_void() {}
  void take() const {
    if (fault) std::rethrow_exception(fault);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::promise<T>;
  using handle = std::coroutine_handle<promise_type>;

  task() = default;
  explicit task(handle of) : handle_(of) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  task& operator=(task&& other) noexcept {
    task(std::move(other)).swap(*this);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  struct awaiter {
    handle of;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
      of.promise().continuation = awaiting;
      return of;
    }
    T await_resume() const { return of.promise().take(); }
  };
  awaiter operator co_await() const noexcept { return awaiter{handle_}; }

  /// For the runtime: begins a task that nobody awaits.
  void start() const { handle_.resume(); }
  bool done() const { return !handle_ || handle_.done(); }
  /// What it returned; throws what it threw. Once, and only when done.
  T take() const { return handle_.promise().take(); }

 private:
  void swap(task& other) noexcept { std::swap(handle_, other.handle_); }
  handle handle_;
};

template <class T>
task<T> detail::promise<T>::get_return_object() {
  return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}
inline task<void> detail::promise<void>::get_return_object() {
  return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

}  // namespace koppel::sdk
