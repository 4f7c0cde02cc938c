// SPDX-License-Identifier: Apache-2.0

#include "host/core/same_origin.hpp"

#include <boost/url/grammar/ci_string.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace koppel::core {
namespace {

namespace urls = boost::urls;

std::string_view port_of(const urls::url_view& url) {
  if (!url.port().empty()) return std::string_view(url.port());
  return url.scheme_id() == urls::scheme::https ? "443" : "80";
}

bool of_the_web(const urls::url_view& url) {
  return (url.scheme_id() == urls::scheme::https || url.scheme_id() == urls::scheme::http) && !url.has_userinfo();
}

}  // namespace

bool same_origin(std::string_view a, std::string_view b) {
  const auto one = urls::parse_uri(a), other = urls::parse_uri(b);
  return one && other && of_the_web(*one) && of_the_web(*other) && one->scheme_id() == other->scheme_id() &&
         urls::grammar::ci_is_equal(one->encoded_host(), other->encoded_host()) && port_of(*one) == port_of(*other);
}

}  // namespace koppel::core
