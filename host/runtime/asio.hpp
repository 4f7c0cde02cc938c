// SPDX-License-Identifier: Apache-2.0
// The few Asio names that the host's coroutines use. Everything asynchronous in the host runs on one io_context with
// one thread (the main strand), so what is not awaited over needs no lock; the ledger and the bus have threads of their
// own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace koppel::runtime {

namespace asio = boost::asio;
using asio::awaitable;

/// Completion token that makes errors values: `auto [ec, n] = co_await socket.async_read_some(buffer, token);`
inline constexpr auto token = asio::as_tuple(asio::use_awaitable);

}  // namespace koppel::runtime
