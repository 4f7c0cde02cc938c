// SPDX-License-Identifier: Apache-2.0
// Beast reads requests; answers are written by hand, because a fault may want only half of one. One thread runs it all,
// so nothing is locked. Coroutines are members or functions with a name; each connection's is owned by its completion.
#include "server.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <csignal>
#include <iostream>

#include "courier.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr auto idle_limit = std::chrono::seconds(75);
constexpr std::size_t largest_body = 4 * 1024 * 1024;
constexpr std::size_t largest_header = 16 * 1024;

using beast_request = http::request<http::string_body>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

request to_request(beast_request&& from) {
  request out;
  out.method = std::string(from.method_string());
  const std::string target(from.target());
  const auto mark = target.find('?');
  out.path = target.substr(0, mark);
  if (mark != std::string::npos) out.query = target.substr(mark + 1);
  const std::string_view host = from[http::field::host];
  out.host = lower(host.substr(0, host.rfind(':')));
  out.content_type = std::string(from[http::field::content_type]);
  out.authorization = std::string(from[http::field::authorization]);
  for (const auto& header : from) out.headers.emplace_back(lower(header.name_string()), std::string(header.value()));
  out.body = std::move(from.body());
  return out;
}

std::string head_of(const reply& answer, instant now, bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     std::string(http::obsolete_reason(static_cast<http::status>(answer.status))) + "\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  add("Date", http_date(now));
  if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
  if (answer.status != 204) add("Content-Length", std::to_string(answer.body.size()));
  for (const auto& [name, value] : answer.headers) add(name, value);
  add("Connection", keep_alive ? "keep-alive" : "close");
  return head + "\r\n";
}

}  // namespace

struct server::shell {
  simulator& behind;
  asio::io_context context{1};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  tcp::acceptor control_acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  asio::signal_set signals{context, SIGTERM, SIGINT};
  const steady_clock::time_point started = steady_clock::now();
  courier webhooks{context, behind, [this] { return now(); }};

  shell(simulator& simulated, const certificate_files& certificates, std::uint16_t port, std::uint16_t control_port)
      : behind(simulated) {
    tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    tls.use_certificate_chain_file(certificates.leaf.string());
    tls.use_private_key_file(certificates.leaf_key.string(), asio::ssl::context::pem);
    if (port != 0) listen_on(acceptor, port);
    if (control_port != 0) listen_on(control_acceptor, control_port);
  }

  void listen_on(tcp::acceptor& which, std::uint16_t port) {
    which.close();
    which = tcp::acceptor(context, {asio::ip::address_v4::loopback(), port}, true);
  }

  instant now() const {
    return behind.clock(std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - started));
  }

  /// Starts a coroutine; a failure in it is said, and ends nothing else.
  void supervise(const char* name, asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), [name](std::exception_ptr failed) {
      try {
        if (failed) std::rethrow_exception(failed);
      } catch (const std::exception& error) {
        std::cerr << name << ": " << error.what() << '\n';
      }
    });
  }

  asio::awaitable<void> accept_provider();
  asio::awaitable<void> accept_control();
  asio::awaitable<void> serve_tls(tcp::socket socket);
  asio::awaitable<void> serve_control(tcp::socket socket);
  template <class Stream>
  asio::awaitable<bool> answer_one(Stream& stream, beast::flat_buffer& buffer, bool control);
  template <class Stream>
  asio::awaitable<bool> write_reply(Stream& stream, const reply& answer, bool keep_alive);
};

asio::awaitable<void> server::shell::accept_provider() {
  for (;;) {
    auto [failed, socket] = co_await acceptor.async_accept(token);
    if (failed == asio::error::operation_aborted) co_return;
    if (!failed) supervise("connection", serve_tls(std::move(socket)));
  }
}

asio::awaitable<void> server::shell::accept_control() {
  for (;;) {
    auto [failed, socket] = co_await control_acceptor.async_accept(token);
    if (failed == asio::error::operation_aborted) co_return;
    if (!failed) supervise("control connection", serve_control(std::move(socket)));
  }
}

