// SPDX-License-Identifier: Apache-2.0
// What a provider tells the command line: its name, its own options, and how it is made once those are read.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "knob_list.hpp"
#include "provider.hpp"

namespace koppel::provider_sim {

struct offer {
  std::string name;
  std::string description;
  knob_list options;  ///< at the start only: numbers of records, host names
  knob_list knobs;    ///< at the start and while it runs
  std::function<std::unique_ptr<provider>(const beginning&)> make;
};

}  // namespace koppel::provider_sim
