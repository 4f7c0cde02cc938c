// SPDX-License-Identifier: Apache-2.0
// Named places at which a test can end, delay or fail a program: docs/fault-points.md lists them. Only in builds with
// the option KOPPEL_FAULT_POINTS; elsewhere a point is nothing, not even its name. Host, runner, bus and consumer have
// them, so this header stands alone.
//
//   KOPPEL_FAULT_POINT("ledger.before_commit");                          // kill, delay
//   if (KOPPEL_FAULT_FAILS("ledger.before_commit")) throw ...;           // kill, delay, fail
//
// A point belongs to one place, and may be passed on any thread. In the environment, read by `begin`:
//   KOPPEL_FAULTS="name:kill[:pass],name:fail[:pass],name:delay:ms[:pass]"   passes are counted from 1, per process
//   KOPPEL_FAULTS_FIRED=folder    where a point that fires leaves a file of its name, and fires no more, in any process
#pragma once

#ifdef KOPPEL_FAULT_POINTS

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace koppel::faults {

/// Arms what the environment says; wrong orders end the process. With `--fault-points` as the only argument it prints
/// the points of this program and is true: the program has nothing else to do.
bool begin(int argc, char** argv);

/// The environment's entries ("NAME=value") that a child needs for its own `begin`; null where there is none.
const char* orders_for_child();
const char* folder_for_child();

class point {
 public:
  explicit point(const char* name);
  point(const point&) = delete;
  point& operator=(const point&) = delete;

  /// True where the order is to fail; returns late, or never, for the others.
  bool pass() { return ++passes_ == at_ && fire(); }

 private:
  friend bool begin(int, char**);
  enum class action : std::uint8_t { kill, fail, delay };
  bool fire() const;
  static bool arm(std::string_view order);

  const char* const name_;
  point* next_;
  std::atomic<std::uint64_t> passes_{0};
  std::uint64_t at_ = 0;  ///< the pass that fires; 0: none
  unsigned delay_ms_ = 0;
  action what_ = action::kill;
};

template <std::size_t N>
struct literal {
  consteval literal(const char (&t)[N]) { std::copy_n(t, N, text); }
  char text[N];
};

template <literal Name>
struct named {
  static inline point here{Name.text};
};

}  // namespace koppel::faults

#define KOPPEL_FAULT_POINT(name) static_cast<void>(::koppel::faults::named<name>::here.pass())
#define KOPPEL_FAULT_FAILS(name) (::koppel::faults::named<name>::here.pass())

#else

namespace koppel::faults {
constexpr bool begin(int, char**) { return false; }
constexpr const char* orders_for_child() { return nullptr; }
constexpr const char* folder_for_child() { return nullptr; }
}  // namespace koppel::faults

#define KOPPEL_FAULT_POINT(name) static_cast<void>(0)
#define KOPPEL_FAULT_FAILS(name) false

#endif
