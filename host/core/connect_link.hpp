// SPDX-License-Identifier: Apache-2.0
// What holds of a connect link, the address that is mailed to a customer: whether it may be used, what a flow makes of
// it, and what is known of the browser that came back. Pure. The decisions are told in docs/auth.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/auth_state.hpp"
#include "host/core/time.hpp"

namespace koppel::core {

enum class link_state {
  open,
  given,    ///< access was given, and nobody could say yet whose account it opens: it may be used again
  used,     ///< somebody is connected, or waits for the confirmation of the account
  revoked,  ///< by whoever made it
};
std::string_view to_string(link_state s);
std::optional<link_state> link_state_from(std::string_view text);

enum class link_standing { usable, used, revoked, expired };
std::string_view to_string(link_standing s);
link_standing standing_of(link_state s, instant expires_at, instant now);

/// A grant of the link's flow was kept, with this status. What was refused leaves the link as it is: that is no dead
/// end.
link_state after_grant(auth_status became);

inline constexpr std::chrono::days shortest_link_life{1}, longest_link_life{30}, usual_link_life{7};
inline constexpr std::size_t open_links_of_a_connection = 16;

/// Whether the button of our own page was pressed, as far as the browser says: a page of another site could else begin
/// a flow in somebody's browser. Who sends neither header is no browser that could be made to.
bool is_own_click(std::string_view origin, std::string_view fetch_site, std::string_view public_url);

/// What a browser keeps between the button and the way back: the link, to offer it again, and a word of its own.
struct browser_mark {
  std::string link, word;
};
/// The whole Set-Cookie value; `secure` where browsers reach us by https.
std::string cookie_of(const browser_mark& mark, bool secure);
/// Nothing where there is none, more than one, or one of another form.
std::optional<browser_mark> mark_in(std::string_view cookie_header);

}  // namespace koppel::core
