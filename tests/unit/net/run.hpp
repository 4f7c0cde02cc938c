// SPDX-License-Identifier: Apache-2.0
// Runs a coroutine to its end on the test's own io_context, which stops at once when it is done.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>

#include "host/runtime/asio.hpp"

namespace koppel::test {

/// Handlers run until `done` says so; a test that hangs fails here instead of never ending.
template <class Condition>
void run_until(boost::asio::io_context& context, Condition done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  context.restart();
  while (!done()) {
    if (context.run_one_until(limit) == 0) throw std::runtime_error("what the test waits for did not happen");
  }
}

template <class T>
T run(boost::asio::io_context& context, runtime::awaitable<T> work) {
  std::optional<T> value;
  std::exception_ptr error;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr e, T v) {
    error = e;
    value.emplace(std::move(v));
  });
  run_until(context, [&] { return value.has_value(); });
  if (error) std::rethrow_exception(error);
  return std::move(*value);
}

}  // namespace koppel::test
