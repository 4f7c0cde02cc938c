// SPDX-License-Identifier: Apache-2.0
// A TLS context as server_tls.cpp makes it and server_connection.cpp uses it: the only files that see this one.
#pragma once

#include <boost/asio/ssl/context.hpp>

namespace koppel::net {

struct tls_context {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

}  // namespace koppel::net
