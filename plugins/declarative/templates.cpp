// SPDX-License-Identifier: Apache-2.0
#include "templates.hpp"

#include <koppel/sdk/json.hpp>

namespace koppel::declarative {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != plain.npos)
      out += c;
    else
      out.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
  return out;
}

std::string quoted(std::string_view text) {
  const auto list = sdk::json_array().add(text).text();
  return list.substr(1, list.size() - 2);
}

text_template text_template::parse(std::string_view text, std::string& wrong) {
  text_template out;
  std::string plain;
  while (!text.empty()) {
    const char c = text.front();
    if ((c == '{' || c == '}') && text.substr(1).starts_with(c)) {
      plain += c;
      text.remove_prefix(2);
    } else if (c == '{') {
      const auto end = text.find('}');
      if (end == text.npos || end == 1) {
        wrong = "has a '{' that opens no placeholder; write \"{{\" for a brace";
        return out;
      }
      if (!plain.empty()) out.parts_.push_back({std::move(plain), false});
      plain.clear();
      out.parts_.push_back({std::string(text.substr(1, end - 1)), true});
      text.remove_prefix(end + 1);
    } else if (c == '}') {
      wrong = "has a '}' that closes no placeholder; write \"}}\" for a brace";
      return out;
    } else {
      plain += c;
      text.remove_prefix(1);
    }
  }
  if (!plain.empty() || out.parts_.empty()) out.parts_.push_back({std::move(plain), false});
  return out;
}

std::optional<std::string> text_template::fill(const finder& find, use how) const {
  std::string out;
  for (const auto& each : parts_) {
    if (!each.placeholder) {
      out += each.text;
      continue;
    }
    const auto value = find(each.text);
    if (!value) return std::nullopt;
    out += how == use::in_a_path ? percent_encoded(value->text) : value->text;
  }
  return out;
}

std::optional<std::string> text_template::fill_json(const finder& find) const {
  if (parts_.size() == 1 && parts_.front().placeholder) {
    const auto value = find(parts_.front().text);
    if (!value) return std::nullopt;
    return value->number ? value->text : quoted(value->text);
  }
  const auto filled = fill(find);
  return filled ? std::optional(quoted(*filled)) : std::nullopt;
}

void text_template::add_placeholders(std::set<std::string>& to) const {
  for (const auto& each : parts_)
    if (each.placeholder) to.insert(each.text);
}

std::optional<std::string> json_template::fill(const finder& find) const {
  if (what == kind::literal) return literal;
  if (what == kind::text) return text.fill_json(find);
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto value = items[i].fill(find);
    if (!value) continue;
    if (!out.empty()) out += ',';
    if (what == kind::object) out += quoted(names[i]) + ':';
    out += *value;
  }
  if (out.empty() && !items.empty()) return std::nullopt;
  return what == kind::object ? '{' + out + '}' : '[' + out + ']';
}

void json_template::add_placeholders(std::set<std::string>& to) const {
  text.add_placeholders(to);
  for (const auto& each : items) each.add_placeholders(to);
}

}  // namespace koppel::declarative
