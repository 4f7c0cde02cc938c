// SPDX-License-Identifier: Apache-2.0
// What [webhook] of a manifest says: how a body names records, and what shows that it is the provider's. Read by
// host/plugins/manifest_webhook.cpp; docs/webhooks.md is its manual.
#pragma once

#include <string>
#include <vector>

namespace koppel::core {

struct webhook_rules {
  /// The provider's words for what happened, and the stream whose record has to be read then.
  struct record_rule {
    std::vector<std::string> when;  ///< a word, or its beginning where it ends in '*'
    std::string stream;
    std::vector<std::string> ids;  ///< JSON pointers to an id or a list of them, the first that is there; none: the
                                   ///< whole stream is to be read
  };
  std::vector<std::string> word;  ///< JSON pointers; the first that is there counts
  bool registered = false;        ///< by the plugin, with a job; else somebody enters the address at the provider
  std::string token_pointer;      ///< JSON pointer to the token in the body; empty: none is there
  std::string token_header;       ///< lower case: the header with the token; empty: none has it
  std::string token_prefix;       ///< before the token in that header
  std::vector<record_rule> records;

  bool asks_token() const { return !token_pointer.empty() || !token_header.empty(); }
};

}  // namespace koppel::core
