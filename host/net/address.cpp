// SPDX-License-Identifier: Apache-2.0

#include "host/net/address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace koppel::net {
namespace {

namespace ip = boost::asio::ip;

struct v4_block {
  std::uint32_t network;
  unsigned bits;
  std::string_view why;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

// The special-purpose registry of IANA (RFC 6890 and successors), as far as none of it is the public internet.
constexpr std::array<v4_block, 15> v4_blocks{{
    {v4(0, 0, 0, 0), 8, "this network"},
    {v4(10, 0, 0, 0), 8, "private"},
    {v4(100, 64, 0, 0), 10, "shared by a carrier"},
    {v4(127, 0, 0, 0), 8, "loopback"},
    {v4(169, 254, 0, 0), 16, "link-local"},
    {v4(172, 16, 0, 0), 12, "private"},
    {v4(192, 0, 0, 0), 24, "reserved"},
    {v4(192, 0, 2, 0), 24, "documentation"},
    {v4(192, 88, 99, 0), 24, "reserved"},
    {v4(192, 168, 0, 0), 16, "private"},
    {v4(198, 18, 0, 0), 15, "benchmarking"},
    {v4(198, 51, 100, 0), 24, "documentation"},
    {v4(203, 0, 113, 0), 24, "documentation"},
    {v4(224, 0, 0, 0), 4, "multicast"},
    {v4(240, 0, 0, 0), 4, "reserved"},
}};

std::string_view refusal_v4(std::uint32_t address) {
  const auto within = [address](const v4_block& block) { return (address ^ block.network) >> (32 - block.bits) == 0; };
  const auto found = std::find_if(v4_blocks.begin(), v4_blocks.end(), within);
  return found == v4_blocks.end() ? std::string_view{} : found->why;
}

std::string_view refusal_v6(const ip::address_v6::bytes_type& b) {
  const auto embedded = [&b](std::size_t at) { return v4(b[at], b[at + 1], b[at + 2], b[at + 3]); };
  const auto zero_until = [&b](std::size_t from, std::size_t end) {
    return std::all_of(b.begin() + static_cast<std::ptrdiff_t>(from), b.begin() + static_cast<std::ptrdiff_t>(end),
                       [](unsigned char c) { return c == 0; });
  };
  if (zero_until(0, 10) && b[10] == 0xff && b[11] == 0xff) return refusal_v4(embedded(12));  // ::ffff:a.b.c.d
  if (zero_until(0, 15)) return b[15] == 0 ? "this network" : b[15] == 1 ? "loopback" : "reserved";
  if (zero_until(0, 12)) return "reserved";                         // ::a.b.c.d, long dead
  if (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b) {  // NAT64
    return zero_until(4, 12) ? refusal_v4(embedded(12)) : std::string_view{"private"};
  }
  if (b[0] == 0x20 && b[1] == 0x02) return refusal_v4(embedded(2));  // 6to4
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return "link-local";
  if ((b[0] & 0xfe) == 0xfc) return "private";
  if (b[0] == 0xff) return "multicast";
  if (b[0] == 0x20 && b[1] == 0x01 && (b[2] & 0xfe) == 0) return "reserved";  // 2001::/23: Teredo and other protocols
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8) return "documentation";
  if ((b[0] & 0xe0) != 0x20) return "reserved";  // outside 2000::/3 nothing is public
  return {};
}

}  // namespace

std::string_view address_refusal(const ip::address& address) {
  return address.is_v4() ? refusal_v4(address.to_v4().to_uint()) : refusal_v6(address.to_v6().to_bytes());
}

}  // namespace koppel::net
