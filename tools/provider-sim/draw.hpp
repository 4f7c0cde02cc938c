// SPDX-License-Identifier: Apache-2.0
// The simulator's dice: splitmix64, so that a seed means the same records with every standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace koppel::provider_sim {

class draw {
 public:
  explicit draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// 0 <= result < bound
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  /// True in `percent` of a hundred cases.
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class List>
  const auto& from(const List& list) {
    return list[below(std::size(list))];
  }

  std::string digits(std::size_t count) {
    std::string out;
    while (out.size() < count) out += static_cast<char>('0' + below(10));
    return out;
  }

 private:
  std::uint64_t state_;
};

}  // namespace koppel::provider_sim
