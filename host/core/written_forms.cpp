// SPDX-License-Identifier: Apache-2.0

#include "host/core/written_forms.hpp"

#include <optional>
#include <utility>

namespace koppel::core {
namespace {

/// So often is one encoding quoted in another. Bounded: a provider may answer with nothing but backslashes.
constexpr std::size_t most_quoted = 8;

/// Hex digits, any case; nothing where there are fewer, or others.
std::optional<unsigned> hex_at(std::string_view in, std::size_t at, std::size_t digits) {
  if (at > in.size() || in.size() - at < digits) return std::nullopt;
  unsigned value = 0;
  for (const char c : in.substr(at, digits)) {
    const char folded = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    if (folded >= '0' && folded <= '9')
      value = value * 16 + static_cast<unsigned>(folded - '0');
    else if (folded >= 'a' && folded <= 'f')
      value = value * 16 + static_cast<unsigned>(folded - 'a' + 10);
    else
      return std::nullopt;
  }
  return value;
}

/// How many bytes are `c` here, in whatever way; 0: it is another one.
std::size_t bytes_of(char c, std::string_view in, std::size_t at) {
  if (at >= in.size()) return 0;
  if (in[at] == c) return 1;
  const unsigned wanted = static_cast<unsigned char>(c);
  if (in[at] == '%') {
    auto digits = at + 1;
    for (std::size_t depth = 0; depth < most_quoted && in.substr(digits, 2) == "25"; ++depth) digits += 2;
    return hex_at(in, digits, 2) == wanted ? digits + 2 - at : 0;
  }
  if (in[at] != '\\') return 0;
  auto escaped = at + 1;
  for (std::size_t depth = 0; depth < most_quoted && escaped < in.size() && in[escaped] == '\\'; ++depth) ++escaped;
  if (escaped >= in.size()) return 0;
  if (in[escaped] == c && c == '/') return escaped + 1 - at;
  return in[escaped] == 'u' && hex_at(in, escaped + 1, 4) == wanted ? escaped + 5 - at : 0;
}

std::size_t bytes_of(std::string_view what, std::string_view in, std::size_t at) {
  auto end = at;
  for (const char c : what) {
    const auto more = bytes_of(c, in, end);
    if (more == 0) return 0;
    end += more;
  }
  return end - at;
}

}  // namespace

void replace_however_written(std::string& in, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  std::string out;
  std::size_t kept = 0;  // what lies before is in `out`
  for (std::size_t at = 0; at < in.size();) {
    const auto length = bytes_of(what, in, at);
    if (length == 0) {
      ++at;
      continue;
    }
    out.append(in, kept, at - kept).append(with);
    kept = at += length;
  }
  if (kept == 0) return;
  out.append(in, kept);
  in = std::move(out);
}

}  // namespace koppel::core
