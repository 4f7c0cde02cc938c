// SPDX-License-Identifier: Apache-2.0
// $filter, as far as SnelStart's page on OData shows it for relations: comparisons of ModifiedOn, Relatiecode and Id,
// and the kind of relation, with `and` between them. Names and literals are as strict as there: UpperCamelCase,
// OData 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http_message.hpp"
#include "uuid.hpp"

namespace koppel::provider_sim::snelstart {

/// What a filter can look at.
struct filtered_row {
  uuid id;
  instant modified;  ///< the clock's reading
  std::int64_t code = 0;
  std::string_view kind;
};

struct condition {
  std::string property, comparison;
  std::variant<instant, std::int64_t, uuid, std::string> value;
};

struct parsed_filter {
  std::vector<condition> all;
  std::optional<std::string> problem;  ///< in the words of the real one, where they are known
};

parsed_filter parse_filter(const std::string& text);

bool passes(const filtered_row& row, const std::vector<condition>& conditions);

}  // namespace koppel::provider_sim::snelstart
