// SPDX-License-Identifier: Apache-2.0
// Many lives, in several processes: a life that ends its process takes no other with it.
#pragma once

#include <string>

#include "tests/simulation/life.hpp"

namespace koppel::simulation {

struct batch {
  std::uint64_t first = 1, seeds = 1;
  unsigned jobs = 1;
  bool stop_at_first = false;  ///< end when one has gone wrong
  bool progress = false;       ///< on a terminal: each second; else on a line of stderr each minute
};

struct batch_outcome {
  std::map<std::uint64_t, std::string> failed;  ///< seed and what was found first
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t lives = 0, events = 0, fewest_events = 0, fewest_faults = 0, boots = 0, presentations = 0, history = 0;
  double seconds = 0;
};

batch_outcome live_many(const batch& b, const surroundings& around);

/// A key file that goes when this does.
class temporary_key {
 public:
  temporary_key();
  ~temporary_key();
  temporary_key(const temporary_key&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace koppel::simulation
