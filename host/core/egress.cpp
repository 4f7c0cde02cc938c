// SPDX-License-Identifier: Apache-2.0

#include "host/core/egress.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "host/core/text.hpp"

namespace koppel::core {
namespace {

constexpr std::size_t longest_url = 8192;

/// A path that some server could read as another path than the one compared here.
bool ambiguous(const std::string& path) {
  const std::string folded = lower_case(path);
  for (const char* trick : {"%2e", "%2f", "%5c", "%00", "//", "/./", "/../"})
    if (folded.find(trick) != std::string::npos) return true;
  return folded.ends_with("/.") || folded.ends_with("/..");
}

bool path_allowed(const egress_rule& rule, const std::string& path) {
  return std::any_of(rule.paths.begin(), rule.paths.end(), [&](const std::string& allowed) {
    if (!allowed.ends_with('*')) return path == allowed;
    return path.starts_with(std::string_view(allowed).substr(0, allowed.size() - 1));
  });
}

}  // namespace

std::string egress_refusal(const manifest& m, const std::string& method, const std::string& url,
                           egress_purpose purpose) {
  // The URL is a plugin's and may hold anything: until it has parsed it is not quoted, so that nothing odd enters a
  // log.
  if (url.size() > longest_url) return "the request's URL is longer than 8192 bytes";
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return "the request's URL is not well formed";
  const boost::urls::url_view& u = *parsed;
  if (u.scheme_id() != boost::urls::scheme::https) return "only https requests may leave";
  if (u.has_userinfo()) return "a request's URL may hold no user or password";
  if (u.has_fragment()) return "a request's URL may hold no fragment";
  if (u.host_type() != boost::urls::host_type::name) return "a request must go to a host by name, not by address";
  if (u.has_port() && u.port() != "443") return "a request may only go to port 443";

  const std::string host = lower_case(std::string_view(u.encoded_host()));
  const std::string encoded(u.encoded_path());
  const std::string path = encoded.empty() ? "/" : encoded;
  if (ambiguous(path)) return "the request's path holds dot segments, empty segments or encoded separators";

  bool host_known = false, path_known = false, closed = false;
  for (const egress_rule& rule : m.egress) {
    if (rule.host != host) continue;
    host_known = true;
    if (!path_allowed(rule, path)) continue;
    if (rule.for_webhooks && purpose != egress_purpose::webhooks) {
      closed = true;
      continue;
    }
    path_known = true;
    if (std::find(rule.methods.begin(), rule.methods.end(), method) != rule.methods.end()) return {};
  }
  if (!host_known) return "the host " + host + " is not declared in the manifest of " + m.name;
  if (!path_known && closed)
    return "the path " + path + " on " + host + " is not declared in the manifest of " + m.name +
           " but for the registration of webhooks";
  if (!path_known) return "the path " + path + " on " + host + " is not declared in the manifest of " + m.name;
  return "this method is not declared for " + host + path + " in the manifest of " + m.name;
}

}  // namespace koppel::core
