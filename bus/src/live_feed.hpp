// SPDX-License-Identifier: Apache-2.0
// What goes onto XPUB: topics, and events without what is nobody's business. Decisions only.
#pragma once

#include <koppel/bus/event.hpp>
#include <koppel/bus/server.hpp>
#include <string>

namespace koppel::bus {

struct live_message {
  std::string topic;
  std::string body;
};

inline constexpr std::string_view heartbeat_topic = "-/-/heartbeat/";

/// Whether an event of this type may travel whole: status and run events are, records and whatever we do not know are
/// not, for they may hold personal data.
bool is_public(std::string_view type);

/// A stored event as watchers see it.
live_message live_form(const event_view& e, live_detail detail);
/// A live-only event; gets an id and the epoch where it has none.
live_message live_form(event e, std::string_view epoch, std::uint64_t number);
live_message heartbeat_form(std::string_view epoch, std::uint64_t head, const std::string& time, std::uint64_t number);

}  // namespace koppel::bus
