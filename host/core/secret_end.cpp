// SPDX-License-Identifier: Apache-2.0

#include "host/core/secret_end.hpp"

namespace koppel::core {

std::string warning_of_end(const std::string& app, const std::optional<instant>& ends_at, instant now) {
  if (!ends_at || now < *ends_at - warned_ahead) return {};
  const auto day = to_rfc3339(*ends_at).substr(0, 10);
  const auto left = std::chrono::floor<std::chrono::days>(*ends_at - now).count();
  const auto when = *ends_at <= now
                        ? "ended on " + day
                        : "ends on " + day + " (" + std::to_string(left) + (left == 1 ? " day" : " days") + " left)";
  return "The secret of the app " + app + " " + when +
         ": get another one from the provider, and give it to koppelctl " + "app set-secret " + app +
         " --expires DATE.";
}

}  // namespace koppel::core
