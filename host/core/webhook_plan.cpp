// SPDX-License-Identifier: Apache-2.0

#include "host/core/webhook_plan.hpp"

#include <algorithm>

namespace koppel::core {
namespace {

constexpr std::chrono::hours look_again{24};
constexpr std::chrono::minutes first_pause{1}, longest_pause{60};

std::chrono::milliseconds pause_after(std::uint32_t failures) {
  return std::min<std::chrono::milliseconds>(
      first_pause * (1 << std::min<std::uint32_t>(failures - (failures > 0), 10)), longest_pause);
}

}  // namespace

std::vector<std::string> webhook_places::all() const {
  auto urls = former;
  if (!current.empty()) urls.push_back(current);
  return urls;
}

void webhook_places::move_to(const std::string& url) {
  if (url == current) return;
  std::erase(former, url);
  if (!current.empty()) former.push_back(std::move(current));
  current = url;
}

void webhook_places::clear(const std::string& url) {
  std::erase(former, url);
  if (current == url) current.clear();
}

instant registration_due(const registration_facts& f, instant now) {
  using state = registration_facts::state;
  // Times that lie ahead were written under a clock that was wrong.
  const auto past = [now](const std::optional<instant>& t) { return std::min(t.value_or(instant{}), now); };
  const auto after_failure = past(f.tried_at) + pause_after(f.failures);
  switch (f.now) {
    case state::none:
      return now;
    case state::registered: {
      if (f.elsewhere) return now;
      const auto since = past(f.registered_at);
      const auto whole = f.ends_at ? *f.ends_at - since : std::chrono::milliseconds{look_again} * 2;
      const auto renewal = since + std::clamp<std::chrono::milliseconds>(whole / 2, first_pause, look_again);
      return f.left_behind ? std::min<instant>(renewal, after_failure) : renewal;
    }
    case state::refused:
      return f.elsewhere ? now : past(f.tried_at) + look_again;
    case state::failing:
      break;
  }
  return after_failure;
}

}  // namespace koppel::core
