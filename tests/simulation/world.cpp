// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/world.hpp"

#include <cstdio>
#include <utility>

namespace koppel::simulation {

world::world(std::uint64_t seed, bool tells) : chance(seed), tells_(tells) {}

core::instant world::now() { return wall_clock().now(); }

void world::after(milliseconds delay, std::function<void()> what) {
  agenda_.push({virtual_time::now() + delay, next_number_++, std::move(what)});
}

runtime::steady_time world::next_due() const {
  return agenda_.empty() ? runtime::steady_time::max() : agenda_.top().when;
}

void world::do_next() {
  auto what = std::move(const_cast<item&>(agenda_.top()).what);  // top() is const for the order's sake, which stays
  agenda_.pop();
  what();
}

void world::tell(std::string_view who, std::string_view what) {
  count(what);
  narrate(who, what);
}

void world::narrate(std::string_view who, std::string_view what) const {
  if (tells_)
    std::printf("%s  %-11.*s %.*s\n", core::to_rfc3339(now()).substr(11, 12).c_str(), static_cast<int>(who.size()),
                who.data(), static_cast<int>(what.size()), what.data());
}

void world::fault(const std::string& kind, std::string_view details) {
  ++faults_[kind];
  tell("FAULT", details.empty() ? kind : kind + ": " + std::string(details));
}

void world::violation(std::string what) {
  tell("VIOLATION", what);
  violations_.push_back(std::move(what));
}

void world::count(std::string_view what) {
  ++events_;
  const auto mix = [this](unsigned char c) { fingerprint_ = (fingerprint_ ^ c) * 1099511628211ULL; };
  for (const char c : what) mix(static_cast<unsigned char>(c));
  for (auto ns = static_cast<std::uint64_t>(virtual_time::now().time_since_epoch().count()); ns != 0; ns >>= 8)
    mix(static_cast<unsigned char>(ns));
}

}  // namespace koppel::simulation
