// SPDX-License-Identifier: Apache-2.0
// Zoho's data centres. Each has accounts and an API of its own; a user lives in one, and is known in no other.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace koppel::provider_sim::zoho {

struct data_centre {
  std::string_view location, accounts_host, api_host;
};

/// The first is where every authorisation begins.
inline constexpr std::array data_centres{
    data_centre{"us", "accounts.zoho.com", "www.zohoapis.com"},
    data_centre{"eu", "accounts.zoho.eu", "www.zohoapis.eu"},
    data_centre{"in", "accounts.zoho.in", "www.zohoapis.in"},
    data_centre{"au", "accounts.zoho.com.au", "www.zohoapis.com.au"},
    data_centre{"jp", "accounts.zoho.jp", "www.zohoapis.jp"},
    data_centre{"cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn"},
    data_centre{"ca", "accounts.zohocloud.ca", "www.zohoapis.ca"},
    data_centre{"sa", "accounts.zoho.sa", "www.zohoapis.sa"},
    data_centre{"uk", "accounts.zoho.uk", "www.zohoapis.uk"},
};

template <class Member>
const data_centre* centre_where(Member data_centre::*member, std::string_view is) {
  for (const auto& one : data_centres)
    if (one.*member == is) return &one;
  return nullptr;
}

}  // namespace koppel::provider_sim::zoho
