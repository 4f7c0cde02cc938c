// SPDX-License-Identifier: Apache-2.0

#include "host/auth/borne_headers.hpp"

#include <algorithm>
#include <array>

namespace koppel::auth {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return out;
}

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string header_refusal(const core::auth_rules& rules, const messages::http& request) {
  constexpr std::array<std::string_view, 13> ours{
      "authorization", "proxy-authorization", "cookie",           "host",    "content-length", "transfer-encoding",
      "connection",    "keep-alive",          "proxy-connection", "upgrade", "trailer",        "te",
      "expect"};
  const auto bears_a_secret = [&rules](const std::string& name) {
    return name == rules.token_header ||
           std::find(rules.app_headers.begin(), rules.app_headers.end(), name) != rules.app_headers.end();
  };
  for (const auto& [name, value] : request.headers)
    if (const auto known = lower(name); one_of(ours, known) || bears_a_secret(known))
      return "the plugin set the header \"" + known + "\", which is the host's to set";
  return {};
}

void clean(messages::reply& reply, std::initializer_list<std::string_view> secrets) {
  constexpr std::array<std::string_view, 7> secret_headers{
      "set-cookie",    "set-cookie2",         "www-authenticate",         "proxy-authenticate",
      "authorization", "authentication-info", "proxy-authentication-info"};
  std::erase_if(reply.headers, [&](const auto& header) { return one_of(secret_headers, header.first); });
  const auto blot = [](std::string& text, std::string_view secret) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + secret.size()))
      text.replace(at, secret.size(), secret.size(), '*');
  };
  for (const auto secret : secrets) {
    if (secret.empty()) continue;
    blot(reply.body, secret);
    for (auto& header : reply.headers) blot(header.second, secret);
  }
}

const core::denial_rule* denial_in(const core::auth_rules& rules, const net::response& answer) {
  constexpr std::size_t looked_at = 4096;
  const auto beginning = std::string_view(answer.body).substr(0, looked_at);
  for (const auto& rule : rules.denials)
    if ((rule.status ? *rule.status == answer.status : answer.status >= 400) &&
        beginning.find(rule.contains) != std::string_view::npos)
      return &rule;
  return nullptr;
}

}  // namespace koppel::auth
