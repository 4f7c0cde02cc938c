// SPDX-License-Identifier: Apache-2.0
// HTTP as the host sees it, without Beast: requests and answers as values. Beast and TLS live in this folder's .cpp
// files.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <koppel/result.hpp>

#include "host/core/retry.hpp"
#include "host/net/limits.hpp"

namespace koppel::net {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// Why an exchange did not produce an answer.
enum class errc {
  bad_url = 1,  ///< not an absolute https URL; nothing was sent
  resolve,      ///< the name has no address
  connect,      ///< nobody listens there; nothing was sent: trying again is safe
  tls,          ///< the certificate or the handshake was refused; nothing was sent
  cut,          ///< the connection ended before the whole answer came: whether the request was carried out is unknown
  timeout,      ///< the deadline passed: likewise unknown
  too_large,    ///< the answer exceeds the limit
  malformed,    ///< not HTTP, or a coding that was not asked for
  cancelled,
  bad_request,      ///< a header or method of ours that cannot be sent; nothing was sent
  address_refused,  ///< the name leads to a private or loopback address and no [[route]] says so; nothing was sent
};
const boost::system::error_category& net_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), net_category()}; }

struct request {
  std::string method = "GET";
  std::string url;      ///< absolute, https
  header_list headers;  ///< Host, Content-Length and Connection are set by the client
  std::string body;
};

struct response {
  int status = 0;
  header_list headers;  ///< names in lower case, in the order received
  std::string body;
  /// The first header of this name, or empty.
  std::string_view header(std::string_view name) const;
};

/// The same as core's words, for retry_decision.
core::exchange_fault fault_of(const boost::system::error_code& code);

/// The first header of this name, whatever its case, or empty.
std::string_view find_header(const header_list& headers, std::string_view name);

/// Limits of one exchange.
struct exchange_limits {
  std::chrono::milliseconds deadline = limits::provider_deadline;  ///< for all of it
  std::size_t body = limits::provider_body;
  bool fresh_connection = false;     ///< token calls: never on a pooled connection
  bool private_addresses = false;    ///< an operator named this host: its name may lead anywhere
  std::function<void()> on_sending;  ///< the connection is there, the request leaves
};

}  // namespace koppel::net

template <>
struct boost::system::is_error_code_enum<koppel::net::errc> : std::true_type {};
