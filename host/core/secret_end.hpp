// SPDX-License-Identifier: Apache-2.0
// An app's secret that the provider ends some day, as the operator said: warned of ahead. Pure.
#pragma once

#include <optional>
#include <string>

#include "host/core/time.hpp"

namespace koppel::core {

/// From so many days before its end on.
inline constexpr std::chrono::days warned_ahead{30};

/// The sentence for the operator; empty while there is nothing to say. `app`: "snelstart/main".
std::string warning_of_end(const std::string& app, const std::optional<instant>& ends_at, instant now);

}  // namespace koppel::core
