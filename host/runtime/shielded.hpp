// SPDX-License-Identifier: Apache-2.0
// Work that must not stop half-way because nobody waits for it any more.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "host/runtime/asio.hpp"

namespace koppel::runtime {

/// Runs `work` to its end even where the caller is cancelled meanwhile; the caller learns of that at its next wait.
template <class T>
awaitable<T> shielded(awaitable<T> work) {
  const auto executor = co_await asio::this_coro::executor;
  auto no_slot = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_return co_await asio::co_spawn(executor, std::move(work), std::move(no_slot));
}

}  // namespace koppel::runtime
