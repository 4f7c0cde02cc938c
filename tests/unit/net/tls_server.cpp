// SPDX-License-Identifier: Apache-2.0

#include "tls_server.hpp"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "host/runtime/asio.hpp"

namespace koppel::test {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using runtime::awaitable;
using runtime::token;

void finished(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

// Shared with the connections' coroutines, which end with the io_context.
struct tls_server::state {
  explicit state(asio::io_context& c) : context(c), tls(ssl::context::tls_server), acceptor(c), gate(c) {}
  asio::io_context& context;
  ssl::context tls;
  tcp::acceptor acceptor;
  std::function<act(const std::string&)> answer;
  std::vector<std::string> server_names;
  std::vector<std::string> requests;
  std::size_t connections = 0;
  asio::steady_timer gate;  ///< expires when nothing is held
  bool holding = false;
  std::size_t held = 0;
};

namespace {

using tls_stream = ssl::stream<tcp::socket>;

/// One request, or nothing where the connection ended.
awaitable<std::string> read_request(tls_stream& stream, std::string& buffer) {
  const auto [ec, size] = co_await asio::async_read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n", token);
  if (ec) co_return std::string{};
  std::size_t whole = size;
  const std::string mark = "Content-Length: ";
  if (const auto at = buffer.substr(0, size).find(mark); at != std::string::npos) {
    whole += std::stoul(buffer.substr(at + mark.size()));
  }
  if (buffer.size() < whole) {
    const std::size_t missing = whole - buffer.size();
    const auto [body_error, n] =
        co_await asio::async_read(stream, asio::dynamic_buffer(buffer), asio::transfer_exactly(missing), token);
    if (body_error) co_return std::string{};
  }
  std::string request = buffer.substr(0, whole);
  buffer.erase(0, whole);
  co_return request;
}

awaitable<void> drip(tls_stream& stream, asio::io_context& context) {
  asio::steady_timer pause(context);
  boost::system::error_code failed;
  while (!failed) {
    pause.expires_after(std::chrono::milliseconds{10});
    const auto [waited] = co_await pause.async_wait(token);
    const auto [ec, n] = co_await asio::async_write(stream, asio::buffer("x", 1), token);
    failed = waited ? waited : ec;
  }
}

template <class State>
awaitable<void> serve(std::shared_ptr<State> s, tcp::socket socket) {
  tls_stream stream(std::move(socket), s->tls);
  const auto [shaken] = co_await stream.async_handshake(ssl::stream_base::server, token);
  const char* const name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
  s->server_names.emplace_back(name ? name : "");
  if (shaken) co_return;
  std::string buffer;
  for (;;) {
    std::string request = co_await read_request(stream, buffer);
    if (request.empty()) co_return;
    s->requests.push_back(request);
    if (s->holding) {
      ++s->held;
      co_await s->gate.async_wait(token);
      --s->held;
    }
    const act what = s->answer(request);
    const auto [ec, n] = co_await asio::async_write(stream, asio::buffer(what.bytes), token);
    if (ec || what.after == act::then::cut) co_return;
    if (what.after == act::then::close) {
      co_await stream.async_shutdown(token);
      co_return;
    }
    if (what.after == act::then::drip) {
      co_await drip(stream, s->context);
      co_return;
    }
    if (what.after == act::then::hang) {
      co_await read_request(stream, buffer);  // ends when the client has had enough
      co_return;
    }
  }
}

template <class State>
awaitable<void> accept_all(std::shared_ptr<State> s) {
  for (;;) {
    auto [ec, socket] = co_await s->acceptor.async_accept(token);
    if (ec) co_return;
    ++s->connections;
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(s->context, serve(s, std::move(socket)), finished);
  }
}

}  // namespace

tls_server::tls_server(asio::io_context& context, const certificate& own, std::function<act(const std::string&)> answer)
    : state_(std::make_shared<state>(context)) {
  state_->answer = std::move(answer);
  state_->tls.use_certificate_chain(asio::buffer(own.pem));
  state_->tls.use_private_key(asio::buffer(own.key_pem), ssl::context::pem);
  const tcp::endpoint any{asio::ip::address_v4::loopback(), 0};
  state_->acceptor.open(any.protocol());
  state_->acceptor.bind(any);
  state_->acceptor.listen();
  asio::co_spawn(context, accept_all(state_), finished);
}

tls_server::~tls_server() { state_->acceptor.close(); }

std::string tls_server::address() const {
  return "127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port());
}
const std::vector<std::string>& tls_server::server_names() const { return state_->server_names; }
const std::vector<std::string>& tls_server::requests() const { return state_->requests; }
std::size_t tls_server::connections() const { return state_->connections; }

void tls_server::hold() {
  state_->holding = true;
  state_->gate.expires_at(asio::steady_timer::time_point::max());
}

void tls_server::release() {
  state_->holding = false;
  state_->gate.cancel();
}

std::size_t tls_server::held() const { return state_->held; }

}  // namespace koppel::test
