// SPDX-License-Identifier: Apache-2.0
// One life, out of one seed: a host, its consumers and a provider through a storm of faults, and then a calm in which
// everything has to become right again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace koppel::simulation {

/// What is the same in every life.
struct surroundings {
  std::string plugin_folder;  ///< with the library of Almanac
  std::string key_file;
  std::string database;  ///< bytes of a new one
};

struct life_outcome {
  std::vector<std::string> violations;
  std::map<std::string, std::uint64_t> faults;  ///< by kind
  std::uint64_t events = 0, fingerprint = 0;
  std::uint64_t boots = 0, presentations = 0, history = 0;
};

/// Lives it; with `tells` its story goes to stdout. The same seed gives the same life.
life_outcome live(std::uint64_t seed, bool tells, const surroundings& around);

}  // namespace koppel::simulation
