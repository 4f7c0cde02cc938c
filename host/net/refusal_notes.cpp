// SPDX-License-Identifier: Apache-2.0

#include "host/net/refusal_notes.hpp"

#include <utility>

namespace koppel::net {
namespace {

constexpr std::chrono::minutes between_two{1};

}  // namespace

std::string_view path_of(std::string_view request) {
  const auto line = request.substr(0, request.find_first_of("\r\n"));
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return {};
  auto target = line.substr(space + 1);
  target = target.substr(0, target.find(' '));
  if (target.starts_with('/')) return target;
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view{} : target.substr(path);
}

std::optional<std::size_t> refusal_notes::note(std::string_view reason, runtime::steady_time now) {
  const auto known = by_reason_.find(reason);
  if (known == by_reason_.end()) {
    by_reason_.emplace(std::string(reason), entry{now, 0});
    return 0;
  }
  auto& last = known->second;
  if (now - last.told < between_two) {
    ++last.passed_over;
    return std::nullopt;
  }
  last.told = now;
  return std::exchange(last.passed_over, 0);
}

}  // namespace koppel::net
