// SPDX-License-Identifier: Apache-2.0
#include "snelstart/filter.hpp"

#include <charconv>
#include <regex>

#include "snelstart/stamps.hpp"

namespace koppel::provider_sim::snelstart {
namespace {

constexpr const char* type_name = "SnelStart.B2B.Api.V2.Models.Relaties.RelatieModel";

template <class Value>
bool holds(const Value& left, const std::string& comparison, const Value& right) {
  if (comparison == "eq") return left == right;
  if (comparison == "ne") return left != right;
  if (comparison == "gt") return left > right;
  if (comparison == "ge") return left >= right;
  return comparison == "lt" ? left < right : left <= right;
}

/// The inside of `datetime'...'`; nothing if the literal is of another type.
std::optional<std::string> inside(const std::string& literal, const std::string& type) {
  if (!literal.starts_with(type + '\'') || !literal.ends_with('\'') || literal.size() < type.size() + 2)
    return std::nullopt;
  return literal.substr(type.size() + 1, literal.size() - type.size() - 2);
}

/// False if the property cannot be compared with such a literal.
bool read_value(condition& into, const std::string& literal) {
  if (into.property == "ModifiedOn") {
    const auto text = inside(literal, "datetime");
    const auto when = text ? parse_stamp(*text) : std::nullopt;
    if (when) into.value = *when;
    return when.has_value();
  }
  if (into.property == "Id") {
    const auto text = inside(literal, "guid");
    const auto id = text ? uuid::parse(*text) : std::nullopt;
    if (id) into.value = *id;
    return id.has_value();
  }
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(literal.data(), literal.data() + literal.size(), number);
  into.value = number;
  return fault == std::errc() && end == literal.data() + literal.size();
}

/// What is wrong with one part of a filter; nothing if it was read.
std::optional<std::string> read_part(const std::string& part, std::vector<condition>& into) {
  static const std::regex kind(R"(Relatiesoort/any\((\w+):(\w+) eq '(\w+)'\))");
  static const std::regex comparison(R"((\w+) (eq|ne|gt|ge|lt|le) (\S+))");
  std::smatch found;
  if (std::regex_match(part, found, kind) && found[1] == found[2]) {
    into.push_back({"Relatiesoort", "eq", found[3].str()});
    return std::nullopt;
  }
  if (!std::regex_match(part, found, comparison)) return "Syntax error in '" + part + "'.";
  condition one{found[1], found[2], {}};
  if (one.property != "ModifiedOn" && one.property != "Id" && one.property != "Relatiecode")
    return "Could not find a property named '" + one.property + "' on type '" + type_name + "'.";
  if (!read_value(one, found[3])) return "A binary operator with incompatible types was detected.";
  into.push_back(std::move(one));
  return std::nullopt;
}

}  // namespace

parsed_filter parse_filter(const std::string& text) {
  parsed_filter out;
  for (std::size_t at = 0; at <= text.size() && !text.empty();) {
    const auto end = std::min(text.find(" and ", at), text.size());
    out.problem = read_part(text.substr(at, end - at), out.all);
    if (out.problem) return out;
    at = end == text.size() ? end + 1 : end + 5;
  }
  return out;
}

bool passes(const filtered_row& row, const std::vector<condition>& conditions) {
  for (const auto& [property, comparison, value] : conditions) {
    const bool holding = property == "ModifiedOn"    ? holds(row.modified, comparison, std::get<instant>(value))
                         : property == "Id"          ? holds(row.id, comparison, std::get<uuid>(value))
                         : property == "Relatiecode" ? holds(row.code, comparison, std::get<std::int64_t>(value))
                                                     : row.kind.find(std::get<std::string>(value)) != row.kind.npos;
    if (!holding) return false;
  }
  return true;
}

}  // namespace koppel::provider_sim::snelstart
