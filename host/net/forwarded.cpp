// SPDX-License-Identifier: Apache-2.0

#include "host/net/forwarded.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

#include "host/core/text.hpp"

namespace koppel::net {
namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> plain_address(std::string_view text) {
  boost::system::error_code ec;
  const auto address = ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool is_proxy(const std::vector<std::string>& proxies, const std::string& address) {
  const auto wanted = plain_address(address);
  return wanted && std::any_of(proxies.begin(), proxies.end(),
                               [&wanted](const std::string& p) { return plain_address(p) == wanted; });
}

std::string address_behind(const std::vector<std::string>& proxies, const header_list& headers) {
  // Several headers are one list, in their order.
  std::string list;
  for (const auto& [name, value] : headers)
    if (core::lower_case(name) == "x-forwarded-for") list += (list.empty() ? "" : ",") + value;
  std::string_view rest = list;
  while (!rest.empty()) {
    const auto comma = rest.rfind(',');
    const auto last = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
    const auto address = plain_address(last);
    if (!address) return {};
    if (!is_proxy(proxies, address->to_string())) return address->to_string();
  }
  return {};
}

}  // namespace koppel::net
