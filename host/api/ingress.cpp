// SPDX-License-Identifier: Apache-2.0

#include "host/api/ingress.hpp"

#include <string_view>
#include <utility>

namespace koppel::api {
namespace {

constexpr std::string_view callback_prefix = "/callback/";

net::outbound_response page(int status, std::string html) {
  net::outbound_response r;
  r.status = status;
  r.content_type = "text/html; charset=utf-8";
  r.body = std::move(html);
  // The page needs nothing from anywhere, may be framed by nobody, and its address (it holds a code) goes to nobody.
  r.headers = {{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
               {"Referrer-Policy", "no-referrer"}};
  return r;
}

runtime::awaitable<net::outbound_response> handle(auth::auth_service& auth, net::inbound_request r) {
  const std::string_view path = r.path;
  const auto provider = path.starts_with(callback_prefix) ? path.substr(callback_prefix.size()) : std::string_view{};
  if (provider.empty() || provider.find('/') != std::string_view::npos)
    co_return page(404, "<!doctype html><title>Koppel</title><p>There is nothing here.</p>");
  // Link scanners and previews ask with HEAD: they must not use up the code.
  if (r.method == "HEAD") co_return page(200, "");
  if (r.method != "GET") {
    auto refusal = page(405, "<!doctype html><title>Koppel</title><p>This address is opened with GET.</p>");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    co_return refusal;
  }
  std::string language(r.header("accept-language"));
  auto landing = co_await auth.callback(std::string(provider), std::move(r.query), std::move(language));
  co_return page(landing.status, std::move(landing.html));
}

}  // namespace

net::http_handler ingress_handler(auth::auth_service& auth) {
  return [&auth](net::inbound_request r) { return handle(auth, std::move(r)); };
}

}  // namespace koppel::api
