// SPDX-License-Identifier: Apache-2.0

#include "host/core/retention.hpp"

#include <algorithm>
#include <koppel/bus/event_types.hpp>

namespace koppel::core {

namespace types = bus::event_types;

std::optional<std::vector<std::string>> kept_as(std::string_view short_type, const boost::json::object& data) {
  using names = std::vector<std::string>;
  if (short_type == types::auth_status) return names{"status"};
  // Whether something is held still is said by each completed run.
  if (short_type == types::sync_started || short_type == types::sync_failed || short_type == types::sync_held ||
      short_type.starts_with("plugin."))
    return names{};
  if (short_type != types::sync_completed) return std::nullopt;
  const auto* stream = data.if_contains("stream");
  if (stream == nullptr || !stream->is_string()) return std::nullopt;
  const std::string name(stream->get_string());
  names out{"completed " + name};
  // Without one of these a consumer that begins now could conclude nothing from a record's absence.
  const auto *mode = data.if_contains("mode"), *complete = data.if_contains("complete");
  if (mode != nullptr && *mode == "full" && complete != nullptr && *complete == true) out.push_back("full " + name);
  return out;
}

std::chrono::milliseconds pass_interval(const retention_limits& limits) {
  using namespace std::chrono_literals;
  return std::clamp<std::chrono::milliseconds>(limits.keep / 30, 1min, 24h);
}

std::chrono::milliseconds until_pass(const retention_limits& limits, std::optional<instant> last, instant now) {
  using std::chrono::milliseconds;
  const auto interval = pass_interval(limits);
  if (!last) return milliseconds{0};
  // A clock that was set back must not put trimming off for years.
  return std::clamp<milliseconds>(*last + interval - now, milliseconds{0}, interval);
}

std::uint64_t next_horizon(const history_facts& facts) {
  // The event at a position is kept whole too: a consumer that comes back is known by its id.
  const auto held = facts.slowest ? std::min(*facts.slowest, facts.head_at_keep) : facts.head_at_keep;
  return std::max({facts.horizon, held, facts.head_at_hold});
}

}  // namespace koppel::core
