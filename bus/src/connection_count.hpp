// SPDX-License-Identifier: Apache-2.0
// How many peers are connected to a socket. ZeroMQ says so only event by event; each connection is an open file of the
// host, also that of whoever never says a word, and neither sessions nor subscriptions bound them.
#pragma once

#include <string>
#include <zmq.hpp>

namespace koppel::bus {

class connection_count {
 public:
  /// Before the socket is bound. Throws zmq::error_t.
  void watch(zmq::context_t& context, zmq::socket_t& of, const std::string& name);
  /// Before the socket is closed: ZeroMQ waits for whoever should hear of that.
  void close();

  zmq::pollitem_t poll_item() { return {events_.handle(), 0, ZMQ_POLLIN, 0}; }
  /// Takes what was told since, and says how many there are now.
  std::size_t now();

 private:
  void* of_ = nullptr;
  zmq::socket_t events_;
  std::size_t count_ = 0;
};

}  // namespace koppel::bus
