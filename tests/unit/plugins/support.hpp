// SPDX-License-Identifier: Apache-2.0
// What the plugin tests share: a folder that goes away, an io_context that runs until something holds, and the
// fixtures.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "host/runtime/asio.hpp"
#include "tests/support/read_file.hpp"

namespace koppel::plugins::test {

using koppel::test::read_file;

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// A fresh folder, 0700.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "koppel-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }
  std::string copy(const fs::path& from, const std::string& name = {}) const {
    const fs::path to = path_ / (name.empty() ? from.filename().string() : name);
    fs::copy_file(from, to);
    return to.string();
  }

 private:
  fs::path path_;
};

inline fs::path bad_plugin(const std::string& name) { return fs::path(KOPPEL_BAD_PLUGINS) / name; }
inline fs::path test_plugin(const std::string& name) { return fs::path(KOPPEL_TEST_PLUGINS) / name; }

/// Runs what is ready until `holds()`, and fails the test after 30 s.
template <class Predicate>
void run_until(asio::io_context& context, Predicate holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  context.restart();
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("what the test waits for did not happen within 30 s");
    context.run_one_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds{100}));
    if (context.stopped()) context.restart();
  }
}

/// A coroutine that was started, and its result once there is one.
template <class T>
class started {
 public:
  started(asio::io_context& context, runtime::awaitable<T> work) : state_(std::make_shared<state>()) {
    asio::co_spawn(context, std::move(work),
                   asio::bind_cancellation_slot(state_->signal.slot(), [s = state_](std::exception_ptr e, T value) {
                     s->failure = e;
                     s->value.emplace(std::move(value));
                   }));
  }
  bool done() const { return state_->value.has_value(); }
  void cancel() { state_->signal.emit(asio::cancellation_type::all); }
  T& get() {
    if (state_->failure) std::rethrow_exception(state_->failure);
    return *state_->value;
  }

 private:
  struct state {
    asio::cancellation_signal signal;
    std::exception_ptr failure;
    std::optional<T> value;
  };
  std::shared_ptr<state> state_;
};

template <class T>
T run(asio::io_context& context, runtime::awaitable<T> work) {
  started<T> task(context, std::move(work));
  run_until(context, [&] { return task.done(); });
  return std::move(task.get());
}

inline void run(asio::io_context& context, runtime::awaitable<void> work) {
  auto ended = std::make_shared<bool>(false);
  asio::co_spawn(context, std::move(work), [ended](std::exception_ptr e) {
    *ended = true;
    if (e) std::rethrow_exception(e);
  });
  run_until(context, [&] { return *ended; });
}

}  // namespace koppel::plugins::test
