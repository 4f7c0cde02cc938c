// SPDX-License-Identifier: Apache-2.0
// All the chance there is in a life, out of one seed. The distributions are written out: those of the standard library
// differ between its versions, and a seed has to replay.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace koppel::simulation {

using std::chrono::milliseconds;

class chance {
 public:
  explicit chance(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t number() { return engine_(); }
  /// In [0, 1).
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  bool hits(double probability) { return unit() < probability; }
  /// In [0, n); 0 for n = 0.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : engine_() % n; }
  template <class T>
  T between(T low, T high) {
    return low + static_cast<T>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  milliseconds between(milliseconds low, milliseconds high) { return milliseconds(between(low.count(), high.count())); }
  /// Many short ones, few long ones.
  milliseconds around(milliseconds mean) {
    return milliseconds(static_cast<std::int64_t>(-std::log(1.0 - unit()) * static_cast<double>(mean.count())));
  }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace koppel::simulation
