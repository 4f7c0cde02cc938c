// SPDX-License-Identifier: Apache-2.0
// UTF-8 is taken apart here, because the C library's decoder depends on the user's locale and may be ASCII only. The
// width of a character is the C library's knowledge, under a locale of our own.

#include "tools/koppelctl/text.hpp"

#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cwchar>

namespace koppel::koppelctl {
namespace {

struct character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[i])) return {};
    code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  const char32_t least = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, bytes, true};
}

/// Controls, and what changes the order of a line or begins a new one.
bool is_harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

std::string hex(const char* form, unsigned value) {
  char out[16];
  std::snprintf(out, sizeof out, form, value);
  return out;
}

std::string escaped(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return hex(c < 0x100 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  }
}

int width_of(char32_t c) {
  // Widths are a table of the locale; a machine without C.UTF-8 counts every character as one.
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  const auto before = ::uselocale(utf8);
  const int width = ::wcwidth(static_cast<wchar_t>(c));
  ::uselocale(before);
  return width < 0 ? 1 : width;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto c = first_of(text);
    if (!c.valid)
      out += hex("\\x%02x", static_cast<unsigned char>(text[0]));
    else if (is_harmful(c.code))
      out += escaped(c.code);
    else
      out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto c = first_of(text);
    columns += c.valid ? static_cast<std::size_t>(width_of(c.code)) : 1;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto c = first_of(text);
    const auto width = c.valid ? static_cast<std::size_t>(width_of(c.code)) : 1;
    if (used + width + 1 > columns) break;
    used += width;
    out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out + "…";
}

std::string short_time(std::string_view rfc3339) {
  if (rfc3339.empty()) return "-";
  if (rfc3339.size() < 20 || rfc3339[10] != 'T' || rfc3339.back() != 'Z') return printable(rfc3339);
  return printable(std::string(rfc3339.substr(0, 10)) + " " + std::string(rfc3339.substr(11, 8)));
}

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, " ");
  return digits;
}

}  // namespace koppel::koppelctl
