// SPDX-License-Identifier: Apache-2.0
// What all parts of a life share: its chance, what is due when, its story, and what went wrong in it.
#pragma once

#include <functional>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/time.hpp"
#include "host/runtime/clock.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/virtual_time.hpp"

namespace koppel::simulation {

/// The wall clock of the simulated machine: what passes for the time, and may be set.
class wall_clock final : public runtime::clock {
 public:
  core::instant now() const override {
    constexpr core::instant beginning{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
    return beginning + std::chrono::floor<milliseconds>(virtual_time::now().time_since_epoch()) + set_by_;
  }
  void set_by(milliseconds d) { set_by_ += d; }

 private:
  milliseconds set_by_{0};
};

class world {
 public:
  world(std::uint64_t seed, bool tells);

  simulation::chance chance;
  wall_clock wall;  ///< the host's; providers have the right time

  /// The right time.
  static core::instant now();

  // ---- what is due

  /// Does `what` after `delay`, never in the midst of something else. What belongs to a process that may die by then
  /// says so itself (a weak pointer, a number of the boot).
  void after(milliseconds delay, std::function<void()> what);
  bool anything_due() const { return !agenda_.empty() && agenda_.top().when <= virtual_time::now(); }
  runtime::steady_time next_due() const;
  /// Does the first thing that is due.
  void do_next();

  // ---- what happened

  /// A line of the story, if it is told.
  void narrate(std::string_view who, std::string_view what) const;
  /// One thing that happened: told, and part of the life's fingerprint in any case.
  void tell(std::string_view who, std::string_view what);
  /// A fault, by its kind.
  void fault(const std::string& kind, std::string_view details = {});
  /// Something that must not be. The first one is remembered.
  void violation(std::string what);
  /// Counts without telling: what happens too often to be told.
  void count(std::string_view what);

  bool tells() const { return tells_; }
  const std::vector<std::string>& violations() const { return violations_; }
  const std::map<std::string, std::uint64_t>& faults() const { return faults_; }
  std::uint64_t events() const { return events_; }
  /// Of all that happened, in order: two lives of one seed have the same.
  std::uint64_t fingerprint() const { return fingerprint_; }

  // ---- the weather

  bool calm = false;                    ///< no more faults
  double network_trouble = 0;           ///< the share of exchanges with the provider that go wrong
  runtime::steady_time outage_until{};  ///< the provider cannot be reached
  runtime::steady_time full_until{};    ///< the host's disk was full: its runs go on soon after, whatever ended them

 private:
  struct item {
    runtime::steady_time when;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const item& other) const {
      return when != other.when ? when > other.when : number > other.number;  // a max-heap: the earliest on top
    }
  };

  const bool tells_;
  std::priority_queue<item> agenda_;
  std::uint64_t next_number_ = 0;
  std::vector<std::string> violations_;
  std::map<std::string, std::uint64_t> faults_;
  std::uint64_t events_ = 0, fingerprint_ = 14695981039346656037ULL;
};

}  // namespace koppel::simulation
