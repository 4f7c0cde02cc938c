// SPDX-License-Identifier: Apache-2.0

#include "host/net/http_server.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "host/net/forwarded.hpp"
#include "host/net/server_connection.hpp"
#include "host/net/server_sockets.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using runtime::awaitable;
using runtime::token;

}  // namespace

class http_server::impl : public std::enable_shared_from_this<http_server::impl> {
 public:
  impl(runtime::supervisor& supervisor, server_options options, http_handler handler)
      : supervisor_(supervisor),
        listener_(std::make_shared<listener_state>(listener_state{std::move(options), std::move(handler)})) {}
  ~impl() { remove_socket_file(); }

  result<> open();
  std::uint16_t port() const { return port_; }
  void stop_accepting();

 private:
  template <class Acceptor>
  static awaitable<void> accept_all(std::shared_ptr<impl> self, Acceptor& acceptor);
  void admit(stream_protocol::socket socket, const std::string& address, bool of_proxy);
  void remove_socket_file();

  runtime::supervisor& supervisor_;
  const std::shared_ptr<listener_state> listener_;
  std::optional<tcp_acceptor> tcp_;
  std::optional<unix_acceptor> unix_;
  std::uint16_t port_ = 0;
  struct stat file_ {};  ///< of the unix socket we made: another's in its place is not ours to remove
};

result<> http_server::impl::open() {
  const server_options& options = listener_->options;
  if (options.unix_socket.empty()) {
    auto opened = listen_tcp(supervisor_.executor(), options.name, options.address, options.port);
    if (!opened) return opened.error();
    port_ = opened->local_endpoint().port();
    tcp_.emplace(std::move(*opened));
    supervisor_.run(options.name + " listener", accept_all(shared_from_this(), *tcp_));
  } else {
    auto opened = listen_unix(supervisor_.executor(), options.name, options.unix_socket);
    if (!opened) return opened.error();
    unix_.emplace(std::move(*opened));
    ::lstat(options.unix_socket.c_str(), &file_);
    supervisor_.run(options.name + " listener", accept_all(shared_from_this(), *unix_));
  }
  return {};
}

template <class Acceptor>
awaitable<void> http_server::impl::accept_all(std::shared_ptr<impl> self, Acceptor& acceptor) {
  bool complained = false;
  while (acceptor.is_open()) {
    typename Acceptor::protocol_type::endpoint peer;
    auto [ec, socket] = co_await acceptor.async_accept(peer, token);
    if (!acceptor.is_open()) co_return;
    if (ec) {
      if (ec == asio::error::operation_aborted) co_return;
      // Out of descriptors, most likely. Said once, then waited for: those that are open will end.
      if (!complained)
        spdlog::warn("The {} listener cannot accept connections ({}).", self->listener_->options.name, ec.message());
      complained = true;
      if (!co_await runtime::sleep_for(std::chrono::milliseconds{100})) co_return;
      continue;
    }
    complained = false;
    if constexpr (std::is_same_v<Acceptor, tcp_acceptor>) {
      boost::system::error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      const bool of_proxy = is_proxy(self->listener_->options.proxies, peer.address().to_string());
      // A proxy's own address is no bound: who is behind it is known when a request has come.
      self->admit(stream_protocol::socket(std::move(socket)),
                  of_proxy ? std::string("proxy") : address_group(peer.address()), of_proxy);
    } else if (is_own_peer(socket.native_handle())) {
      self->admit(stream_protocol::socket(std::move(socket)), {}, false);
    }
  }
}

// A socket that is not admitted is closed by its end of life here.
void http_server::impl::admit(stream_protocol::socket socket, const std::string& address, bool of_proxy) {
  const server_options& options = listener_->options;
  const auto& known = *listener_->connections;
  if (supervisor_.stopping() || known.all >= options.max_connections) return;
  if (tcp_ && !of_proxy && known.of(address) >= options.max_connections_per_address) return;
  accepted from{std::move(socket), counted{listener_->connections, address}, of_proxy};
  supervisor_.run(options.name + " connection", serve_connection(listener_, std::move(from)));
}

void http_server::impl::stop_accepting() {
  boost::system::error_code ignored;
  if (tcp_) tcp_->close(ignored);
  if (unix_) unix_->close(ignored);
  remove_socket_file();
}

void http_server::impl::remove_socket_file() {
  const std::string& path = listener_->options.unix_socket;
  struct stat now {};
  if (file_.st_ino == 0 || ::lstat(path.c_str(), &now) != 0) return;
  if (now.st_ino == file_.st_ino && now.st_dev == file_.st_dev) ::unlink(path.c_str());
  file_ = {};
}

http_server::http_server(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
http_server::~http_server() { impl_->stop_accepting(); }
std::uint16_t http_server::port() const { return impl_->port(); }
void http_server::stop_accepting() { impl_->stop_accepting(); }

result<std::unique_ptr<http_server>> http_server::listen(runtime::supervisor& supervisor, server_options options,
                                                         http_handler handler) {
  auto made = std::make_shared<impl>(supervisor, std::move(options), std::move(handler));
  if (const auto opened = made->open(); !opened) return opened.error();
  return std::unique_ptr<http_server>(new http_server(std::move(made)));
}

std::string_view inbound_request::header(std::string_view name) const { return find_header(headers, name); }

}  // namespace koppel::net
