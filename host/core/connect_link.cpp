// SPDX-License-Identifier: Apache-2.0

#include "host/core/connect_link.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "host/core/same_origin.hpp"

namespace koppel::core {
namespace {

constexpr std::array<std::pair<link_state, std::string_view>, 4> words{{{link_state::open, "open"},
                                                                        {link_state::given, "given"},
                                                                        {link_state::used, "used"},
                                                                        {link_state::revoked, "revoked"}}};

constexpr std::string_view cookie_name = "koppel_connect";
constexpr std::size_t word_size = 43;  ///< 256 bits in base64url

bool is_word(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return text.size() == word_size && std::all_of(text.begin(), text.end(), fits);
}

}  // namespace

std::string_view to_string(link_state s) {
  for (const auto& [value, word] : words)
    if (value == s) return word;
  return "revoked";
}

std::optional<link_state> link_state_from(std::string_view text) {
  for (const auto& [value, word] : words)
    if (word == text) return value;
  return std::nullopt;
}

std::string_view to_string(link_standing s) {
  switch (s) {
    case link_standing::usable:
      return "usable";
    case link_standing::used:
      return "used";
    case link_standing::revoked:
      return "revoked";
    case link_standing::expired:
      break;
  }
  return "expired";
}

link_standing standing_of(link_state s, instant expires_at, instant now) {
  // Whoever comes late to a link that served is told who is connected, and not that it is too old.
  if (s == link_state::used) return link_standing::used;
  if (s == link_state::revoked) return link_standing::revoked;
  return now < expires_at ? link_standing::usable : link_standing::expired;
}

link_state after_grant(auth_status became) {
  return became == auth_status::authorized || became == auth_status::awaiting_confirmation ? link_state::used
                                                                                           : link_state::given;
}

bool is_own_click(std::string_view origin, std::string_view fetch_site, std::string_view public_url) {
  if (!fetch_site.empty() && fetch_site != "same-origin" && fetch_site != "none") return false;
  // Browsers write an origin in small letters and without the port that goes without saying; whoever wrote the
  // configuration perhaps did not.
  return origin.empty() || same_origin(origin, public_url);
}

std::string cookie_of(const browser_mark& mark, bool secure) {
  // Lax: the way back from the provider is a navigation of the whole window, which a stricter cookie would miss.
  return std::string(cookie_name) + "=" + mark.link + "." + mark.word +
         "; Path=/callback/; Max-Age=3600; HttpOnly; SameSite=Lax" + (secure ? "; Secure" : "");
}

std::optional<browser_mark> mark_in(std::string_view header) {
  std::optional<browser_mark> found;
  while (!header.empty()) {
    auto part = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(header.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.starts_with(cookie_name) || part.substr(cookie_name.size(), 1) != "=") continue;
    // Another one was planted beside ours: it cannot be told which is which.
    if (found) return std::nullopt;
    part.remove_prefix(cookie_name.size() + 1);
    const auto dot = part.find('.');
    if (dot == std::string_view::npos || !is_word(part.substr(0, dot)) || !is_word(part.substr(dot + 1)))
      return std::nullopt;
    found = browser_mark{std::string(part.substr(0, dot)), std::string(part.substr(dot + 1))};
  }
  return found;
}

}  // namespace koppel::core
