// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server over TCP (ingress) or a unix socket (control), with the limits of docs/limits.md: header 8
// KiB, URI 2 KiB, 64 headers, a body limit of the listener's, deadlines for header, body and idleness, a bound on
// connections. Framings that an old parser gets wrong are refused before the handler sees them (any Transfer-Encoding,
// two Content-Lengths, two Hosts, ...). TRACE and CONNECT are refused; POST, PUT and PATCH need a Content-Length. At a
// unix socket only our own user and root are served. Main strand only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/net/http.hpp"
#include "host/runtime/asio.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::net {

struct inbound_request {
  std::string method;
  std::string target;  ///< as received: path and query
  std::string path;    ///< percent-decoded, of a normalised target; a target that cannot be is answered with 400
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order, duplicates kept
  header_list headers;                                     ///< names in lower case
  std::string body;
  std::string_view header(std::string_view name) const;
};

struct outbound_response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  header_list headers;
};

/// Answers one request; an error of the handler's own is a response too. May suspend (long polls). What it throws
/// becomes a 500 that says nothing and one line in the log. A method it does not know is its own to answer, with 405.
using http_handler = std::function<runtime::awaitable<outbound_response>(inbound_request)>;

class server_certificate;

struct server_options {
  std::string name;                   ///< for logs: "ingress", "control"
  std::string address = "127.0.0.1";  ///< TCP; ignored where `unix_socket` is set
  std::uint16_t port = 0;             ///< 0: any free one
  std::string unix_socket;            ///< path; made with mode 0600; a stale one is replaced, a live one is an error
  std::size_t target_limit = limits::request_target;
  std::size_t body_limit = limits::ingress_body;
  std::size_t max_connections = limits::connections_per_listener;
  std::size_t max_connections_per_address = limits::connections_per_address;  ///< TCP only; beyond it: closed unread
  /// Addresses of reverse proxies. Their connections are counted by whom X-Forwarded-For names (forwarded.hpp), once a
  /// request has come; beyond the bound: 429. From anybody else that header says nothing.
  std::vector<std::string> proxies;
  std::shared_ptr<server_certificate> certificate;  ///< TLS with it; absent: in the clear
  /// A refusal of the server's own below this path is told in the log: whose request it was does not come again. Empty:
  /// none is.
  std::string told_below;
  bool keep_alive = false;  ///< several requests, one after another; a pipelined one ends the connection
  std::chrono::milliseconds handler_deadline{30'000};  ///< then the handler is cancelled and 503 sent
  std::chrono::milliseconds idle_deadline = limits::idle_deadline;
  std::chrono::milliseconds header_deadline = limits::header_deadline;
  std::chrono::milliseconds body_deadline = limits::body_deadline;
  std::chrono::milliseconds answer_deadline = limits::answer_deadline;
};

class http_server {
 public:
  /// Binds and listens. Errors name the address and the remedy ("is another koppeld running?").
  static result<std::unique_ptr<http_server>> listen(runtime::supervisor& supervisor, server_options options,
                                                     http_handler handler);
  ~http_server();
  /// The port that was bound; 0 for a unix socket.
  std::uint16_t port() const;
  /// Takes no new connection; those under way end by themselves or by the supervisor.
  void stop_accepting();

 private:
  class impl;
  explicit http_server(std::shared_ptr<impl> p);
  std::shared_ptr<impl> impl_;
};

}  // namespace koppel::net
