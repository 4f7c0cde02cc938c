// SPDX-License-Identifier: Apache-2.0
// Frames over a stream socket, with poll.
#include "channel.hpp"

#include <koppel/fault_point.hpp>
#include <koppel/messages.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace koppel::runner {
namespace {

constexpr std::size_t header_size = 4;
constexpr std::size_t output_bound = std::size_t{16} << 20;
constexpr std::size_t chunk = std::size_t{64} << 10;

std::uint32_t length_at(const char* bytes) {
  const auto* b = reinterpret_cast<const unsigned char*>(bytes);
  return b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

bool worth_another_try() { return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

void channel::queue(std::string_view frame) {
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  }
  const auto size = static_cast<std::uint32_t>(frame.size());
  for (int shift = 0; shift < 32; shift += 8) out_ += static_cast<char>(size >> shift & 0xFF);
  out_ += frame;
}

bool channel::write_some() {
  KOPPEL_FAULT_POINT("runner.before_send");
  const auto sent = ::send(descriptor_, out_.data() + written_, queued(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return worth_another_try();
  written_ += static_cast<std::size_t>(sent);
  KOPPEL_FAULT_POINT("runner.after_send");
  return true;
}

bool channel::read_some() {
  const auto had = in_.size();
  in_.resize(had + chunk);
  const auto got = ::recv(descriptor_, in_.data() + had, chunk, MSG_DONTWAIT);
  in_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  return got > 0 || (got < 0 && worth_another_try());
}

bool channel::wait(bool for_input) {
  pollfd on{descriptor_, 0, 0};
  if (for_input) on.events |= POLLIN;
  if (queued() > 0) on.events |= POLLOUT;
  if (::poll(&on, 1, -1) < 0) return errno == EINTR;
  if ((on.revents & POLLOUT) && !write_some()) return false;
  if (for_input) return !(on.revents & (POLLIN | POLLHUP | POLLERR)) || read_some();
  return !(on.revents & (POLLHUP | POLLERR));
}

channel::event channel::take(std::string& frame) {
  if (in_.size() - taken_ < header_size) return event::closed;
  const std::size_t size = length_at(in_.data() + taken_);
  if (size > messages::max_to_plugin) return event::too_long;
  if (in_.size() - taken_ - header_size < size) return event::closed;
  frame.assign(in_, taken_ + header_size, size);
  taken_ += header_size + size;
  return event::frame;
}

channel::event channel::next(std::string& frame) {
  for (;;) {
    if (queued() <= output_bound) {
      if (const auto got = take(frame); got != event::closed) return got;
      in_.erase(0, taken_);
      taken_ = 0;
    }
    if (!wait(queued() <= output_bound)) return event::closed;
  }
}

bool channel::flush() {
  while (queued() > 0)
    if (!wait(false)) return false;
  return true;
}

}  // namespace koppel::runner
