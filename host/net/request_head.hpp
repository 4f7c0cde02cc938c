// SPDX-License-Identifier: Apache-2.0
// The head of a request that came in: first looked at as bytes while they arrive, then parsed, then judged. Refuses
// every framing that two parsers could read differently, where Beast 1.81 is lax. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "host/net/http.hpp"

namespace koppel::net {

/// An answer that the server gives itself. `reason` is for the peer: it quotes nothing of the request.
struct refusal {
  int status = 400;
  std::string_view reason;
};

/// Finds the end of the head, and what can be refused before it has come.
class head_scanner {
 public:
  explicit head_scanner(std::size_t target_limit = limits::request_target) : target_limit_(target_limit) {}

  enum class progress { more, complete, refused };
  /// `all`: every byte since the request began; each call looks at the new ones only.
  progress scan(std::string_view all);
  std::size_t size() const { return at_; }     ///< after `complete`: the head's, with its empty line
  const refusal& why() const { return why_; }  ///< after `refused`

 private:
  progress refuse(int status, std::string_view reason);
  progress end_line(std::string_view line);

  std::size_t target_limit_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;   ///< where the current line begins
  std::size_t lines_ = 0;  ///< ended so far
  refusal why_;
};

struct request_head {
  std::string method;
  std::string target;       ///< as received
  std::string origin_form;  ///< path and query of it
  header_list headers;      ///< names in lower case
  std::uint64_t content_length = 0;
  bool keep_alive = false;
  bool expects_continue = false;
};

/// `head`: what head_scanner found complete.
std::variant<request_head, refusal> parse_request_head(std::string_view head);

}  // namespace koppel::net
