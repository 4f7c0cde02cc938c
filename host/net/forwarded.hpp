// SPDX-License-Identifier: Apache-2.0
// Who is behind a reverse proxy. Only what a named proxy says is believed, and of that only what it added itself: the
// entries before it came from the peer, who may write what they like. Pure.
#pragma once

#include <string>
#include <vector>

#include "host/net/http.hpp"

namespace koppel::net {

/// Whether connections from this address are a named proxy's.
bool is_proxy(const std::vector<std::string>& proxies, const std::string& address);

/// The address that a request of a named proxy comes from: the last entry of X-Forwarded-For that is no named proxy,
/// without the port that it may have.
/// Empty where there is none, or it is no IP address: then the proxy's own counts.
std::string address_behind(const std::vector<std::string>& proxies, const header_list& headers);

}  // namespace koppel::net
