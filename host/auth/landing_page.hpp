// SPDX-License-Identifier: Apache-2.0
// What the browser shows after a callback or an activation link: who is connected, or why not and what to do; in nl, fr
// or en. One self-contained page without script or foreign asset. Pure.
#pragma once

#include <string>
#include <string_view>

#include "host/core/auth_state.hpp"
#include "host/core/manifest.hpp"

namespace koppel::auth {

enum class language { nl, fr, en };

/// The best of ours for an Accept-Language header; en where none fits.
language language_of(std::string_view accept_language);

enum class page_kind {
  outcome,          ///< the state says it: connected, waits for a confirmation, or refused
  stale_link,       ///< used before, too old, or never ours
  no_code,          ///< the answer holds neither a code nor an error
  denied,           ///< access was not given, and the answer does not say for which connection
  unreachable,      ///< nothing was sent: reloading the page tries again
  own_trouble,      ///< ours, not the provider's
  waiting,          ///< the key has not come yet, or nobody could say yet whose it is
  nothing_arrived,  ///< it should have come by now
  arrived,          ///< it came, and the provider cannot be asked about it
  given,            ///< access was given, and the provider cannot say yet to whose account
  foreign_click,    ///< a page of another site pressed the button of a connect link
};

/// The page looks again by itself.
struct next_look {
  int after_s = 0;  ///< 0: it does not
  std::string url;
};

/// `state` is looked at for page_kind::outcome only. Everything that is not ours is escaped.
/// `again`: the link to try again with; empty: there is none.
std::string landing_html(page_kind kind, language l, const core::auth_state& state, const core::manifest* m,
                         const next_look& next = {}, const std::string& again = {});

/// What all our pages share. Already escaped.
struct page_content {
  std::string heading, body;
  bool good = false;
  std::string head;  ///< more for the head
};
std::string whole_page(language l, const page_content& c);

std::string escaped(std::string_view text);

}  // namespace koppel::auth
