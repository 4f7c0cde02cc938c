// SPDX-License-Identifier: Apache-2.0

#include "host/net/server_connection.hpp"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <optional>

#include "host/core/text.hpp"
#include "host/net/forwarded.hpp"
#include "host/net/refusal_notes.hpp"
#include "host/net/request_head.hpp"
#include "host/net/request_target.hpp"
#include "host/net/request_text.hpp"
#include "host/net/server_sockets.hpp"
#include "host/net/server_tls.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using runtime::awaitable;
using runtime::token;

/// A socket whose waits end at a deadline. On the heap for the watchdog, which may fire after the connection's
/// coroutine has ended and must then find nothing.
class timed_socket : public std::enable_shared_from_this<timed_socket> {
 public:
  /// `tls`: absent where the listener speaks in the clear.
  timed_socket(stream_protocol::socket socket, const std::shared_ptr<ssl_ctx_st>& tls)
      : socket_(std::move(socket)), watchdog_(socket_.get_executor()) {
    if (!tls) return;
    SSL_CTX_up_ref(tls.get());  // ours gives one back
    context_.emplace(tls.get());
    stream_.emplace(socket_, *context_);
  }

  /// Before the first byte; false where the peer does not speak TLS as we do.
  awaitable<bool> shake_hands() {
    if (!stream_) co_return true;
    arm(limits::header_deadline);
    const auto [ec] = co_await stream_->async_handshake(asio::ssl::stream_base::server, token);
    co_return !disarm() && !ec;
  }

  void arm(std::chrono::milliseconds limit) { cancel_after(limit, ++watch_); }
  void cancel_after(std::chrono::milliseconds limit, std::uint64_t watch) {
    watchdog_.expires_after(limit);
    watchdog_.async_wait([weak = weak_from_this(), watch](const boost::system::error_code& ec) {
      const auto self = weak.lock();
      if (ec || !self || self->watch_ != watch) return;
      self->expired_ = true;
      // Not closed: a 408 may still have to go out. Cancelling ends whatever waits.
      self->socket_.cancel();
      // What had just been read does not wait, and TLS goes on reading: until there is nothing left to end.
      self->cancel_after(std::chrono::milliseconds{100}, watch);
    });
  }
  /// Whether the deadline passed; nothing that it should have ended is waiting any more.
  bool disarm() {
    ++watch_;
    watchdog_.cancel();
    return std::exchange(expired_, false);
  }

  /// Appends what comes to `buffer`; false at the end, an error or the deadline.
  awaitable<bool> read_into(std::string& buffer) {
    if (expired_) co_return false;
    std::array<char, 4096> bytes;
    const auto room = asio::buffer(bytes);
    if (stream_) {
      const auto [ec, n] = co_await stream_->async_read_some(room, token);
      buffer.append(bytes.data(), n);
      co_return !ec && n > 0;
    }
    const auto [ec, n] = co_await socket_.async_read_some(room, token);
    buffer.append(bytes.data(), n);
    co_return !ec && n > 0;
  }

  awaitable<bool> write(std::string bytes) {
    const auto all = asio::buffer(bytes);
    if (stream_) {
      const auto [ec, n] = co_await asio::async_write(*stream_, all, token);
      co_return !ec;
    }
    const auto [ec, n] = co_await asio::async_write(socket_, all, token);
    co_return !ec;
  }

  /// Says that nothing more comes from us and reads on for a while: closing on unread bytes would reset the connection,
  /// and the peer might never see our answer.
  awaitable<void> linger() {
    boost::system::error_code ignored;
    if (stream_) {
      // The peer is told that this was all, so that a cut elsewhere cannot pass for it.
      arm(limits::linger_deadline);
      [[maybe_unused]] const auto [ended] = co_await stream_->async_shutdown(token);
      disarm();
      stream_.reset();
    }
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    arm(limits::linger_deadline);
    std::string unread;
    std::size_t seen = 0;
    while (seen < limits::linger_bytes && co_await read_into(unread)) {
      seen += unread.size();
      unread.clear();
    }
    disarm();
  }

 private:
  std::optional<asio::ssl::context> context_;
  stream_protocol::socket socket_;
  std::optional<asio::ssl::stream<stream_protocol::socket&>> stream_;
  asio::steady_timer watchdog_;
  std::uint64_t watch_ = 0;
  bool expired_ = false;
};

/// What came: a request, an answer of the server's own, or nothing at all (the peer left, or never spoke).
struct arrival {
  std::optional<inbound_request> request;
  std::optional<refusal> refused;
  bool keep_alive = false;
};

