// SPDX-License-Identifier: Apache-2.0
// Loads the one plugin of this process. It is never unloaded: its process ends.
#pragma once

#include <koppel/abi.h>
#include <koppel/messages.hpp>

#include <string>
#include <variant>

namespace koppel::runner {

/// The plugin's functions, or why there are none, in plain words.
std::variant<const koppel_plugin*, messages::unusable> load(const std::string& path);

}  // namespace koppel::runner
