// SPDX-License-Identifier: Apache-2.0
// No name is looked up: a name is on the loopback because a test says so, or it is "localhost".
#include "webhook_route.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

namespace koppel::provider_sim {
namespace {

std::string loopback(const std::string& host) {
  if (host == "localhost") return "127.0.0.1";
  if (host == "::1" || host == "[::1]") return "::1";
  const auto parsed = boost::urls::parse_ipv4_address(host);
  return parsed && parsed->is_loopback() ? host : "";
}

}  // namespace

webhook_route loopback_address(const std::string& text) {
  webhook_route out;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return out;
  const auto* end = text.data() + text.size();
  const auto [rest, wrong] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (wrong == std::errc() && rest == end && out.port != 0) out.address = loopback(text.substr(0, colon));
  return out;
}

webhook_address resolve_webhook(const std::string& url, const webhook_routes& routes) {
  webhook_address out;
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || !parsed->has_authority()) {
    out.problem = "no URL";
    return out;
  }
  auto& target = out.target;
  target.path = std::string(parsed->encoded_resource());
  // Boost 1.81 takes "127.0.0.1.example" for that address with ".example" as its path.
  if (!target.path.empty() && target.path[0] != '/' && target.path[0] != '?' && target.path[0] != '#') {
    out.problem = "no URL";
    return out;
  }
  target.tls = parsed->scheme() == "https";
  if (!target.tls && parsed->scheme() != "http") {
    out.problem = "neither http nor https";
    return out;
  }
  target.host = std::string(parsed->encoded_host());
  target.authority = std::string(parsed->encoded_host_and_port());
  if (const auto mark = target.path.find('#'); mark != std::string::npos) target.path.resize(mark);
  if (!target.path.starts_with('/')) target.path.insert(0, "/");
  if (const auto route = routes.find(target.host); route != routes.end()) {
    target.at = route->second;
    return out;
  }
  target.at.address = loopback(target.host);
  target.at.port = parsed->has_port() && parsed->port_number() != 0 ? parsed->port_number() : target.tls ? 443 : 80;
  if (target.at.address.empty()) out.problem = "not on this machine, and no route to it";
  return out;
}

}  // namespace koppel::provider_sim
