// SPDX-License-Identifier: Apache-2.0
// The messages between a consumer and the host (docs/bus.md, "On the wire"): one msgpack map each, with `op` and `v`.
// Reading is strict: what is wrong is refused with a sentence, unknown fields are ignored.
#pragma once

#include <koppel/bus/error.hpp>
#include <koppel/bus/filter.hpp>
#include <koppel/bus/position.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace koppel::bus {

// Consumer to host.
struct follow_request {
  std::string consumer;  ///< empty: anonymous, no acknowledgement is kept
  start_at from;
  filters filter;
  std::uint64_t credit = 0;
};
struct credit_request {
  std::uint64_t bytes = 0;
};
struct ack_request {
  position at;
};
struct ping_request {};
struct bye_request {};
using consumer_message = std::variant<follow_request, credit_request, ack_request, ping_request, bye_request>;

result<consumer_message> parse_consumer_message(std::string_view bytes);
std::string encode_consumer_message(const consumer_message& r);

// Host to consumer.
struct batch_message {
  std::uint64_t first = 0, last = 0;  ///< what the batch covers; last < first: nothing yet, "you are accepted"
  std::string_view events;            ///< those that passed the filter, concatenated
  position complete_up_to;
};
/// Part of a snapshot.
struct page_message {
  position of;                         ///< the snapshot's moment; what follows it are batches from here
  std::uint64_t after = 0, up_to = 0;  ///< what the page covers; equal and not last: nothing yet, "you are accepted"
  bool last = false;
  std::uint64_t head = 0;   ///< the host's, now
  std::string_view events;  ///< those that passed the filter, concatenated
};
struct heartbeat_message {
  std::uint64_t head = 0;
  std::string time;
};
struct refused_message {
  std::string code, text;
};
using host_message = std::variant<batch_message, page_message, heartbeat_message, refused_message>;

/// The `events` of a batch or a page point into `bytes`.
result<host_message> parse_host_message(std::string_view bytes);
std::string encode_host_message(const host_message& r);

/// The wire's word for a refusal, and back. `no_session` (follow first) has no errc: clients mend it themselves.
inline constexpr std::string_view no_session = "no_session";
std::string_view code_of(errc e);
errc errc_of(std::string_view code);

}  // namespace koppel::bus
