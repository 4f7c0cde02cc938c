// SPDX-License-Identifier: Apache-2.0
#include "links.hpp"

#include <algorithm>

namespace koppel::declarative {
namespace {

constexpr std::string_view scheme = "https://";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Scheme and host in lower case, without the port that https has anyway.
std::string origin_of(std::string_view url) {
  const auto host = url.substr(scheme.size());
  std::string out(url.substr(0, scheme.size() + std::min(host.find_first_of("/?#"), host.size())));
  std::transform(out.begin(), out.end(), out.begin(), lower);
  if (out.ends_with(":443")) out.resize(out.size() - 4);
  return out;
}

/// Whether "next" is among the words of a link's rel parameter; `parameters` is what follows the '>'.
bool is_next(std::string_view parameters) {
  std::string text;
  for (const char c : parameters)
    if (c != ' ' && c != '\t') text += lower(c);
  // Spaces between several relation types are gone too: look at the original for those.
  if (text.find(";rel=\"next\"") != text.npos || text.find(";rel=next") != text.npos) return true;
  const auto rel = text.find(";rel=\"");
  if (rel == text.npos) return false;
  const auto begin = parameters.find('"');
  const auto words = " " + std::string(parameters.substr(begin + 1, parameters.find('"', begin + 1) - begin - 1)) + " ";
  return words.find(" next ") != words.npos;
}

/// Where a link's parameters end: at the next comma outside quotes.
std::size_t end_of_link(std::string_view text) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_quotes = !in_quotes;
    if (text[i] == ',' && !in_quotes) return i;
  }
  return text.size();
}

}  // namespace

std::string next_of_link_header(const sdk::header_list& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "link") continue;
    std::string_view rest = value;
    for (auto open = rest.find('<'); open != rest.npos; open = rest.find('<')) {
      const auto close = rest.find('>', open);
      if (close == rest.npos) break;
      const auto target = rest.substr(open + 1, close - open - 1);
      rest.remove_prefix(close + 1);
      const auto end = end_of_link(rest);
      if (is_next(rest.substr(0, end))) return std::string(target);
      rest.remove_prefix(end);
    }
  }
  return {};
}

std::string on_the_same_host(std::string_view link, std::string_view asked) {
  const auto origin = origin_of(asked);
  if (link.starts_with(scheme) && origin_of(link) == origin) return std::string(link);
  if (link.starts_with('/') && !link.starts_with("//")) return origin + std::string(link);
  if (link.starts_with('?')) return std::string(asked.substr(0, asked.find('?'))) + std::string(link);
  throw sdk::job_failure(sdk::verdict::bug, "the provider's next page is not on the host that was asked");
}

}  // namespace koppel::declarative
