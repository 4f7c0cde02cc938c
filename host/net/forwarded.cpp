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

/// The address of an entry, which some proxies write with its port: "1.2.3.4:5678", "[::1]:443".
std::optional<ip::address> address_of(std::string_view entry) {
  const auto is_port = [](std::string_view text) {
    return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (entry.starts_with('[')) {
    const auto close = entry.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto rest = entry.substr(close + 1), inside = entry.substr(1, close - 1);
    const bool fits = inside.find(':') != std::string_view::npos &&
                      (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
    return fits ? plain_address(inside) : std::nullopt;
  }
  const auto colon = entry.find(':');
  const bool with_port = colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos;
  if (!with_port) return plain_address(entry);
  return is_port(entry.substr(colon + 1)) ? plain_address(entry.substr(0, colon)) : std::nullopt;
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
    const auto address = address_of(last);
    if (!address) return {};
    if (!is_proxy(proxies, address->to_string())) return address->to_string();
  }
  return {};
}

}  // namespace koppel::net
