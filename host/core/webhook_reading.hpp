// SPDX-License-Identifier: Apache-2.0
// What a webhook says: whether it bears its token, and which records it is about. A hint and no more: what became of a
// record is never taken from a body, but read at the provider. Pure: rules and bytes in, hints or a sentence out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/core/secret.hpp"
#include "host/core/webhook_rules.hpp"

namespace koppel::core {

struct webhook_hint {
  std::string stream;
  std::string id;  ///< empty: the whole stream
  bool operator==(const webhook_hint&) const = default;
};

struct webhook_reading {
  std::vector<webhook_hint> hints;  ///< each once
  std::string reason;               ///< where there are none: why, a sentence without anything of the body
  bool understood = true;           ///< false: nobody can read it; else it is about nothing that is read here
};

/// Beyond so many ids of a stream in one body the stream is read as a whole.
inline constexpr std::size_t most_hinted_ids = 1000;

webhook_reading read_webhook(const webhook_rules& rules, std::string_view body);

/// Whether the body, or the value of the token's header, bears the token. Takes a time that does not tell how much of
/// it was right.
bool bears_token(const webhook_rules& rules, std::string_view body, std::string_view header, const secret& token);

/// The body as it may be kept: without the token. What is no JSON object comes back empty where a token may be in it.
std::string without_token(const webhook_rules& rules, std::string body);

}  // namespace koppel::core