asio::awaitable<void> server::shell::serve_tls(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(std::move(socket)), tls);
  beast::get_lowest_layer(stream).expires_after(idle_limit);
  const auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::server, token);
  if (failed) co_return;
  beast::flat_buffer buffer;
  while (co_await answer_one(stream, buffer, false)) {
  }
}

asio::awaitable<void> server::shell::serve_control(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (co_await answer_one(stream, buffer, true)) {
  }
}

template <class Stream>
asio::awaitable<bool> server::shell::answer_one(Stream& stream, beast::flat_buffer& buffer, bool control) {
  http::request_parser<http::string_body> parser;
  parser.body_limit(largest_body);
  parser.header_limit(largest_header);
  beast::get_lowest_layer(stream).expires_after(idle_limit);
  const auto [failed, size] = co_await http::async_read(stream, buffer, parser, token);
  if (failed) co_return false;

  const auto read_at = steady_clock::now();
  const bool keep_alive = parser.get().keep_alive();
  const auto asked = to_request(parser.release());
  const auto asked_at = now();
  const auto answer = control ? behind.control(asked, asked_at) : behind.serve(asked, asked_at);
  const auto decided_at = steady_clock::now();
  const bool goes_on = co_await write_reply(stream, answer, keep_alive);
  webhooks.look_again();
  if (control) co_return goes_on;
  const auto microseconds = [&](steady_clock::time_point until) {
    return std::chrono::duration_cast<std::chrono::microseconds>(until - read_at).count();
  };
  journal_entry entry;
  entry.time = asked_at;
  entry.host = asked.host;
  entry.path = asked.path;
  entry.status = answer.how == ending::whole ? answer.status : 0;
  entry.client_id = answer.client_id;
  entry.work_us = microseconds(decided_at);
  entry.duration_us = microseconds(steady_clock::now());
  behind.requests().add(std::move(entry));
  co_return goes_on;
}

/// Returns whether the connection goes on.
template <class Stream>
asio::awaitable<bool> server::shell::write_reply(Stream& stream, const reply& answer, bool keep_alive) {
  beast::get_lowest_layer(stream).expires_after(idle_limit + answer.delay);
  if (answer.delay.count() > 0) {
    asio::steady_timer timer(context, answer.delay);
    co_await timer.async_wait(token);
  }
  if (answer.how == ending::hang) {
    // Whatever the client sends now is not read as a request; only its leaving counts.
    beast::get_lowest_layer(stream).expires_never();
    std::array<char, 512> rest;
    for (bool there = true; there;) {
      const auto [left, size] = co_await stream.async_read_some(asio::buffer(rest), token);
      there = !left;
    }
    co_return false;
  }
  auto head = head_of(answer, now(), keep_alive);
  if (answer.how == ending::whole) {
    // One buffer: given two, the second larger than a TLS record, Beast 1.81 sent the head and never the rest.
    head += answer.body;
    const auto [failed, size] = co_await asio::async_write(stream, asio::buffer(head), token);
    co_return !failed && keep_alive;
  }
  if (answer.how == ending::garbage)
    head = std::string("\x16\x03\x00 <<not http>> \r\n\0\xff", 22);
  else
    head.append(answer.body).resize(std::min(answer.cut_after, head.size()));
  if (!head.empty()) co_await asio::async_write(stream, asio::buffer(head), token);
  beast::get_lowest_layer(stream).close();
  co_return false;
}

server::server(simulator& behind, const certificate_files& certificates, std::uint16_t port, std::uint16_t control_port)
    : shell_(std::make_unique<shell>(behind, certificates, port, control_port)) {}

server::~server() = default;

std::uint16_t server::port() const { return shell_->acceptor.local_endpoint().port(); }
std::uint16_t server::control_port() const { return shell_->control_acceptor.local_endpoint().port(); }

void server::run() {
  shell_->signals.async_wait([this](const boost::system::error_code& failed, int) {
    if (!failed) shell_->context.stop();
  });
  shell_->supervise("provider listener", shell_->accept_provider());
  shell_->supervise("control listener", shell_->accept_control());
  shell_->webhooks.start();
  shell_->context.run();
}

}  // namespace koppel::provider_sim
