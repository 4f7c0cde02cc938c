// SPDX-License-Identifier: Apache-2.0

#include "host/core/host_name.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <string_view>

namespace koppel::core {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

bool host_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '-'; });
}

}  // namespace

std::string wrong_host(const std::string& text) {
  const std::string expected = "must be a host name in lower case like \"api.example.com\"";
  if (text.find("://") != std::string::npos) return expected + ", without a scheme";
  if (text.find('*') != std::string::npos) return expected + ", without a wildcard";
  if (text.size() > 253 || text.find('.') == std::string::npos) return expected;
  std::string_view rest = text, label;
  while (true) {
    const auto dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!host_label(label)) return expected;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // inet_aton reads "10.1" or "0x7f.1" as addresses: a last label that starts with a digit is none of a real domain.
  if (digit(label.front())) return expected + ", not an IP address";
  return {};
}

std::string wrong_https_url(const std::string& text) {
  if (text.find('\\') != std::string::npos) return "must be an https URL, without a backslash";
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return "must be an https URL";
  if (parsed->scheme_id() != boost::urls::scheme::https) return "must be an https URL, not another scheme";
  if (parsed->has_userinfo() || parsed->has_fragment()) return "must be an https URL without user or fragment";
  if (parsed->has_port() && parsed->port() != "443") return "must be an https URL without a port";
  if (parsed->host_type() != boost::urls::host_type::name)
    return "must be an https URL of a host name, not of an address";
  const std::string host = wrong_host(std::string(parsed->encoded_host()));
  return host.empty() ? "" : "its host " + host;
}

}  // namespace koppel::core
