// SPDX-License-Identifier: Apache-2.0

#include "host/core/webhook_plan.hpp"

#include <algorithm>

namespace koppel::core {
namespace {

constexpr std::chrono::hours look_again{24};
constexpr std::chrono::minutes first_pause{1}, longest_pause{60};

}  // namespace

instant registration_due(const registration_facts& f, instant now) {
  using state = registration_facts::state;
  // Times that lie ahead were written under a clock that was wrong.
  const auto past = [now](const std::optional<instant>& t) { return std::min(t.value_or(instant{}), now); };
  switch (f.now) {
    case state::none:
      return now;
    case state::registered: {
      if (f.elsewhere) return now;
      const auto since = past(f.registered_at);
      const auto whole = f.ends_at ? *f.ends_at - since : std::chrono::milliseconds{look_again} * 2;
      return since + std::clamp<std::chrono::milliseconds>(whole / 2, first_pause, look_again);
    }
    case state::refused:
      return f.elsewhere ? now : past(f.tried_at) + look_again;
    case state::failing:
      break;
  }
  const auto pause = std::min<std::chrono::milliseconds>(
      first_pause * (1 << std::min<std::uint32_t>(f.failures - (f.failures > 0), 10)), longest_pause);
  return past(f.tried_at) + pause;
}

}  // namespace koppel::core
