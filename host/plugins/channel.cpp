// SPDX-License-Identifier: Apache-2.0
// Frames over a stream socket.

#include "host/plugins/channel.hpp"

#include <koppel/fault_point.hpp>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include "host/core/text.hpp"
#include "host/plugins/strand_share.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::plugins {

namespace {

constexpr std::size_t header_size = 4;
constexpr std::size_t read_size = std::size_t{16} << 10;  // what is worked on in one turn of the strand

std::size_t frame_length(std::string_view header) {
  std::size_t length = 0;
  for (std::size_t i = header_size; i-- > 0;) length = (length << 8) | static_cast<std::uint8_t>(header[i]);
  return length;
}

std::string frame(std::string message) {
  std::string header(header_size, '\0');
  for (std::size_t i = 0; i < header_size; ++i) header[i] = static_cast<char>((message.size() >> (8 * i)) & 0xFFu);
  return header + message;
}

std::string take_message(std::string_view bytes, const frame_reader::sink& on_message) {
  auto d = messages::decode(bytes);
  switch (d.what) {
    case messages::decoded::verdict::unknown:
      return {};  // of a later version
    case messages::decoded::verdict::malformed:
      return "it sent bytes that are no message: " + core::escaped(d.reason, 300);
    case messages::decoded::verdict::known:
      break;
  }
  return on_message(std::move(d.value));
}

/// No wait is without end; a day is longer than any job.
runtime::steady_time far_away() { return runtime::steady_clock::now() + std::chrono::hours{24}; }

}  // namespace

std::string frame_reader::take(std::string_view bytes, const sink& on_message) {
  // The buffer grows by what has arrived, never by what a length promises.
  buffer_.append(bytes);
  std::size_t at = 0;
  while (buffer_.size() - at >= header_size) {
    const std::string_view rest = std::string_view(buffer_).substr(at);
    const std::size_t length = frame_length(rest);
    if (length == 0) return "it sent an empty frame";
    if (length > messages::max_from_plugin)
      return "it sent a frame of " + std::to_string(length) + " bytes; at most " +
             std::to_string(messages::max_from_plugin) + " are allowed";
    if (rest.size() < header_size + length) break;
    if (std::string wrong = take_message(rest.substr(header_size, length), on_message); !wrong.empty()) return wrong;
    at += header_size + length;
  }
  buffer_.erase(0, at);
  return {};
}

channel::channel(runtime::asio::any_io_executor executor, descriptor socket)
    : socket_(executor, runtime::asio::local::stream_protocol(), socket.release()) {}

runtime::awaitable<std::string> channel::read(frame_reader::sink on_message) {
  frame_reader frames;
  strand_share share;
  std::size_t count = 0;
  const frame_reader::sink counted = [&](messages::message m) {
    ++count;
    return on_message(std::move(m));
  };
  std::string chunk(read_size, '\0');
  while (!closed_) {
    const auto [ec, n] = co_await socket_.async_read_some(runtime::asio::buffer(chunk), runtime::token);
    if (ec) break;
    // The sink may have closed the channel: what is left of the chunk is nobody's then.
    count = 0;
    if (std::string wrong = frames.take(std::string_view(chunk).substr(0, n), counted); !wrong.empty()) co_return wrong;
    const auto now = runtime::steady_clock::now();
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(share.charge(now, count, n));
    if (pause.count() > 0) co_await runtime::sleep_for(pause);
  }
  co_return std::string();
}

runtime::awaitable<void> channel::write() {
  while (!closed_) {
    if (queue_.empty()) {
      if (finishing_) {
        boost::system::error_code ignored;  // the other end may be gone already
        socket_.shutdown(runtime::asio::local::stream_protocol::socket::shutdown_send, ignored);
        co_return;
      }
      const auto limit = far_away();
      const bool go_on = co_await changed_.wait_or_stop(limit);
      if (!go_on) co_return;
      continue;
    }
    KOPPEL_FAULT_POINT("plugins.before_message");
    // A deque's elements stay where they are while others are queued behind them.
    const auto [ec, n] =
        co_await runtime::asio::async_write(socket_, runtime::asio::buffer(queue_.front()), runtime::token);
    if (ec) co_return;  // the reader sees the end as well, and says so
    KOPPEL_FAULT_POINT("plugins.after_message");
    queued_ -= queue_.front().size();
    queue_.pop_front();
    changed_.notify_all();
  }
}

runtime::awaitable<bool> channel::send(std::string message) {
  while (!closed_ && queued_ > 0 && queued_ + message.size() > queue_limit) {
    const auto limit = far_away();
    const bool go_on = co_await changed_.wait_or_stop(limit);
    if (!go_on) co_return false;
  }
  post(std::move(message));
  co_return !closed_;
}

void channel::post(std::string message) {
  if (closed_ || finishing_) return;
  queue_.push_back(frame(std::move(message)));
  queued_ += queue_.back().size();
  changed_.notify_all();
}

void channel::finish() {
  finishing_ = true;
  changed_.notify_all();
}

void channel::close() {
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  changed_.notify_all();
}

}  // namespace koppel::plugins
