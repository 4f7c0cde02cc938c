// SPDX-License-Identifier: Apache-2.0
// Parts of an authorize page and a token endpoint that are the same wherever OAuth 2 is spoken: the showing of a page
// that is answered once, the way back, the two forms of a token request.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "digest.hpp"
#include "form.hpp"
#include "http_message.hpp"

namespace koppel::provider_sim {

/// The value of a field, empty if it is not there.
std::string field_or_empty(const form_fields& fields, std::string_view name);

/// The fields of a form, or the strings of a JSON object, by content type.
form_fields token_fields(const request& asked);

/// http or https, with an authority and without a fragment.
bool usable_redirect(const std::string& uri);

/// 302 to `uri` with `query` added; what `uri` has of its own is kept as it was sent, byte for byte.
reply redirect_to(const std::string& uri, const std::string& query);

struct consent {
  std::string client_id, redirect_uri, state;
  bool has_state = false;
};

/// The pages shown and not yet answered, each under a hidden token; the oldest make room.
class open_consents {
 public:
  explicit open_consents(hex_source random) : random_(std::move(random)) {}

  /// Returns the hidden token.
  std::string show(consent one);
  /// Takes the page that was shown under `hidden`, once.
  std::optional<consent> take(const std::string& hidden);
  bool has(const std::string& hidden) const { return shown_.contains(hidden); }

 private:
  hex_source random_;
  std::map<std::string, consent> shown_;
  std::deque<std::string> order_;  ///< oldest first
};

}  // namespace koppel::provider_sim
