// SPDX-License-Identifier: Apache-2.0
// Customers' hosts: <domain>.<lane>.workfront.com, or the same under .workfront.adobe.com. Apps, sessions and event
// subscriptions belong to one domain and lane, whichever of the two names is used.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace koppel::provider_sim::workfront {

struct environment {
  std::string domain;
  std::string lane;

  bool operator==(const environment&) const = default;
  std::string host() const { return domain + "." + lane + ".workfront.com"; }
  std::string adobe_host() const { return domain + "." + lane + ".workfront.adobe.com"; }
};

/// Nothing if it is no such host.
inline std::optional<environment> environment_of(std::string_view host) {
  for (const std::string_view ending : {".workfront.adobe.com", ".workfront.com"}) {
    if (!host.ends_with(ending)) continue;
    host.remove_suffix(ending.size());
    const auto dot = host.find('.');
    if (dot == 0 || dot == std::string_view::npos || dot + 1 == host.size()) return std::nullopt;
    if (host.find('.', dot + 1) != std::string_view::npos) return std::nullopt;
    return environment{std::string(host.substr(0, dot)), std::string(host.substr(dot + 1))};
  }
  return std::nullopt;
}

}  // namespace koppel::provider_sim::workfront
