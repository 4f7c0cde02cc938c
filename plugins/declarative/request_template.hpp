// SPDX-License-Identifier: Apache-2.0
// A request as a manifest describes it: method and path, query, headers, and a JSON body.
#pragma once

#include <koppel/sdk/job.hpp>
#include <koppel/toml_reader.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "templates.hpp"

namespace koppel::declarative {

using named_templates = std::vector<std::pair<std::string, text_template>>;

struct request_template {
  std::string method;
  text_template target;  ///< a path after api.base_url, or a whole https URL
  named_templates query, headers;
  std::optional<json_template> body;
  std::set<std::string> placeholders;  ///< that stand anywhere in it

  bool uses(const std::string& placeholder) const { return placeholders.contains(placeholder); }
};

/// The keys `request`, `query`, `headers` and `json` of a table. `allowed` are the placeholders that mean something
/// there; those of settings are allowed where the manifest has the setting.
request_template read_request(toml_reader& in, const std::set<std::string>& allowed);

/// Header names and values of a table.
named_templates read_headers(toml_reader& in, const char* key, const std::set<std::string>& allowed);

/// A template of one key, checked against the placeholders that it may have.
text_template read_template(toml_reader& in, const char* key, const std::set<std::string>& allowed);

/// `find`, and "setting.NAME" of the job. A path whose placeholder has no value ends the job: a setting is missing.
sdk::request build(const sdk::job& run, const request_template& from, const named_templates& always,
                   const finder& find);

/// The same request to another address: what a provider names as its next page.
sdk::request build_to(const sdk::job& run, const request_template& from, const named_templates& always,
                      const finder& find, const std::string& url);

finder with_settings(const sdk::job& run, finder find);

}  // namespace koppel::declarative
