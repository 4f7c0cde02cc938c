// SPDX-License-Identifier: Apache-2.0
// The server's doors: a TCP port, or a unix socket that only its owner may use. Synchronous; used by http_server.cpp
// alone.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include <koppel/result.hpp>

#include "host/runtime/asio.hpp"

namespace koppel::net {

using tcp_acceptor = boost::asio::ip::tcp::acceptor;
using unix_acceptor = boost::asio::local::stream_protocol::acceptor;

result<tcp_acceptor> listen_tcp(const runtime::asio::any_io_executor& executor, const std::string& name,
                                const std::string& address, std::uint16_t port);

/// Mode 0600 from the first moment. What a dead host left there is replaced; a socket somebody listens on is an error,
/// and so is anything that is not a socket.
result<unix_acceptor> listen_unix(const runtime::asio::any_io_executor& executor, const std::string& name,
                                  const std::string& path);

/// Whether the process at the other end runs as our user or as root.
bool is_own_peer(int unix_socket);

/// Who shares a bound on connections: an IPv4 address, or the /64 of an IPv6 one, which is one customer's.
std::string address_group(const boost::asio::ip::address& address);

}  // namespace koppel::net
