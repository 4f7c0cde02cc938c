// SPDX-License-Identifier: Apache-2.0
// Zoho's data centres. Each has accounts and an API of its own; a user lives in one, and is known in no other.
// Sandboxes and developers' organisations have an API host each besides, of which nothing but `api_domain` tells.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::provider_sim::zoho {

struct data_centre {
  std::string_view location, accounts_host, api_zone;
};

/// The first is where every authorisation begins.
inline constexpr std::array data_centres{
    data_centre{"us", "accounts.zoho.com", "zohoapis.com"},
    data_centre{"eu", "accounts.zoho.eu", "zohoapis.eu"},
    data_centre{"in", "accounts.zoho.in", "zohoapis.in"},
    data_centre{"au", "accounts.zoho.com.au", "zohoapis.com.au"},
    data_centre{"jp", "accounts.zoho.jp", "zohoapis.jp"},
    data_centre{"cn", "accounts.zoho.com.cn", "zohoapis.com.cn"},
    data_centre{"ca", "accounts.zohocloud.ca", "zohoapis.ca"},
    data_centre{"sa", "accounts.zoho.sa", "zohoapis.sa"},
    data_centre{"uk", "accounts.zoho.uk", "zohoapis.uk"},
};

template <class Member>
const data_centre* centre_where(Member data_centre::*member, std::string_view is) {
  for (const auto& one : data_centres)
    if (one.*member == is) return &one;
  return nullptr;
}

/// The usual one has no name.
inline constexpr std::array<std::string_view, 3> environments{"", "sandbox", "developer"};

inline std::string api_host(const data_centre& of, std::string_view environment) {
  return std::string(environment.empty() ? "www" : environment) + '.' + std::string(of.api_zone);
}

/// What an account's `host` says: "eu", or "eu/sandbox".
struct account_home {
  const data_centre* centre;
  std::string_view environment;
  std::string api() const { return api_host(*centre, environment); }
};

inline std::optional<account_home> home_of(std::string_view host) {
  const auto slash = host.find('/');
  const auto* centre = centre_where(&data_centre::location, host.substr(0, slash));
  const auto named = slash == host.npos ? std::string_view() : host.substr(slash + 1);
  for (const auto one : environments)
    if (centre && one == named && (slash == host.npos) == named.empty()) return account_home{centre, one};
  return std::nullopt;
}

inline bool lives_in(const data_centre& here, std::string_view host) {
  const auto home = home_of(host);
  return home && home->centre == &here;
}

}  // namespace koppel::provider_sim::zoho
