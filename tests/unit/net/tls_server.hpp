// SPDX-License-Identifier: Apache-2.0
// A provider for the client's tests: TLS on a free port of loopback, answers written byte by byte by the test. It
// speaks no HTTP of its own, so that it can lie.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_ca.hpp"

namespace koppel::test {

/// What the server does once a request has come.
struct act {
  std::string bytes;
  enum class then {
    keep,   ///< wait for the next request
    close,  ///< end TLS properly, then the connection
    cut,    ///< end the connection without a word
    hang,   ///< neither
    drip,   ///< send a further byte every 10 ms, for ever
  } after = then::keep;
};

class tls_server {
 public:
  /// `answer` is asked once per request.
  tls_server(boost::asio::io_context& context, const certificate& own,
             std::function<act(const std::string& request)> answer);
  ~tls_server();

  std::string address() const;                           ///< "127.0.0.1:PORT"
  const std::vector<std::string>& server_names() const;  ///< SNI of each handshake; "" where there was none
  const std::vector<std::string>& requests() const;
  std::size_t connections() const;  ///< accepted so far

  /// From now on requests wait, unanswered, until `release`.
  void hold();
  void release();
  std::size_t held() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace koppel::test
