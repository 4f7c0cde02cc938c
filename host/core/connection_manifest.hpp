// SPDX-License-Identifier: Apache-2.0
// A manifest as it holds for one connection: its templates filled in from the connection's settings and from the data
// centre that its account lives in; and what a redirect says about both. Pure.
//
// A template takes a host name: "https://{host}/token" takes the setting `host`, "{region.api}" a value of the region.
// What people call the provider may be a setting too (`title_setting`): texts name whom they have to go to.
// An address of [auth] may be a setting as a whole ("{token_url}"), and so may other parts of it (auth_settings); of
// [[egress]] such a setting gives its host, or one rule for each of several. Where an account lives is said by
// providers in redirects and token answers; what they say chooses a row of the manifest's table, and never names a
// host.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/account_place.hpp"
#include "host/core/manifest.hpp"
#include "host/core/oauth.hpp"
#include "host/core/setting_value.hpp"

namespace koppel::core {

/// The names under which a connection's `learned` values keep its region, and the environment in it (a sandbox) where
/// it is not the usual one. Plugins cannot learn names like these.
inline constexpr const char* region_key = "@region";
inline constexpr const char* environment_key = "@environment";

/// The region's row: the one that was learned, else the manifest's first; null where the provider has none.
const region_rule* region_of(const auth_rules& rules, const std::map<std::string, std::string>& learned);

/// Its name; empty where the provider has none.
std::string region_name(const auth_rules& rules, const std::map<std::string, std::string>& learned);

/// Where the connection's account lives, by what was learned.
account_place known_place(const auth_rules& rules, const std::map<std::string, std::string>& learned);

/// Keeps it among what was learned; one without a region changes nothing.
void remember_place(std::map<std::string, std::string>& learned, const account_place& where);

/// The hosts of the region's row, as they hold for the environment.
std::map<std::string, std::string> region_values(const auth_rules& rules,
                                                 const std::map<std::string, std::string>& learned);

/// `m` itself where it has no templates. A template without a value stays as it is: `unfilled` finds it.
std::shared_ptr<const manifest> manifest_for(std::shared_ptr<const manifest> m,
                                             const std::map<std::string, std::string>& settings,
                                             const std::map<std::string, std::string>& learned);

/// The addresses that settings name, as one text: a manifest that was filled with others has another `filled_with`.
std::string addresses_in(const manifest& m, const std::map<std::string, std::string>& settings);

/// Whether an operator allowed this address's host to be in a private network, for this connection.
bool may_be_private(const manifest& m, std::string_view url);

/// Where an answer for this connection may come from: the addresses of link and token request, in each region that the
/// account may turn out to live in.
std::vector<std::string> servers_of(const std::shared_ptr<const manifest>& m,
                                    const std::map<std::string, std::string>& settings,
                                    const std::map<std::string, std::string>& learned);

/// A setting that the addresses of this manifest still lack; empty where they are whole.
std::string unfilled(const manifest& m);

/// The token endpoint, where it is as a whole the connection's own to name; empty where the manifest says who the
/// provider is. What such a provider says of an account is no more than a claim.
std::string issuer_setting(const manifest& of_provider, const std::map<std::string, std::string>& settings);

/// Where a redirect says that the account lives.
struct redirect_place {
  bool elsewhere = false;  ///< not where this connection's settings say, or in no region of the manifest
  std::string region;      ///< empty: nothing was said, or the provider has no regions
};
redirect_place place_of(const auth_rules& rules, const query_list& redirect,
                        const std::map<std::string, std::string>& settings);

/// Where a token answer says that the account lives.
answer_place place_of_answer(const auth_rules& rules, std::string_view body);

}  // namespace koppel::core
