// SPDX-License-Identifier: Apache-2.0
// One table of names serves reading and writing.
#include "knobs.hpp"

#include <array>
#include <boost/json/value.hpp>
#include <utility>

namespace koppel::provider_sim {
namespace {

constexpr std::array<std::pair<const char*, bool knobs::*>, 8> switches{{
    {"updated_since_exclusive", &knobs::updated_since_exclusive},
    {"list_active_only", &knobs::list_active_only},
    {"denial_drops_state", &knobs::denial_drops_state},
    {"old_access_survives", &knobs::old_access_survives},
    {"plain_code_errors", &knobs::plain_code_errors},
    {"retry_after", &knobs::retry_after},
    {"reset_header_utc", &knobs::reset_header_utc},
    {"webhook_disorder", &knobs::webhook_disorder},
}};

bool* find_switch(knobs& target, std::string_view name) {
  for (const auto& [known, member] : switches)
    if (name == known) return &(target.*member);
  return nullptr;
}

bool set_number(knobs& target, std::string_view name, std::int64_t number) {
  if (name == "webhook_retries" && number >= 0 && number <= 100) {
    target.webhook_retries = static_cast<int>(number);
  } else if (name == "rate_limit" && number >= 1) {
    target.rate_limit = static_cast<std::size_t>(number);
  } else if (name == "rate_window_seconds" && number >= 1) {
    target.rate_window = std::chrono::seconds(number);
  } else if (name == "access_life_seconds" && number >= 1) {
    target.access_life = std::chrono::seconds(number);
  } else {
    return false;
  }
  return true;
}

}  // namespace

boost::json::object knobs::to_json() const {
  boost::json::object out;
  for (const auto& [name, member] : switches) out[name] = this->*member;
  out["webhook_retries"] = webhook_retries;
  out["rate_limit"] = rate_limit;
  out["rate_window_seconds"] = rate_window.count();
  out["access_life_seconds"] = access_life.count();
  return out;
}

std::optional<std::string> knobs::apply(const boost::json::object& changes) {
  knobs next = *this;
  for (const auto& [key, value] : changes) {
    const std::string_view name(key.data(), key.size());
    if (bool* found = find_switch(next, name)) {
      if (!value.is_bool()) return std::string(name) + " is true or false";
      *found = value.get_bool();
    } else if (!value.is_int64() || !set_number(next, name, value.get_int64())) {
      return "no such knob, or out of range: " + std::string(name);
    }
  }
  *this = next;
  return std::nullopt;
}

}  // namespace koppel::provider_sim
