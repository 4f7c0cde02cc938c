// SPDX-License-Identifier: Apache-2.0

#include "host/net/server_sockets.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "host/net/http.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

failure cannot_listen(const std::string& name, const std::string& where, const error_code& ec) {
  std::string remedy = ".";
  if (ec == asio::error::address_in_use)
    remedy = ": is another koppeld running? Stop it, or configure another address.";
  if (ec == asio::error::access_denied) remedy = ": choose a port from 1024 on, or a folder that this user may write.";
  return {ec, "The " + name + " listener cannot use " + where + " (" + ec.message() + ")" + remedy};
}

/// Removes the socket of a host that is no more.
result<> clear_stale(const runtime::asio::any_io_executor& executor, const std::string& name, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return failure{asio::error::address_in_use,
                   "The " + name + " listener cannot use " + path +
                       ": something that is not a socket is there. Remove it, or configure another path."};
  }
  asio::local::stream_protocol::socket probe(executor);
  error_code ec;
  probe.connect(asio::local::stream_protocol::endpoint(path), ec);
  if (ec != asio::error::connection_refused) return cannot_listen(name, path, ec ? ec : asio::error::address_in_use);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return cannot_listen(name, path, error_code(errno, boost::system::system_category()));
  }
  return {};
}

}  // namespace

result<tcp_acceptor> listen_tcp(const runtime::asio::any_io_executor& executor, const std::string& name,
                                const std::string& address, std::uint16_t port) {
  const std::string where = address + ':' + std::to_string(port);
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return failure{ec, "The " + name + " listener's address \"" + address + "\" is not an IP address."};
  const asio::ip::tcp::endpoint endpoint{ip, port};
  tcp_acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return cannot_listen(name, where, ec);
  return acceptor;
}

result<unix_acceptor> listen_unix(const runtime::asio::any_io_executor& executor, const std::string& name,
                                  const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return failure{asio::error::name_too_long, "The " + name + " listener's socket path " + path + " is longer than " +
                                                   std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes."};
  }
  if (auto cleared = clear_stale(executor, name, path); !cleared) return cleared.error();
  unix_acceptor acceptor(executor);
  error_code ec;
  acceptor.open({}, ec);
  // On Linux the file that bind makes takes its mode from the socket: no moment at which the umask decides.
  if (!ec && ::fchmod(acceptor.native_handle(), 0600) != 0) ec.assign(errno, boost::system::system_category());
  if (!ec) acceptor.bind(asio::local::stream_protocol::endpoint(path), ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return cannot_listen(name, path, ec);
  return acceptor;
}

bool is_own_peer(int unix_socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

std::string address_group(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::make_address_v6(bytes).to_string();
}

}  // namespace koppel::net
