// SPDX-License-Identifier: Apache-2.0

#include "host/api/rest_door.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "host/core/text.hpp"

namespace koppel::api {
namespace {

std::size_t count(const net::header_list& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [name](const auto& h) { return h.first == name; }));
}

/// What a browser says of a page that sends something here. Nobody else sends these headers.
std::optional<answer> foreign_page(const door_names& names, const net::inbound_request& r) {
  const std::string_view origin = r.header("origin");
  constexpr std::string_view scheme = "http://";
  const bool own = origin.starts_with(scheme) && is_called(names, origin.substr(scheme.size())) &&
                   core::lower_case(origin.substr(scheme.size())) == core::lower_case(r.header("host"));
  if (count(r.headers, "origin") > 0 && !own)
    return error_answer(403, "foreign_origin", "Pages of other sites cannot use this API.");
  const std::string_view site = r.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none")
    return error_answer(403, "foreign_origin", "Pages of other sites cannot use this API.");
  return std::nullopt;
}

/// "application/json", in UTF-8. A form of a foreign page can send anything but this without asking first.
bool is_json(std::string_view type) {
  std::string plain = core::lower_case(type);
  std::erase(plain, ' ');
  return plain == "application/json" || plain == "application/json;charset=utf-8" ||
         plain == "application/json;charset=\"utf-8\"";
}

}  // namespace

answer unknown_token() {
  auto refused = error_answer(401, "no_token", "A token is needed: Authorization: Bearer TOKEN.");
  refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"koppel\"");
  return refused;
}

namespace {

bool needs_no_token(const net::inbound_request& r) { return r.method == "GET" && r.path == "/v1/openapi.json"; }

}  // namespace

door_names names_of(const std::string& address, std::uint16_t port, const std::string& public_name) {
  door_names names;
  names.port = port;
  names.hosts = {"localhost", "127.0.0.1", "[::1]"};
  const bool v6 = address.find(':') != std::string::npos;
  names.hosts.push_back(core::lower_case(v6 ? "[" + address + "]" : address));
  // Who listens everywhere is called by no such address.
  std::erase(names.hosts, "0.0.0.0");
  std::erase(names.hosts, "[::]");
  if (!public_name.empty()) names.hosts.push_back(core::lower_case(public_name));
  return names;
}

bool is_called(const door_names& names, std::string_view host) {
  const auto given = core::lower_case(host);
  const auto port = ":" + std::to_string(names.port);
  return std::any_of(names.hosts.begin(), names.hosts.end(),
                     [&](const std::string& name) { return given == name || given == name + port; });
}

std::string_view bearer_of(const net::header_list& headers) {
  if (count(headers, "authorization") != 1) return {};
  const std::string_view value = net::find_header(headers, "authorization");
  constexpr std::string_view scheme = "bearer ";
  if (value.size() <= scheme.size() || core::lower_case(value.substr(0, scheme.size())) != scheme) return {};
  return value.substr(scheme.size());
}

rest_door::rest_door(control_api& api, door_names names) : api_(api), names_(std::move(names)) {
  api_.add_rest_routes(router_);
}

runtime::awaitable<answer> rest_door::operator()(net::inbound_request r) {
  if (!is_called(names_, r.header("host")))
    co_return error_answer(421, "other_host", "This listener is called by another name: see docs/rest-api.md.");
  if (auto refused = foreign_page(names_, r)) co_return std::move(*refused);
  std::optional<caller> who;
  if (needs_no_token(r)) {
    who.emplace();
    who->scopes.clear();
  } else if (const auto token = bearer_of(r.headers); !token.empty()) {
    who = api_.tokens().identify(token);
  }
  if (!who) co_return unknown_token();
  if (!r.body.empty() && (count(r.headers, "content-type") != 1 || !is_json(r.header("content-type"))))
    co_return error_answer(415, "not_json", "A body needs the header Content-Type: application/json.");
  auto served = router_(std::move(r), std::move(*who));
  co_return co_await std::move(served);
}

}  // namespace koppel::api
