// SPDX-License-Identifier: Apache-2.0
// One TLS connection to a provider. Used by http_client.cpp alone, which owns the pool.
// Every wait ends by the deadline it was given: a watchdog closes the socket under whatever waits on it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "host/net/http.hpp"
#include "host/runtime/asio.hpp"

namespace koppel::net {

using deadline_point = std::chrono::steady_clock::time_point;

/// Whose certificates are believed; OpenSSL's, known to the .cpp alone.
struct tls_trust;

/// Trusts `ca_file` alone, or the system's roots where it is empty; TLS 1.2 or newer, peers verified.
result<std::shared_ptr<tls_trust>> make_tls_trust(const std::string& ca_file);

class client_connection {
 public:
  // Shared only so that the watchdog, which may fire after the owner has let go, finds out.
  using pointer = std::shared_ptr<client_connection>;
  static pointer make(boost::asio::any_io_executor executor, tls_trust& trust, std::string host);
  virtual ~client_connection() = default;

  /// Connects and shakes hands: SNI and the certificate's DNS names are the host's, whatever the address.
  virtual runtime::awaitable<result<>> open(boost::asio::ip::tcp::endpoint to, deadline_point deadline) = 0;

  struct exchanged {
    result<response> answer;
    bool reusable = false;    ///< may go back into the pool
    bool unanswered = false;  ///< the peer had closed before a byte of an answer
    bool unsent = false;      ///< and before a byte of the request was written
  };
  virtual runtime::awaitable<exchanged> exchange(std::string request, bool head, std::size_t body_limit,
                                                 deadline_point deadline) = 0;

  /// Nothing came, not even an end, since the last answer. Whatever did come cannot belong to the next request.
  virtual bool is_quiet() = 0;
  virtual deadline_point idle_since() const = 0;
};

}  // namespace koppel::net