arrival refuse(int status, std::string_view reason) {
  arrival a;
  a.refused = refusal{status, reason};
  return a;
}

awaitable<arrival> read_head(timed_socket& socket, const server_options& options, std::string& buffer,
                             head_scanner& scanner) {
  socket.arm(options.idle_deadline);
  const bool spoke = co_await socket.read_into(buffer);
  if (socket.disarm() || !spoke) co_return arrival{};
  socket.arm(options.header_deadline);
  auto progress = scanner.scan(buffer);
  while (progress == head_scanner::progress::more) {
    if (!co_await socket.read_into(buffer))
      co_return socket.disarm() ? refuse(408, "the headers took too long") : arrival{};
    progress = scanner.scan(buffer);
  }
  socket.disarm();
  if (progress == head_scanner::progress::refused) co_return refuse(scanner.why().status, scanner.why().reason);
  arrival complete;
  complete.request.emplace();
  co_return complete;
}

/// Reads one request. `buffer` is empty before; what is in it afterwards beyond the request is never served.
awaitable<arrival> read_request(timed_socket& socket, const server_options& options, std::string& buffer) {
  head_scanner scanner(options.target_limit);
  auto arrived = co_await read_head(socket, options, buffer, scanner);
  if (!arrived.request) co_return arrived;
  auto parsed = parse_request_head(std::string_view{buffer}.substr(0, scanner.size()));
  if (const auto* refused = std::get_if<refusal>(&parsed)) co_return refuse(refused->status, refused->reason);
  request_head& head = std::get<request_head>(parsed);
  if (head.content_length > options.body_limit) co_return refuse(413, "the body is too large");
  auto target = decode_target(head.origin_form);
  if (!target) co_return refuse(400, "the target cannot be read in one way only");

  const std::size_t whole = scanner.size() + static_cast<std::size_t>(head.content_length);
  socket.arm(options.body_deadline);
  if (head.expects_continue && buffer.size() < whole) {
    if (!co_await socket.write("HTTP/1.1 100 Continue\r\n\r\n")) co_return arrival{};
  }
  while (buffer.size() < whole) {
    if (!co_await socket.read_into(buffer))
      co_return socket.disarm() ? refuse(408, "the body took too long") : arrival{};
  }
  socket.disarm();

  inbound_request& request = *arrived.request;
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.headers = std::move(head.headers);
  request.body = buffer.substr(scanner.size(), static_cast<std::size_t>(head.content_length));
  // A second request in the rest of the bytes may be one that somebody hid there: nothing is pipelined.
  arrived.keep_alive = options.keep_alive && head.keep_alive && buffer.size() == whole;
  buffer.clear();
  co_return arrived;
}

/// The word for a refusal of the server's own, as docs/control-api.md lists them.
std::string_view code_of(int status) {
  switch (status) {
    case 408:
      return "too_slow";
    case 413:
    case 414:
    case 431:
      return "too_large";
    case 500:
      return "internal";
    case 503:
      return "no_answer_in_time";
    case 429:
      return "too_many";
    default:
      return "bad_request";
  }
}

outbound_response own_answer(int status, std::string_view reason) {
  outbound_response answer;
  answer.status = status;
  // The reasons are our own words: nothing in them needs escaping.
  answer.body.append(R"({"error":{"code":")").append(code_of(status)).append(R"(","message":")").append(reason);
  answer.body.append(R"("}})");
  return answer;
}

/// The handler, whose exceptions end here: the peer learns nothing of them, the log does, once.
awaitable<outbound_response> call_handler(std::shared_ptr<const listener_state> listener, inbound_request request) {
  const std::string method = request.method;
  std::exception_ptr thrown;
  try {
    co_return co_await listener->handler(std::move(request));
  } catch (...) {
    thrown = std::current_exception();
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() == asio::cancellation_type::none) {
    std::string what = "an unknown exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    spdlog::error("The handler of {} failed for a {}: {}", listener->options.name, core::escaped(method, 50),
                  core::escaped(what, 500));
  }
  co_return own_answer(500, "internal error");
}

/// Nothing where the connection is being cancelled.
awaitable<std::optional<outbound_response>> answer_in_time(std::shared_ptr<const listener_state> listener,
                                                           inbound_request request) {
  using asio::experimental::awaitable_operators::operator||;
  auto work = call_handler(listener, std::move(request));
  auto limit = runtime::sleep_for(listener->options.handler_deadline);
  auto first = co_await (std::move(work) || std::move(limit));
  if (auto* answer = std::get_if<outbound_response>(&first)) co_return std::move(*answer);
  if (!std::get<bool>(first)) co_return std::nullopt;
  spdlog::error("The handler of {} took longer than its deadline.", listener->options.name);
  co_return own_answer(503, "the answer took too long");
}

}  // namespace

