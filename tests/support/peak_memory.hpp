// SPDX-License-Identifier: Apache-2.0
// How much memory a piece of work took at its highest, as the kernel counts it (VmHWM, which it lets us set back).
#pragma once

#include <cstddef>
#include <fstream>
#include <string>

namespace koppel::test {

/// Sanitizers keep freed memory to catch its use: there a bound would measure them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool memory_is_measured = false;
#else
inline constexpr bool memory_is_measured = true;
#endif

class peak_memory {
 public:
  peak_memory() {
    std::ofstream("/proc/self/clear_refs") << "5";
    before_ = in_kilobytes("VmRSS:");
  }
  /// Above what was in use at the beginning, in MiB; 0 where it is not measured.
  std::size_t grown_by() const {
    const auto peak = in_kilobytes("VmHWM:");
    return memory_is_measured && peak > before_ ? (peak - before_) >> 10 : 0;
  }

 private:
  static std::size_t in_kilobytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (word == name) {
        std::size_t value = 0;
        status >> value;
        return value;
      }
    return 0;
  }
  std::size_t before_ = 0;
};

}  // namespace koppel::test
