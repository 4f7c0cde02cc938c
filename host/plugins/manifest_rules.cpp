// SPDX-License-Identifier: Apache-2.0
// Rules for single values of a manifest.

#include "host/plugins/manifest_rules.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>

namespace koppel::plugins {

namespace {

bool small_letter(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string wrong_name(const std::string& text, bool underscores) {
  const bool good = !text.empty() && text.size() <= 32 && small_letter(text.front()) &&
                    std::all_of(text.begin(), text.end(), [&](char c) {
                      return small_letter(c) || digit(c) || c == '-' || (underscores && c == '_');
                    });
  if (good) return {};
  return std::string("must be a name: a small letter, then small letters, digits ") +
         (underscores ? "'-' and '_'" : "and '-'") + ", at most 32 characters";
}

std::string wrong_version(const std::string& text) {
  static const std::regex form(R"(\d{1,5}\.\d{1,5}\.\d{1,5}(-[0-9A-Za-z.-]{1,32})?)");
  return text.size() <= 64 && std::regex_match(text, form) ? "" : "must be a version like \"1.0.2\"";
}

std::string wrong_egress_path(const std::string& text) {
  const std::string expected = "must be a path like \"/v1/items\", or a prefix that ends in '*'";
  if (text.empty() || text.front() != '/') return expected;
  const auto star = text.find('*');
  if (star != std::string::npos && star + 1 != text.size()) return expected;
  const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '?' || c == '#' || c == '\\'; };
  if (std::any_of(text.begin(), text.end(), odd)) return expected + ", without query, fragment or spaces";
  if ((text + "/").find("/../") != std::string::npos || (text + "/").find("/./") != std::string::npos ||
      text.find("//") != std::string::npos)
    return expected + ", without \".\", \"..\" or empty segments";
  return {};
}

std::string wrong_header_name(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return small_letter(c) || digit(c) || c == '-' || c == '_';
  });
  return good ? "" : "must be a header name in lower case";
}

std::string wrong_header_value(const std::string& text) {
  const bool good =
      text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return good ? "" : "must be at most 64 visible ASCII characters";
}

std::string wrong_json_pointer(const std::string& text) {
  if (text.empty()) return {};
  bool good = text.front() == '/' && text.size() <= 256;
  for (std::size_t i = 0; good && i < text.size(); ++i)
    if (text[i] == '~') good = i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
  return good ? "" : "must be a JSON pointer like \"/errors/0/title\"";
}

std::string wrong_pattern(const std::string& text) {
  if (text.size() > 256) return "must be a regular expression of at most 256 characters";
  try {
    const std::regex compiled(text, std::regex::ECMAScript);
    return {};
  } catch (const std::regex_error&) {
    return "must be a regular expression (ECMAScript)";
  }
}

bool matches_pattern(const std::string& pattern, const std::string& text) {
  if (pattern.empty()) return true;
  try {
    return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript));
  } catch (const std::regex_error&) {
    return false;
  }
}

std::string wrong_entity(const std::string& text, const std::string& plugin) {
  static constexpr std::array<std::string_view, 5> known{"company", "contact", "department", "project", "user"};
  if (std::find(known.begin(), known.end(), text) != known.end()) return {};
  const std::string prefix = plugin + ".";
  if (text.starts_with(prefix) && wrong_name(text.substr(prefix.size()), true).empty()) return {};
  return "must be company, contact, department, project, user, or \"" + prefix + "<entity>\"";
}

}  // namespace koppel::plugins
