// SPDX-License-Identifier: Apache-2.0
// Which addresses a provider's name may lead to. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string_view>

namespace koppel::net {

/// Why no request may go there ("loopback", "private", ...), or empty for an address of the public internet. Sees
/// through IPv4 that is mapped or embedded in IPv6 (::ffff:, 64:ff9b::, 2002::). Applied to the very address that is
/// connected to, so that a name which resolves differently the next time gains nothing.
std::string_view address_refusal(const boost::asio::ip::address& address);

}  // namespace koppel::net
