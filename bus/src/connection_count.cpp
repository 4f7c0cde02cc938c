// SPDX-License-Identifier: Apache-2.0
// A socket monitor of ZeroMQ.

#include "connection_count.hpp"

#include <cstdint>
#include <cstring>

namespace koppel::bus {

void connection_count::watch(zmq::context_t& context, zmq::socket_t& of, const std::string& name) {
  const std::string endpoint = "inproc://" + name;
  if (zmq_socket_monitor(of.handle(), endpoint.c_str(), ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0)
    throw zmq::error_t();
  of_ = of.handle();
  events_ = zmq::socket_t(context, zmq::socket_type::pair);
  events_.set(zmq::sockopt::linger, 0);
  events_.set(zmq::sockopt::rcvhwm, 0);  // unlimited: a full one would hold up the thread that carries everything
  events_.connect(endpoint);
}

void connection_count::close() {
  if (of_ != nullptr) zmq_socket_monitor(of_, nullptr, 0);
  of_ = nullptr;
  events_.close();
}

std::size_t connection_count::now() {
  zmq::message_t what, where;
  while (events_.recv(what, zmq::recv_flags::dontwait)) {
    [[maybe_unused]] const auto size = events_.recv(where);  // the frames of a message arrive together
    std::uint16_t kind = 0;
    std::memcpy(&kind, what.data(), sizeof kind);
    if (kind == ZMQ_EVENT_ACCEPTED)
      ++count_;
    else if (kind == ZMQ_EVENT_DISCONNECTED && count_ > 0)
      --count_;
  }
  return count_;
}

}  // namespace koppel::bus
