// SPDX-License-Identifier: Apache-2.0
// Every bound of HTTP in and out, in one place. docs/limits.md says why each is what it is and which test holds it.
#pragma once

#include <chrono>
#include <cstddef>

namespace koppel::net::limits {

using std::chrono::milliseconds;

// ---- HTTP in: what a peer may make a listener of ours hold or wait for

inline constexpr std::size_t request_head = std::size_t{8} << 10;  ///< request line and headers, with the empty line
inline constexpr std::size_t request_target = std::size_t{2} << 10;
inline constexpr std::size_t ingress_target = std::size_t{6} << 10;  ///< an OAuth callback's code may be long
inline constexpr std::size_t request_headers = 64;
inline constexpr std::size_t ingress_body = std::size_t{64} << 10;
inline constexpr std::size_t admin_body = std::size_t{256} << 10;
inline constexpr milliseconds idle_deadline{15'000};   ///< from the connection, or the last answer, to a first byte
inline constexpr milliseconds header_deadline{5'000};  ///< from the first byte to the end of the headers
inline constexpr milliseconds body_deadline{10'000};   ///< from there to the last byte of the body
/// For a handler that finishes an authorisation: the token call, then the probes of the account and their pauses. A
/// handler that ends earlier would throw away the answer of what went well.
inline constexpr milliseconds authorization_deadline{240'000};
inline constexpr milliseconds answer_deadline{10'000};  ///< for the peer to take our answer
inline constexpr milliseconds linger_deadline{1'000};   ///< reading on after an early refusal, so that it arrives
inline constexpr std::size_t linger_bytes = std::size_t{256} << 10;
inline constexpr std::size_t connections_per_listener = 256;
inline constexpr std::size_t connections_per_address = 16;
/// Whoever comes through a proxy has the proxy's address, and one who saves a code may wait long for its answer.
inline constexpr std::size_t admin_connections_per_address = 128;

// ---- HTTP out: what a provider may make us hold or wait for

inline constexpr std::size_t answer_head = std::size_t{32} << 10;  ///< status line and headers; also a chunk's header
inline constexpr std::size_t answer_headers = 256;
inline constexpr std::size_t informational_answers = 8;
inline constexpr std::size_t provider_body = std::size_t{8} << 20;
inline constexpr std::size_t token_body = std::size_t{64} << 10;
inline constexpr milliseconds provider_deadline{60'000};
inline constexpr milliseconds token_deadline{30'000};          ///< from the sending
inline constexpr milliseconds token_connect_deadline{15'000};  ///< to a connection of its own, all addresses together
inline constexpr milliseconds connect_deadline{10'000};        ///< one address, handshake included; then the next one
inline constexpr std::size_t addresses_tried = 4;
inline constexpr std::size_t look_ups = 16;         ///< threads within the system's resolver
inline constexpr std::size_t look_ups_of_zone = 4;  ///< of names with the same last two labels
inline constexpr std::size_t look_ups_of_host = 2;
inline constexpr std::size_t connections_per_host = 8;
inline constexpr milliseconds pooled_idle{30'000};

}  // namespace koppel::net::limits
