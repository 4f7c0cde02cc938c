// SPDX-License-Identifier: Apache-2.0
// What a search asks for, read from its parameters in both documented styles. Names are case-sensitive, and one that
// the object does not have fails the whole request.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "form.hpp"
#include "http_message.hpp"
#include "workfront/fields.hpp"
#include "workfront/wire.hpp"

namespace koppel::provider_sim::workfront {

enum class comparison { eq, ne, gt, gte, lt, lte, in, notin, isnull, notnull, contains, cicontains, between };

struct condition {
  std::string field;  ///< as in `fields`, with `company:name` and `DE:...`
  comparison how = comparison::eq;
  std::vector<std::string> values;
  std::vector<instant> times;  ///< the values, of a field that is a date
};

struct sort_term {
  std::string field;
  bool descending = false;
};

struct query {
  std::optional<std::vector<std::string>> fields;
  std::vector<condition> conditions;
  std::vector<sort_term> sorts;
  std::size_t first = 0;
  std::size_t limit = 100;
  bool as_map = false;
  std::vector<std::string> ids;  ///< of /{obj}?id=a,b
};

/// What a request is read against.
struct query_context {
  object_kind kind = object_kind::company;
  int version = 20;
  std::string user_id;  ///< $$USER.ID
  date_form dates;
  instant now;
  int error_status = 400;
};

/// Either a query, or the answer that says what is wrong.
struct query_parse {
  query asked;
  std::optional<reply> refused;
};
query_parse parse_query(const form_fields& parameters, const query_context& context);

}  // namespace koppel::provider_sim::workfront
