// SPDX-License-Identifier: Apache-2.0
// One connection to a listener of ours, from its first byte to its end. Used by http_server.cpp alone.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "host/net/http_server.hpp"

namespace koppel::net {

/// What all connections of one listener share; it outlives each of them.
struct listener_state {
  server_options options;
  http_handler handler;
};

/// Serves requests until the connection ends, by whomever. Never throws but when cancelled.
runtime::awaitable<void> serve_connection(std::shared_ptr<const listener_state> listener,
                                          boost::asio::generic::stream_protocol::socket socket);

/// The bytes of an answer: Content-Length, Connection, Cache-Control: no-store and X-Content-Type-Options: nosniff are
/// set here, and win. Nothing where a header cannot be sent as one.
std::optional<std::string> answer_bytes(const outbound_response& answer, bool keep_alive, bool head);

}  // namespace koppel::net
