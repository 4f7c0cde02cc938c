// SPDX-License-Identifier: Apache-2.0
// Every limit of the bus, in one place (docs/bus.md, "Limits"). Each has a test.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace koppel::bus::limits {

inline constexpr std::size_t event_bytes = 64 * 1024;    ///< one encoded event
inline constexpr std::size_t msgpack_depth = 16;         ///< nested maps and arrays, the outermost included
inline constexpr std::size_t batch_bytes = 1024 * 1024;  ///< the events in one batch
inline constexpr std::size_t batch_message_bytes = batch_bytes + 1024;  ///< a batch with what is around it
inline constexpr std::size_t request_bytes = 64 * 1024;                 ///< one message from a consumer

inline constexpr std::size_t consumer_name_bytes = 64;
inline constexpr std::size_t epoch_bytes = 64;
inline constexpr std::size_t event_id_bytes = 160;
inline constexpr std::size_t filter_terms = 256;  ///< of all three lists together
inline constexpr std::size_t filter_term_bytes = 128;
inline constexpr std::size_t topic_bytes = 128;  ///< of a subscription
/// As it comes over the wire: with the name of ZMTP 3.1's command before it, "\x09SUBSCRIBE".
inline constexpr std::size_t subscription_bytes = topic_bytes + 10;

/// A consumer offers at least one full batch of credit, or it could stall for good.
inline constexpr std::uint64_t credit_min = batch_message_bytes;
inline constexpr std::uint64_t credit_max = 64ULL * 1024 * 1024;

inline constexpr std::size_t sessions = 256;  ///< consumers connected at once
/// Connections to both sockets from which on the host warns: ZeroMQ does not bound them, and ends the process where
/// there is no descriptor for one more.
inline constexpr std::size_t many_connections = 2 * sessions;
/// Messages queued in the host for a follower: as many full batches as its credit allows, and as many others. Credit
/// does not bound it: a peer may begin sessions again and again and read nothing.
inline constexpr int follower_hwm = 2 * static_cast<int>(credit_max / batch_bytes);
inline constexpr int peer_hwm = 1'000;            ///< messages queued on their way to whoever reads them
inline constexpr int live_hwm = 10'000;           ///< messages queued per watcher; beyond it they are dropped
inline constexpr std::size_t live_queue = 1'000;  ///< live-only events waiting for the bus thread; beyond it dropped

inline constexpr std::chrono::milliseconds heartbeat{1'000};
inline constexpr int silent_heartbeats = 6;  ///< a consumer silent for so many is dropped

}  // namespace koppel::bus::limits
