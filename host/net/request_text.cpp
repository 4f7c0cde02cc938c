// SPDX-License-Identifier: Apache-2.0

#include "host/net/request_text.hpp"

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "host/core/text.hpp"

namespace koppel::net {
namespace {

constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool belongs_to_client(std::string_view name) {
  constexpr std::array<std::string_view, 11> own{"host",
                                                 "content-length",
                                                 "transfer-encoding",
                                                 "connection",
                                                 "keep-alive",
                                                 "proxy-connection",
                                                 "accept-encoding",
                                                 "expect",
                                                 "te",
                                                 "trailer",
                                                 "upgrade"};
  return std::find(own.begin(), own.end(), core::lower_case(name)) != own.end();
}

failure bad_url(std::string detail) { return {errc::bad_url, std::move(detail)}; }

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || token_marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

result<destination> parse_destination(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view{url.data(), url.size()});
  if (!parsed || parsed->scheme_id() != boost::urls::scheme::https)
    return bad_url("A request needs an absolute https URL.");
  if (parsed->has_userinfo() || parsed->has_fragment())
    return bad_url("A request's URL has no user info and no fragment.");
  const std::string host =
      core::lower_case(std::string_view{parsed->encoded_host().data(), parsed->encoded_host().size()});
  const bool is_name =
      parsed->host_type() == boost::urls::host_type::name && !host.empty() && host.size() <= 253 &&
      std::all_of(host.begin(), host.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
  // "127.1" and "2130706433" count as names in a URL and as addresses in getaddrinfo; no top-level domain begins with a
  // digit.
  const std::string_view last_label = std::string_view{host}.substr(host.rfind('.') + 1);
  if (!is_name || last_label.empty() || (last_label[0] >= '0' && last_label[0] <= '9')) {
    return bad_url("A request's URL names its host by a DNS name.");
  }
  destination to;
  to.host = host;
  if (parsed->has_port()) {
    const std::string_view port{parsed->port().data(), parsed->port().size()};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), to.port);
    if (error != std::errc{} || end != port.data() + port.size() || to.port == 0)
      return bad_url("The port of the URL for " + host + " is not one.");
  }
  const auto target = parsed->encoded_target();
  to.target.assign(target.data(), target.size());
  if (to.target.empty() || to.target[0] != '/') to.target.insert(0, "/");
  return to;
}

result<std::string> request_bytes(const request& r, const destination& to) {
  if (!is_token(r.method)) return failure{errc::bad_request, "The method of a request to " + to.host + " is not one."};
  std::string bytes;
  bytes.reserve(512 + r.body.size());
  bytes += r.method + ' ' + to.target + " HTTP/1.1\r\nHost: " + to.host;
  if (to.port != 443) bytes += ':' + std::to_string(to.port);
  bytes += "\r\nAccept-Encoding: identity\r\n";
  for (const auto& [name, value] : r.headers) {
    if (!is_token(name) || !is_header_value(value)) {
      return failure{errc::bad_request, "A header of a request to " + to.host + " cannot be sent."};
    }
    if (!belongs_to_client(name)) bytes += name + ": " + value + "\r\n";
  }
  const bool wants_length = !r.body.empty() || r.method == "POST" || r.method == "PUT" || r.method == "PATCH";
  if (wants_length) bytes += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
  bytes += "\r\n";
  bytes += r.body;
  return bytes;
}

}  // namespace koppel::net
