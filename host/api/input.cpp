// SPDX-License-Identifier: Apache-2.0

#include "host/api/input.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/url/parse.hpp>
#include <regex>
#include <utility>

namespace koppel::api {
namespace json = boost::json;

input::input(const json::object& body, std::initializer_list<std::string_view> known) : body_(body) {
  for (const auto& field : body)
    if (std::find(known.begin(), known.end(), std::string_view(field.key())) == known.end())
      complain("\"" + std::string(field.key()).substr(0, 64) + "\" is not a field of this request");
}

void input::complain(std::string what) {
  if (!complaint_.empty()) return;
  complaint_ = std::move(what);
  if (!complaint_.ends_with('?')) complaint_ += '.';
}

const json::value* input::find(std::string_view field) const {
  const auto* value = body_.if_contains(field);
  return value && !value->is_null() ? value : nullptr;
}

std::string input::text(std::string_view field, bool required, std::size_t max_size, bool lines) {
  const auto* value = find(field);
  const std::string quoted = "\"" + std::string(field) + "\"";
  if (!value) {
    if (required) complain(quoted + " is missing");
    return {};
  }
  if (!value->is_string()) {
    complain(quoted + " has to be a string");
    return {};
  }
  const auto& text = value->get_string();
  const bool control = std::any_of(text.begin(), text.end(), [lines](unsigned char ch) {
    const bool of_lines = ch == '\n' || ch == '\r' || ch == '\t';
    return (ch < 0x20 || ch == 0x7f) && !(lines && of_lines);
  });
  if (required && text.empty())
    complain(quoted + " is empty");
  else if (text.size() > max_size)
    complain(quoted + " is longer than " + std::to_string(max_size) + " bytes");
  else if (control)
    complain(quoted + " contains control characters");
  else
    return {text.begin(), text.end()};
  return {};
}

std::string input::required(std::string_view field, std::size_t max_size) { return text(field, true, max_size); }

std::string input::credential(std::string_view field, std::size_t max_size) {
  auto value = required(field, max_size);
  if (value.starts_with(' ') || value.ends_with(' '))
    complain("\"" + std::string(field) + "\" begins or ends with a space: copy it again, without that");
  return value;
}

std::string input::optional(std::string_view field, std::size_t max_size) { return text(field, false, max_size); }

std::string input::optional_text(std::string_view field, std::size_t max_size) {
  return text(field, false, max_size, true);
}

bool input::flag(std::string_view field) {
  const auto* value = find(field);
  if (!value) return false;
  if (!value->is_bool()) {
    complain("\"" + std::string(field) + "\" has to be true or false");
    return false;
  }
  return value->get_bool();
}

std::int64_t input::number(std::string_view field, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  const auto* value = find(field);
  if (!value) return otherwise;
  const auto* whole = value->if_int64();
  if (whole && *whole >= least && *whole <= most) return *whole;
  complain("\"" + std::string(field) + "\" has to be a number from " + std::to_string(least) + " to " +
           std::to_string(most));
  return otherwise;
}

std::string input::name(std::string_view field) {
  auto value = required(field);
  if (!complaint_.empty()) return {};
  static const std::regex form("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?");
  if (!std::regex_match(value, form))
    complain("\"" + std::string(field) +
             "\" has to be 1 to 64 lower-case letters, digits and hyphens, with no hyphen at either end");
  return value;
}

std::map<std::string, std::string> input::text_map(std::string_view field) {
  std::map<std::string, std::string> values;
  const auto* o = object(field);
  if (!o) return values;
  for (const auto& entry : *o) {
    if (entry.value().is_string())
      values[entry.key()] = std::string(entry.value().get_string());
    else
      complain("\"" + std::string(field) + "." + std::string(entry.key()) + "\" has to be a string");
  }
  return values;
}

std::vector<std::string> input::words(std::string_view field) {
  std::vector<std::string> all;
  const auto* value = find(field);
  const auto* list = value ? value->if_array() : nullptr;
  if (!list) {
    complain("\"" + std::string(field) + "\" " + (value ? "has to be a list" : "is missing"));
    return all;
  }
  for (const auto& one : *list) {
    if (one.is_string())
      all.emplace_back(one.get_string());
    else
      complain("\"" + std::string(field) + "\" has to hold strings alone");
  }
  return all;
}

const json::object* input::object(std::string_view field) {
  const auto* value = find(field);
  if (!value) return nullptr;
  if (!value->is_object()) complain("\"" + std::string(field) + "\" has to be an object");
  return value->if_object();
}

std::string redirect_uri_refusal(const std::string& uri) {
  const auto parsed = boost::urls::parse_uri(uri);
  if (!parsed) return "\"redirect_uri\" is not an absolute address such as https://app.example/.";
  if (parsed->has_fragment()) return "\"redirect_uri\" may not have a fragment (#...).";
  if (parsed->has_userinfo()) return "\"redirect_uri\" may not hold a user name.";
  const auto host = parsed->host();
  const bool loopback = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
  if (parsed->scheme() != "https" && !(parsed->scheme() == "http" && loopback))
    return "\"redirect_uri\" has to begin with https:// (http:// is for this machine alone).";
  return {};
}

}  // namespace koppel::api
