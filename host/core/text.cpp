// SPDX-License-Identifier: Apache-2.0
// ASCII case, and making foreign text visible.

#include "host/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace koppel::core {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct code_point {
  std::uint32_t value = 0;
  std::size_t length = 0;  ///< 0: not UTF-8
};

/// Strict: no overlong forms, no surrogates, nothing beyond U+10FFFF.
code_point first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

bool visible(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
  if (c == 0x061C || c == 0x200E || c == 0x200F || c == 0xFEFF) return false;
  return !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2066 && c <= 0x2069);
}

std::string hex(std::uint32_t value, int digits) {
  static constexpr char figures[] = "0123456789abcdef";
  std::string text;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += figures[(value >> shift) & 0xFu];
  return text;
}

std::string escape(std::uint32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return c < 0x80 ? "\\x" + hex(c, 2) : "\\u" + hex(c, 4);
}

}  // namespace

std::string escaped(std::string_view text, std::size_t limit) {
  static constexpr std::string_view cut = "...";
  std::string out;
  while (!text.empty()) {
    const code_point c = first_of(text);
    const std::size_t length = c.length == 0 ? 1 : c.length;
    std::string piece;
    if (c.length == 0)
      piece = "\\x" + hex(static_cast<std::uint8_t>(text[0]), 2);
    else
      piece = visible(c.value) ? std::string(text.substr(0, length)) : escape(c.value);
    if (out.size() + piece.size() + (text.size() > length ? cut.size() : 0) > limit) return out.append(cut);
    out += piece;
    text.remove_prefix(length);
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace koppel::core
