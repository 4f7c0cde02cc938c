// SPDX-License-Identifier: Apache-2.0
// UTF-8 by the table of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.

#include "msgpack_view.hpp"

#include <cstring>

namespace koppel::bus {
namespace {

/// Length of the sequence that begins here, 0 if it is wrong.
std::size_t sequence_length(const unsigned char* at, std::size_t left) {
  struct row {
    unsigned char first_low, first_high, second_low, second_high, length;
  };
  static constexpr row table[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
                                  {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                                  {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
  for (const row& r : table) {
    if (at[0] < r.first_low || at[0] > r.first_high) continue;
    if (left < r.length || at[1] < r.second_low || at[1] > r.second_high) return 0;
    for (std::size_t i = 2; i < r.length; ++i)
      if ((at[i] & 0xC0) != 0x80) return 0;
    return r.length;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    // Nearly all text here is ASCII: eight bytes at a time.
    std::uint64_t word = 0;
    if (left >= 8 && (std::memcpy(&word, at, 8), (word & 0x8080808080808080ULL) == 0)) {
      at += 8;
      left -= 8;
      continue;
    }
    const std::size_t length = at[0] < 0x80 ? 1 : sequence_length(at, left);
    if (length == 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

}  // namespace koppel::bus
