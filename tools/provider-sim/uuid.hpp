// SPDX-License-Identifier: Apache-2.0
// Teamleader's ids look like UUIDs but carry no RFC 4122 version (…-793a-0374-b871-…): 8-4-4-4-12 hex digits, no more.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::provider_sim {

struct uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const uuid&) const = default;

  std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out(36, '-');
    std::size_t at = 0;
    for (int nibble = 0; nibble < 32; ++nibble) {
      if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
      const auto word = nibble < 16 ? high : low;
      out[at++] = digits[(word >> (60 - 4 * (nibble % 16))) & 15];
    }
    return out;
  }

  static std::optional<uuid> parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    uuid id;
    int nibble = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (at == 8 || at == 13 || at == 18 || at == 23) {
        if (c != '-') return std::nullopt;
        continue;
      }
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      auto& word = nibble++ < 16 ? id.high : id.low;
      word = word << 4 | static_cast<std::uint64_t>(digit);
    }
    return id;
  }
};

}  // namespace koppel::provider_sim

template <>
struct std::hash<koppel::provider_sim::uuid> {
  std::size_t operator()(const koppel::provider_sim::uuid& id) const noexcept { return id.high ^ (id.low * 31); }
};
