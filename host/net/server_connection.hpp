// SPDX-License-Identifier: Apache-2.0
// One connection to a listener of ours, from its first byte to its end. Used by http_server.cpp alone.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "host/net/http_server.hpp"
#include "host/net/refusal_notes.hpp"

namespace koppel::net {

/// Counts the open connections, all and by address.
class census {
 public:
  std::size_t all = 0;
  std::map<std::string, std::size_t> by_address;

  std::size_t of(const std::string& address) const {
    const auto found = by_address.find(address);
    return found == by_address.end() ? 0 : found->second;
  }
};

/// One connection's place in the census; shared with it so that the last connection may outlive the server.
class counted {
 public:
  counted(std::shared_ptr<census> where, std::string address)
      : census_(std::move(where)), address_(std::move(address)) {
    ++census_->all;
    ++census_->by_address[address_];
  }
  counted(counted&&) noexcept = default;
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (!census_) return;
    --census_->all;
    leave();
  }
  /// It is another's than was thought.
  void move_to(std::string address) {
    leave();
    address_ = std::move(address);
    ++census_->by_address[address_];
  }

 private:
  void leave() {
    if (--census_->by_address[address_] == 0) census_->by_address.erase(address_);
  }
  std::shared_ptr<census> census_;
  std::string address_;
};

/// What all connections of one listener share; it outlives each of them.
struct listener_state {
  server_options options;
  http_handler handler;
  std::shared_ptr<census> connections = std::make_shared<census>();
  std::shared_ptr<refusal_notes> refused = std::make_shared<refusal_notes>();
};

/// One accepted connection.
struct accepted {
  boost::asio::generic::stream_protocol::socket socket;
  counted place;
  bool of_proxy = false;
};

/// Serves requests until the connection ends, by whomever. Never throws but when cancelled.
runtime::awaitable<void> serve_connection(std::shared_ptr<const listener_state> listener, accepted from);

/// The bytes of an answer: Content-Length, Connection, Cache-Control: no-store and X-Content-Type-Options: nosniff are
/// set here, and win. Nothing where a header cannot be sent as one.
std::optional<std::string> answer_bytes(const outbound_response& answer, bool keep_alive, bool head);

}  // namespace koppel::net
