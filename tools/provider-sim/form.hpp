// SPDX-License-Identifier: Apache-2.0
// application/x-www-form-urlencoded, in query strings and bodies, and the bracket notation of the deprecated GET form.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::provider_sim {

using form_fields = std::vector<std::pair<std::string, std::string>>;

/// Decodes `a=b&c=d`. A field with a broken escape keeps its raw text. Order is kept.
form_fields decode_form(std::string_view text);

/// The first value of `name`, or nullptr.
const std::string* find_field(const form_fields& fields, std::string_view name);

/// `page[number]=1&filter[ids][]=x` -> {"page":{"number":"1"},"filter":{"ids":["x"]}}; every leaf is a string.
boost::json::object nest_form(const form_fields& fields);

std::string percent_encode(std::string_view text);
std::string escape_html(std::string_view text);

}  // namespace koppel::provider_sim
