// SPDX-License-Identifier: Apache-2.0
// Text from a plugin on its way to a log: control characters escaped, length bounded, rate limited. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace koppel::plugins {

inline constexpr std::size_t longest_log_line = 8192;
inline constexpr std::uint32_t log_lines_per_second = 2000;

/// `text` on one line: control characters (C0, DEL, C1), line and paragraph separators and the marks that turn the
/// writing direction become visible escapes; bytes that are not UTF-8 too. At most `limit` bytes, the cut marked with
/// "...".
std::string escaped(std::string_view text, std::size_t limit = longest_log_line);

/// Lets so many lines through in each second and counts the others. Time is an argument.
class line_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit line_limit(std::uint32_t per_second = log_lines_per_second) : per_second_(per_second) {}

  struct verdict {
    bool let_through = false;
    std::uint64_t dropped_before = 0;  ///< lines dropped in the second that is over now; to be told once
  };
  verdict ask(time_point now);

 private:
  std::uint32_t per_second_;
  time_point window_{};
  std::uint32_t used_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace koppel::plugins