std::optional<std::string> answer_bytes(const outbound_response& answer, bool keep_alive, bool head) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(answer.status));
  const bool has_body = answer.status >= 200 && answer.status != 204 && answer.status != 304;
  std::string bytes = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  bytes.append(reason.data(), reason.size());
  bytes += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: ";
  bytes += keep_alive ? "keep-alive\r\n" : "close\r\n";
  if (has_body) {
    if (!is_header_value(answer.content_type)) return std::nullopt;
    if (!answer.body.empty()) bytes += "Content-Type: " + answer.content_type + "\r\n";
    bytes += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  for (const auto& header : answer.headers) {
    if (!is_token(header.first) || !is_header_value(header.second)) return std::nullopt;
    const header_list one{header};
    constexpr std::array<std::string_view, 6> own{"cache-control",  "x-content-type-options", "connection",
                                                  "content-length", "transfer-encoding",      "content-type"};
    const bool ours =
        std::any_of(own.begin(), own.end(), [&one](auto name) { return find_header(one, name).data() != nullptr; });
    if (!ours) bytes += header.first + ": " + header.second + "\r\n";
  }
  bytes += "\r\n";
  if (has_body && !head) bytes += answer.body;
  return bytes;
}

/// Whether whoever is behind the proxy has room for one more connection, which this one is then counted as.
bool admit_behind_proxy(const listener_state& listener, const inbound_request& request, counted& place) {
  const auto address = address_behind(listener.options.proxies, request.headers);
  if (address.empty()) return true;
  boost::system::error_code ec;
  const auto group = address_group(asio::ip::make_address(address, ec));
  if (listener.connections->of(group) >= listener.options.max_connections_per_address) return false;
  place.move_to(group);
  return true;
}

/// Status and reason, which are our own words; nothing of the request, whose path may be a secret.
void tell_refusal(const listener_state& listener, const arrival& arrived, std::string_view bytes) {
  const auto& below = listener.options.told_below;
  const auto path =
      arrived.request && !arrived.request->path.empty() ? std::string_view(arrived.request->path) : path_of(bytes);
  if (below.empty() || !path.starts_with(below)) return;
  const auto passed_over = listener.refused->note(arrived.refused->reason, runtime::steady_clock::now());
  if (!passed_over) return;
  const auto more =
      *passed_over == 0 ? "" : ", and " + std::to_string(*passed_over) + " more for it since the last line";
  spdlog::warn("The {} refused a request below {} with {}: {}{}. Whoever sent it may not send it again.",
               listener.options.name, below, arrived.refused->status, arrived.refused->reason, more);
}

awaitable<void> serve_connection(std::shared_ptr<const listener_state> listener, accepted from) {
  const server_options& options = listener->options;
  const auto tls = options.certificate ? options.certificate->current() : nullptr;
  const auto socket = std::make_shared<timed_socket>(std::move(from.socket), tls);
  if (!co_await socket->shake_hands()) co_return;
  std::string buffer;
  for (;;) {
    auto arrived = co_await read_request(*socket, options, buffer);
    if (!arrived.request && !arrived.refused) co_return;
    if (arrived.request && from.of_proxy && !admit_behind_proxy(*listener, *arrived.request, from.place))
      arrived.refused = refusal{429, "there are too many connections from your address"};
    outbound_response answer;
    bool head = false;
    if (arrived.refused) {
      tell_refusal(*listener, arrived, buffer);
      answer = own_answer(arrived.refused->status, arrived.refused->reason);
      arrived.keep_alive = false;
    } else {
      head = arrived.request->method == "HEAD";
      auto made = co_await answer_in_time(listener, std::move(*arrived.request));
      if (!made) co_return;
      answer = std::move(*made);
    }
    auto bytes = answer_bytes(answer, arrived.keep_alive, head);
    if (!bytes) {
      spdlog::error("The handler of {} made a header that cannot be sent.", options.name);
      arrived.keep_alive = false;
      bytes = answer_bytes(own_answer(500, "internal error"), false, head);
    }
    socket->arm(options.answer_deadline);
    const bool written = co_await socket->write(std::move(*bytes));
    if (socket->disarm() || !written) co_return;
    if (!arrived.keep_alive) break;
  }
  co_await socket->linger();
}

}  // namespace koppel::net
