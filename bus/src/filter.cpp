// SPDX-License-Identifier: Apache-2.0
// Which events a filter lets through.

#include <algorithm>
#include <koppel/bus/filter.hpp>

namespace koppel::bus {
namespace {

bool has_prefix_on_dot(std::string_view type, std::string_view prefix) {
  return type.starts_with(prefix) && (type.size() == prefix.size() || type[prefix.size()] == '.');
}

bool names_connection(std::string_view term, const event_view& e) {
  if (e.connection_id.empty()) return false;
  if (term == e.connection_id) return true;
  return term.size() == e.provider.size() + 1 + e.connection.size() && term.starts_with(e.provider) &&
         term[e.provider.size()] == '/' && term.ends_with(e.connection);
}

}  // namespace

bool filters::matches(const event_view& e) const {
  const auto any = [](const std::vector<std::string>& terms, auto matches_term) {
    return terms.empty() || std::any_of(terms.begin(), terms.end(), matches_term);
  };
  const std::string_view type = short_type(e.type);
  return any(providers, [&](const std::string& term) { return term == e.provider; }) &&
         any(connections, [&](const std::string& term) { return names_connection(term, e); }) &&
         any(types, [&](const std::string& term) { return has_prefix_on_dot(type, term); });
}

}  // namespace koppel::bus
