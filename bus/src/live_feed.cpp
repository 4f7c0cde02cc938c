// SPDX-License-Identifier: Apache-2.0
// Thin and whole events, topics, the heartbeat of XPUB.

#include "live_feed.hpp"

#include <algorithm>

namespace koppel::bus {

bool is_public(std::string_view type) {
  const std::string_view name = short_type(type);
  for (const std::string_view prefix : {"auth.", "provider.", "plugin.", "connection.", "consumer."})
    if (name.starts_with(prefix)) return true;
  // A run event has two parts, sync.completed; a record event has an entity in between.
  return name.starts_with("sync.") && std::count(name.begin(), name.end(), '.') == 1;
}

live_message live_form(const event_view& view, live_detail detail) {
  event e = copy_of(view);
  live_message out{topic_of(e), {}};
  if (detail == live_detail::whole || is_public(view.type)) {
    out.body = view.raw;
    return out;
  }
  e.data.clear();
  out.body = encode(e);  // keeps the id that it has
  return out;
}

live_message live_form(event e, std::string_view epoch, std::uint64_t number) {
  e.seq = 0;
  if (e.epoch.empty()) e.epoch = epoch;
  if (e.source.empty()) e.source = "koppel://" + e.epoch;
  if (e.id.empty()) e.id = e.epoch + "-live-" + std::to_string(number);
  live_message out{topic_of(e), {}};
  out.body = encode(e);
  return out;
}

live_message heartbeat_form(std::string_view epoch, std::uint64_t head, const std::string& time, std::uint64_t number) {
  event e;
  e.type = long_type("heartbeat");
  e.time = time;
  e.data = msgpack_from_json({{"head", head}, {"health", "ok"}});
  return live_form(std::move(e), epoch, number);
}

}  // namespace koppel::bus
