// SPDX-License-Identifier: Apache-2.0
// Bounds of what a plugin may write into the log. Pure; escaping is core/text.hpp's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace koppel::plugins {

inline constexpr std::size_t longest_log_line = 8192;
inline constexpr std::uint32_t log_lines_per_second = 2000;
inline constexpr std::size_t log_bytes_per_second = std::size_t{256} << 10;

/// Lets so many lines and bytes through in each second and counts the lines it does not. Time is an argument.
class line_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit line_limit(std::uint32_t per_second = log_lines_per_second,
                      std::size_t bytes_per_second = log_bytes_per_second)
      : per_second_(per_second), bytes_per_second_(bytes_per_second) {}

  struct verdict {
    bool let_through = false;
    std::uint64_t dropped_before = 0;  ///< lines dropped in the second that is over now; to be told once
  };
  verdict ask(time_point now, std::size_t bytes);

 private:
  std::uint32_t per_second_;
  std::size_t bytes_per_second_;
  time_point window_{};
  std::uint32_t used_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace koppel::plugins
