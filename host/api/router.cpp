// SPDX-License-Identifier: Apache-2.0

#include "host/api/router.hpp"

#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "host/core/json_body.hpp"

namespace koppel::api {
namespace json = boost::json;
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    const auto end = path.find('/');
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  }
  return parts;
}

bool is_parameter(const std::string& part) { return part.size() > 2 && part.front() == '{'; }

using parameters = std::map<std::string, std::string, std::less<>>;

std::optional<parameters> match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  parameters found;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_parameter(pattern[i]) && !path[i].empty())
      found[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
    else if (pattern[i] != path[i])
      return std::nullopt;
  }
  return found;
}

}  // namespace

std::string call::query(std::string_view name) const {
  for (const auto& [key, value] : request.query)
    if (key == name) return value;
  return {};
}

answer json_answer(int status, const json::value& body) {
  answer a;
  a.status = status;
  a.body = json::serialize(body) + "\n";
  return a;
}

answer error_answer(int status, std::string_view code, std::string_view message) {
  return json_answer(status, json::object{{"error", json::object{{"code", code}, {"message", message}}}});
}

void router::add(std::string method, std::string_view pattern, handler h) {
  routes_.push_back({std::move(method), split(pattern), std::move(h)});
}

runtime::awaitable<answer> router::operator()(net::inbound_request r, caller who) const {
  const auto path = split(r.path);
  std::string other_methods;
  for (const auto& candidate : routes_) {
    auto found = match(candidate.parts, path);
    if (!found) continue;
    if (candidate.method != r.method) {
      other_methods += (other_methods.empty() ? "" : ", ") + candidate.method;
      continue;
    }
    call c;
    c.path = std::move(*found);
    if (!r.body.empty()) {
      auto body = core::read_json_body(r.body);
      if (!body.complaint.empty()) co_return error_answer(400, "bad_json", body.complaint);
      c.body = std::move(body.object);
    }
    c.who = std::move(who);
    c.request = std::move(r);
    co_return co_await candidate.handle(std::move(c));
  }
  if (!other_methods.empty()) {
    auto refused = error_answer(405, "method_not_allowed", r.method + " is not possible here.");
    refused.headers.emplace_back("Allow", other_methods);
    co_return refused;
  }
  co_return error_answer(404, "not_found", "There is nothing at this path.");
}

}  // namespace koppel::api
