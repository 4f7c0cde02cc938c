// SPDX-License-Identifier: Apache-2.0
// A request of ours as the bytes that leave: the URL taken apart, the headers checked and written. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "host/net/http.hpp"

namespace koppel::net {

struct destination {
  std::string host;  ///< lower case, without a port
  std::uint16_t port = 443;
  std::string target;  ///< path and query, at least "/"
};

/// errc::bad_url for anything but https with a host *name*: no user info, no fragment, no IP literal, no empty or zero
/// port. The detail names the host at most.
result<destination> parse_destination(std::string_view url);

/// The whole request, or errc::bad_request where the method or a header could not be sent as one (a line break in a
/// value, for instance). What belongs to the client alone (Host, Content-Length, Transfer-Encoding, Connection,
/// Accept-Encoding, Expect, TE, Trailer, Upgrade) is taken out of `r.headers` and set by it.
result<std::string> request_bytes(const request& r, const destination& to);

/// Token of RFC 9110: what a method and a header's name are made of.
bool is_token(std::string_view text);

/// No control character but tab: fit to be a header's value.
bool is_header_value(std::string_view text);

/// GET, HEAD, OPTIONS: they change nothing, however often they are carried out (RFC 9110).
bool is_safe(std::string_view method);

}  // namespace koppel::net
