// SPDX-License-Identifier: Apache-2.0

#include "host/api/ingress.hpp"

#include <string_view>
#include <utility>

#include "host/core/text.hpp"
#include "host/net/request_target.hpp"

namespace koppel::api {
namespace {

constexpr std::string_view callback_prefix = "/callback/", activated_prefix = "/activated/",
                           webhook_prefix = "/webhook/", connect_prefix = "/connect/";

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

net::outbound_response nothing_here() {
  return page(404, "<!doctype html><title>Koppel</title><p>There is nothing here.</p>");
}

/// The page of a connect link says to our own server whence its button was pressed, and lets its form go to the
/// provider.
net::outbound_response link_page(auth::landing landing) {
  auto r = page(landing.status, std::move(landing.html));
  r.headers = {{"Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'self' https:"},
               {"Referrer-Policy", "same-origin"}};
  if (!landing.location.empty()) r.headers.emplace_back("Location", std::move(landing.location));
  if (!landing.cookie.empty()) r.headers.emplace_back("Set-Cookie", std::move(landing.cookie));
  return r;
}

/// The field of the page's form, where it is one that takes a key.
core::secret key_in(const net::inbound_request& r) {
  if (!core::lower_case(r.header("content-type")).starts_with("application/x-www-form-urlencoded")) return {};
  const auto form = net::decode_target("/?" + r.body);
  if (!form) return {};
  for (const auto& [name, value] : form->query)
    if (name == "key") return core::secret(value);
  return {};
}

runtime::awaitable<net::outbound_response> serve_link(auth::auth_service& auth, net::inbound_request r,
                                                      std::string secret) {
  // Looking uses nothing up, by whatever method a scanner looks; the button is the only thing that begins.
  if (r.method == "HEAD") co_return page(200, "");
  std::string language(r.header("accept-language"));
  if (r.method == "POST") {
    auth::click how{std::string(r.header("origin")), std::string(r.header("sec-fetch-site")), key_in(r)};
    auto following = auth.follow_link(std::move(secret), std::move(how), std::move(language));
    auto followed = co_await std::move(following);
    co_return link_page(std::move(followed));
  }
  if (r.method != "GET") {
    auto refusal = page(405, "<!doctype html><title>Koppel</title><p>This address is opened with GET.</p>");
    refusal.headers.emplace_back("Allow", "GET, HEAD, POST");
    co_return refusal;
  }
  auto showing = auth.show_link(std::move(secret), std::move(language));
  auto shown = co_await std::move(showing);
  co_return link_page(std::move(shown));
}

/// What follows the prefix, if it is one part of a path.
std::string_view one_part(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return {};
  const auto rest = path.substr(prefix.size());
  return rest.find('/') == std::string_view::npos ? rest : std::string_view{};
}

runtime::awaitable<net::outbound_response> serve_page(auth::auth_service& auth, net::inbound_request r,
                                                      std::string provider, bool activated) {
  // Link scanners and previews ask with HEAD: they must not use up the code.
  if (r.method == "HEAD") co_return page(200, "");
  if (r.method != "GET") {
    auto refusal = page(405, "<!doctype html><title>Koppel</title><p>This address is opened with GET.</p>");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    co_return refusal;
  }
  std::string language(r.header("accept-language"));
  auto work = activated ? auth.activated(std::move(provider), std::move(r.query), std::move(language))
                        : auth.callback(std::move(provider), std::move(r.query), std::move(language),
                                        std::string(r.header("cookie")));
  auto landing = co_await std::move(work);
  co_return page(landing.status, std::move(landing.html));
}

/// Nothing of the answer tells whether provider, address or secret is the wrong one.
runtime::awaitable<net::outbound_response> serve_webhook(auth::webhook_queue& webhooks, hooks::hint_service& hints,
                                                         net::inbound_request r, std::string provider,
                                                         std::string secret) {
  net::outbound_response answer;
  answer.body = "{}\n";
  if (r.method != "POST") {
    answer.status = 405;
    answer.headers.emplace_back("Allow", "POST");
    co_return answer;
  }
  auto as_hint = hints.receive(provider, secret, r);
  const auto taken = co_await std::move(as_hint);
  if (taken) {
    answer.status = *taken;
  } else {
    auto work = webhooks.receive(std::move(provider), std::move(secret), std::move(r.body));
    answer.status = co_await std::move(work);
  }
  if (answer.status == 404) co_return nothing_here();
  if (answer.status == 503) answer.headers.emplace_back("Retry-After", "60");
  co_return answer;
}

runtime::awaitable<net::outbound_response> handle(auth::auth_service& auth, auth::webhook_queue& webhooks,
                                                  hooks::hint_service& hints, net::inbound_request r) {
  const std::string path = r.path;
  if (path.starts_with(webhook_prefix)) {
    const auto rest = std::string_view(path).substr(webhook_prefix.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) co_return nothing_here();
    auto work = serve_webhook(webhooks, hints, std::move(r), std::string(rest.substr(0, slash)),
                              std::string(rest.substr(slash + 1)));
    co_return co_await std::move(work);
  }
  if (std::string secret(one_part(path, connect_prefix)); !secret.empty()) {
    auto work = serve_link(auth, std::move(r), std::move(secret));
    co_return co_await std::move(work);
  }
  std::string callback(one_part(path, callback_prefix)), activated(one_part(path, activated_prefix));
  if (callback.empty() && activated.empty()) co_return nothing_here();
  const bool after_activation = callback.empty();
  auto work =
      serve_page(auth, std::move(r), after_activation ? std::move(activated) : std::move(callback), after_activation);
  co_return co_await std::move(work);
}

}  // namespace

net::http_handler ingress_handler(auth::auth_service& auth, auth::webhook_queue& webhooks, hooks::hint_service& hints) {
  return [&auth, &webhooks, &hints](net::inbound_request r) { return handle(auth, webhooks, hints, std::move(r)); };
}

}  // namespace koppel::api
