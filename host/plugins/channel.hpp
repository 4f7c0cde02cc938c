// SPDX-License-Identifier: Apache-2.0
// The wire to one runner: messages in frames (u32 little-endian length, then that many bytes) over a stream socket.
// What comes in is hostile: a frame that is too long, empty or no message ends the channel with the reason. Main strand
// only.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <deque>
#include <functional>
#include <koppel/messages.hpp>
#include <string>

#include "host/plugins/descriptor.hpp"
#include "host/runtime/asio.hpp"
#include "host/runtime/condition.hpp"

namespace koppel::plugins {

/// Takes frames apart. Pure: bytes in, messages out.
class frame_reader {
 public:
  /// What the other side did wrong, or empty. Takes one message; a non-empty answer is a violation too.
  using sink = std::function<std::string(messages::message)>;

  /// Consumes `bytes`, calls `on_message` for each whole message. After a violation it must not be called again.
  std::string take(std::string_view bytes, const sink& on_message);
  /// Bytes of a frame that is not whole yet.
  std::size_t pending() const { return buffer_.size(); }

 private:
  std::string buffer_;
};

class channel {
 public:
  /// Replies wait while more than this is queued for a runner that does not read.
  static constexpr std::size_t queue_limit = std::size_t{16} << 20;

  channel(runtime::asio::any_io_executor executor, descriptor socket);

  /// Reads until the other end closes (empty), breaks the rules (the reason), or this channel is closed (empty).
  runtime::awaitable<std::string> read(frame_reader::sink on_message);
  /// Writes what is queued until the channel is closed, or finished and empty.
  runtime::awaitable<void> write();

  /// Queues a message once there is room; false if the channel closed meanwhile.
  runtime::awaitable<bool> send(std::string message);
  /// Queues a small message at once: hello and cancel.
  void post(std::string message);

  /// Nothing more will be sent: when the queue is empty the other end sees EOF. Reading goes on.
  void finish();
  void close();

 private:
  runtime::asio::local::stream_protocol::socket socket_;
  std::deque<std::string> queue_;  ///< frames
  std::size_t queued_ = 0;         ///< bytes of them
  bool finishing_ = false;
  bool closed_ = false;
  runtime::condition changed_;
};

}  // namespace koppel::plugins
