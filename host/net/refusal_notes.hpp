// SPDX-License-Identifier: Apache-2.0
// Requests that the server refuses before any handler sees them, and that somebody may miss: which are told in the log,
// and how often. Whoever knocks on purpose must not fill it. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/runtime/steady_clock.hpp"

namespace koppel::net {

/// The path that a request is for, as far as its first bytes tell; empty where they do not. Without the host, where the
/// target has one.
std::string_view path_of(std::string_view request);

class refusal_notes {
 public:
  /// Of each reason one a minute is told. Nothing where it is too soon; else how many were passed over since the last.
  std::optional<std::size_t> note(std::string_view reason, runtime::steady_time now);

 private:
  struct entry {
    runtime::steady_time told;
    std::size_t passed_over = 0;
  };
  std::map<std::string, entry, std::less<>> by_reason_;  ///< the server's own words: a few dozen at most
};

}  // namespace koppel::net
