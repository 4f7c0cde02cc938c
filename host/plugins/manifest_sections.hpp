// SPDX-License-Identifier: Apache-2.0
// What the files that read a manifest share: manifest_parser.cpp has the sections but one, manifest_auth.cpp has
// [auth], manifest_webhook.cpp [webhook].
#pragma once

#include <koppel/toml_reader.hpp>
#include <set>
#include <string>

#include "host/core/manifest.hpp"

namespace koppel::plugins {

/// [auth] of a document.
void read_auth(toml_reader& document, core::auth_rules& rules);

/// [webhook] of a document, after its streams.
void read_webhook(toml_reader& document, core::manifest& m);

/// Reports what a rule found wrong. An empty value was reported already, or is optional.
inline void check(toml_reader& in, const char* key, const std::string& value, const std::string& wrong) {
  if (!value.empty() && !wrong.empty()) in.problem(key, wrong);
}

/// A text that may be absent ("" then), but not empty: that would read as if the key were not there.
inline std::string some_text(toml_reader& in, const char* key) {
  return in.text(key, in.has(key) ? toml_reader::need::required : toml_reader::need::optional);
}

inline void once(toml_reader& in, const char* key, const std::string& value, std::set<std::string>& seen) {
  if (!value.empty() && !seen.insert(value).second) in.problem(key, "is used twice");
}

/// `text` with a host name in place of each template: templates are checked as what they become.
std::string sample(const std::string& text);

}  // namespace koppel::plugins
